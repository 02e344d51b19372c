/**
 * From the call to the storage: one flat step in the caller's fiber that ends with the event accepted, or with the
 * reason why it is not.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import type { AmplitudeConfig } from "../AmplitudeConfig.js"
import type { TrackError } from "../AmplitudeError.js"
import { AmplitudeClosed, BufferFull, DeliveryError, InvalidEvent, StorageError } from "../AmplitudeError.js"
import type { Delivered, Reason } from "../DeliveryReport.js"
import type { Event } from "../Event.js"
import type { EventStorage } from "../EventStorage.js"
import type { Enrichment, Plugin } from "../Plugin.js"
import * as Encoding from "./encoding.js"
import { eventOptions } from "./eventOptions.js"
import type { Ledger } from "./ledger.js"
import type { Log } from "./log.js"
import * as Memory from "./memory.js"
import * as Metrics from "./metrics.js"
import { unsafeNow } from "./now.js"
import type { Pipeline } from "./pipeline.js"
import type { Passed, Plugins } from "./plugins.js"
import { insidePlugins } from "./plugins.js"
import type { Fault } from "./properties.js"
import type { Awaited, Reports } from "./reports.js"

export interface Dependencies {
  readonly config: AmplitudeConfig.Service
  readonly storage: EventStorage.Service
  readonly ledger: Ledger
  readonly pipeline: Pipeline
  readonly plugins: Plugins
  readonly reports: Reports
  readonly log: Log
  readonly insertId: () => string
  /** Whether an invalid event is a defect of the call of `track`, not a report: for tests. */
  readonly invalidIsDefect: boolean
}

export interface Intake {
  readonly track: (...given: Encoding.Given) => Effect.Effect<void>
  readonly trackOrFail: (...given: Encoding.Given) => Effect.Effect<void, TrackError>
  readonly trackAndWait: (...given: Encoding.Given) => Effect.Effect<Delivered, TrackError | DeliveryError>
  /** From now on events are refused with `AmplitudeClosed`, also those of callers that wait for room. */
  readonly close: Effect.Effect<void>
}

/** An event that is not taken before it is encoded. Without an error the call has succeeded, and the event is reported. */
interface Refusal {
  readonly _tag: "Refusal"
  readonly reason: Reason
  readonly error: TrackError | undefined
  readonly message: string
  /** The event as it was when it was refused, where that is not what was given. */
  readonly event?: Event | undefined
}

/** One call of `track`: what holds for it from beginning to end. */
interface Call {
  readonly settings: AmplitudeConfig.Settings
  readonly now: number
  /** The plugins inside which the event was tracked. */
  readonly inside: ReadonlyArray<Plugin>
  readonly enrichment: ReadonlyArray<Enrichment>
}

/** An event that only has to be stored. */
interface Prepared {
  readonly _tag: "Prepared"
  readonly lane: string
  readonly json: string
  readonly now: number
  /** The plugins inside which it was tracked. */
  readonly inside: ReadonlyArray<Plugin>
}

type Caller = Fiber.RuntimeFiber<unknown, unknown>

const reasons: { readonly [Tag in TrackError["_tag"]]: Reason } = {
  InvalidEvent: "Invalid",
  BufferFull: "BufferFull",
  StorageError: "Storage",
  AmplitudeClosed: "Closed"
}

const refuse = (error: TrackError): Refusal => ({
  _tag: "Refusal",
  reason: reasons[error._tag],
  error,
  message: error.message
})

/** `event` is what a plugin made of it. */
const invalid = ({ actual, expected, path }: Fault, event?: Event): Refusal => ({
  ...refuse(new InvalidEvent({ field: path, expected, actual })),
  event
})

const optedOut: Refusal = { _tag: "Refusal", reason: "OptedOut", error: undefined, message: "the client is opted out" }

export const make = (deps: Dependencies): Intake => {
  const { config, insertId, ledger, log, pipeline, plugins, reports, storage } = deps
  const closing = Effect.unsafeMakeLatch(false)
  const appendAtOnce = (storage.append as Memory.AtOnce)[Memory.atOnce]
  let closed = false

  // -- up to the encoded event ---------------------------------------------------------------------------------------

  /** The event as it is stored, of one that is written but for its context. `event` is what a plugin made of it. */
  const finish = ({ inside, now, settings }: Call, draft: Encoding.Draft, event?: Event): Prepared | Refusal => {
    const fault = Encoding.validate(draft, settings)
    if (fault !== undefined) return invalid(fault, event)
    Encoding.addContext(draft, now, insertId)
    if (Encoding.hasTooManyGroups(draft)) warnOfGroups()
    const json = Encoding.encode(draft, settings)
    return typeof json === "string"
      ? { _tag: "Prepared", lane: Encoding.laneOf(draft), json, now, inside }
      : invalid(json, event)
  }

  const enrich = (
    call: Call,
    draft: Encoding.Draft,
    event?: Event
  ): Prepared | Refusal | Effect.Effect<Prepared | Refusal> => {
    if (call.enrichment.length === 0) return finish(call, draft, event)
    Encoding.addContext(draft, call.now, insertId)
    return Effect.map(plugins.lead(Encoding.toEvent(draft), call.enrichment), (passed) => {
      if (passed._tag === "Dropped") return droppedByPlugin(passed)
      const draft = Encoding.make()
      const fault = Encoding.reread(draft, passed.event)
      return fault === undefined ? finish(call, draft, passed.event) : invalid(fault, passed.event)
    })
  }

  const prepare = (
    caller: Caller,
    given: Encoding.Given
  ): Prepared | Refusal | Effect.Effect<Prepared | Refusal> => {
    if (closed) return refuse(new AmplitudeClosed())
    const settings = config.unsafeSettings()
    if (settings.optOut) return optedOut
    const inside = caller.getFiberRef(insidePlugins)
    const before = plugins.before(inside)
    const call: Call = { settings, now: unsafeNow(caller), inside, enrichment: plugins.enrichment(inside) }
    const draft = Encoding.make()
    const fault = Encoding.read(draft, given, caller.getFiberRef(eventOptions), settings)
    if (fault !== undefined) return invalid(fault)
    if (before.length === 0) return enrich(call, draft)
    return Effect.flatMap(plugins.lead(Encoding.toEvent(draft), before), (passed) => {
      if (passed._tag === "Dropped") return Exit.succeed(droppedByPlugin(passed))
      const draft = Encoding.make()
      const fault = Encoding.reread(draft, passed.event)
      const prepared = fault === undefined ? enrich(call, draft, passed.event) : invalid(fault, passed.event)
      return Effect.isEffect(prepared) ? prepared : Exit.succeed(prepared)
    })
  }

  /** Leads what was given to the encoded event, through plugins where there are any, and goes on with it. */
  const withPrepared = <A, E>(
    given: Encoding.Given,
    onPrepared: (prepared: Prepared) => Effect.Effect<A, E>,
    onRefusal: (refusal: Refusal) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.withFiberRuntime((caller) => {
      const prepared = prepare(caller, given)
      return Effect.isEffect(prepared)
        ? Effect.flatMap(prepared, (prepared) => match(prepared, onPrepared, onRefusal))
        : match(prepared, onPrepared, onRefusal)
    })

  // -- into the storage ----------------------------------------------------------------------------------------------

  /**
   * Appends an event, or waits for room. A caller that waits can be interrupted, if it can be interrupted at all, and
   * goes on when the client closes; whichever comes first, the event was appended or it was not.
   */
  const appendOrWait = (
    event: EventStorage.EncodedEvent,
    restore: Restore
  ): Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>, TrackError> => {
    let appended: ReadonlyArray<EventStorage.EncodedEvent> | undefined
    const appending = Effect.map(storage.append(event), (dropped) => {
      ledger.openReserved(event.id)
      appended = dropped
      return dropped
    })
    return Effect.matchCauseEffect(
      restore(Effect.raceFirst(
        Effect.uninterruptible(appending),
        Effect.zipRight(Effect.interruptible(closing.await), refuseClosed)
      )),
      {
        onSuccess: Effect.succeed,
        onFailure: (cause) => appended === undefined ? Effect.failCause(cause) : Effect.succeed(appended)
      }
    )
  }

  /** An event that is in the storage: nothing of this can fail or wait. */
  const accepted = (event: EventStorage.EncodedEvent, { inside, now }: Prepared): void => {
    Metrics.tracked(ledger.size())
    pipeline.arrived(event, now)
    plugins.dispatch(event.json, inside)
  }

  /**
   * Accepts an event, or goes on with the reason why the storage did not take it. Where the storage has room at hand
   * that is one step, without an effect of its own.
   */
  const store = <E>(
    prepared: Prepared,
    onError: (error: TrackError, event: EventStorage.EncodedEvent) => Effect.Effect<void, E>,
    onId?: (id: string) => void
  ): Effect.Effect<void, E> => {
    if (appendAtOnce === undefined || closed) return storeByPolicy(prepared, onError, onId)
    const event = encoded(ledger.open(), prepared)
    if (!appendAtOnce(event)) {
      ledger.close(event.id)
      return storeByPolicy(prepared, onError, onId)
    }
    onId?.(event.id)
    accepted(event, prepared)
    return Exit.void
  }

  /**
   * The same where the overflow policy may have to decide. The entry in the ledger is opened and settled without an
   * interruption in between; that of a caller who may have to wait is opened when the wait is over.
   */
  const storeByPolicy = <E>(
    prepared: Prepared,
    onError: (error: TrackError, event: EventStorage.EncodedEvent) => Effect.Effect<void, E>,
    onId?: (id: string) => void
  ): Effect.Effect<void, E> =>
    Effect.uninterruptibleMask((restore) => {
      const { bufferCapacity: capacity, overflow } = config.unsafeSettings()
      const mayWait = overflow === "suspend"
      const event = encoded(mayWait ? ledger.reserve() : ledger.open(), prepared)
      onId?.(event.id)
      const append = closed ? refuseClosed : mayWait ? appendOrWait(event, restore) : storage.append(event)
      return Effect.matchCauseEffect(append, {
        onFailure: (cause): Effect.Effect<void, E> => {
          if (!mayWait) ledger.close(event.id)
          return Cause.isInterruptedOnly(cause) ? Effect.interrupt : onError(toTrackError(cause), event)
        },
        onSuccess: (dropped): Effect.Effect<void, E> => {
          let kept = true
          for (const other of dropped) {
            if (other.id === event.id) kept = false
            else pipeline.overflowed(other, capacity)
          }
          if (kept) {
            accepted(event, prepared)
            return Exit.void
          }
          ledger.close(event.id)
          return onError(new BufferFull({ capacity }), event)
        }
      })
    })

  // -- what becomes of those that were not taken ---------------------------------------------------------------------

  const reportRefusal = (refusal: Refusal, given: Encoding.Given) => {
    if (refusal.error !== undefined) warnOfRefusal(refusal.reason)
    Metrics.dropped(refusal.reason, 1, ledger.size())
    return reports.refused(refusal.event ?? assemble(given), refusal.reason, refusal.message)
  }

  const reportNotStored = (error: TrackError, event: EventStorage.EncodedEvent): Effect.Effect<void> => {
    const reason = reasons[error._tag]
    warnOfRefusal(reason)
    Metrics.dropped(reason, 1, ledger.size())
    reports.settled(event, { _tag: "Dropped", code: 0, reason, message: error.message }, event.attempts)
    return Exit.void
  }

  const warnOfRefusal = (reason: Reason): void =>
    log.burst(`refuse ${reason}`, 1, (count) => ({
      level: LogLevel.Warning,
      module: "intake",
      message: `${count} events dropped: ${reason}`,
      annotations: { reason }
    }))

  const warnOfGroups = (): void =>
    log.burst("groups", 1, (count) => ({
      level: LogLevel.Warning,
      module: "intake",
      message: `${count} events with more than 5 group types or 10 group names: the service does not track the rest`
    }))

  return {
    track: (...given) =>
      withPrepared(given, (prepared) => store(prepared, reportNotStored), (refusal) => {
        if (deps.invalidIsDefect && refusal.reason === "Invalid") return Effect.die(refusal.error)
        reportRefusal(refusal, given)
        return Exit.void
      }),
    trackOrFail: (...given) =>
      withPrepared<void, TrackError>(given, (prepared) => store(prepared, Exit.fail), (refusal) => {
        if (refusal.error !== undefined) return Exit.fail(refusal.error)
        reportRefusal(refusal, given)
        return Exit.void
      }),
    trackAndWait: (...given) =>
      withPrepared<Delivered, TrackError | DeliveryError>(
        given,
        (prepared) =>
          Effect.suspend(() => {
            const told = Deferred.unsafeMake<Delivered, DeliveryError>(FiberId.none)
            let opened: string | undefined
            const stored = store(prepared, (error): Effect.Effect<void, TrackError> => Exit.fail(error), (id) => {
              opened = id
              reports.watch(id, (awaited) => Deferred.unsafeDone(told, toDelivery(awaited)))
            })
            return Effect.onExit(Effect.zipRight(stored, Deferred.await(told)), () =>
              Effect.sync(() => {
                if (opened !== undefined) reports.unwatch(opened)
              }))
          }),
        (refusal) => refusal.error === undefined ? toDelivery(reportRefusal(refusal, given)) : Exit.fail(refusal.error)
      ),
    close: Effect.suspend(() => {
      closed = true
      return Effect.asVoid(closing.open)
    })
  }
}

const match = <A>(
  prepared: Prepared | Refusal,
  onPrepared: (prepared: Prepared) => A,
  onRefusal: (refusal: Refusal) => A
): A => prepared._tag === "Prepared" ? onPrepared(prepared) : onRefusal(prepared)

const encoded = (id: string, { json, lane }: Prepared): EventStorage.EncodedEvent => ({ id, lane, json, attempts: 0 })

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const droppedByPlugin = ({ event, message }: Passed & { readonly _tag: "Dropped" }): Refusal => ({
  _tag: "Refusal",
  reason: "Plugin",
  error: undefined,
  message,
  event
})

const refuseClosed: Effect.Effect<never, AmplitudeClosed> = Effect.suspend(() => Effect.fail(new AmplitudeClosed()))

/** What was given, as one event, for its report. */
const assemble = ([event, properties, options]: Encoding.Given): Event.Input =>
  typeof event === "string"
    ? {
      ...Option.getOrUndefined(Option.liftThrowable(() => ({ ...options as object }))()),
      event_type: event,
      event_properties: properties as Event.Input["event_properties"]
    }
    : event as Event.Input

const toDelivery = (awaited: Awaited): Exit.Exit<Delivered, DeliveryError> => {
  if (awaited === "Stored") {
    return Exit.fail(
      new DeliveryError({ reason: awaited, message: "the client was shut down with the event still stored" })
    )
  }
  if (awaited === "Elsewhere") {
    return Exit.fail(new DeliveryError({ reason: awaited, message: "another process acknowledged the event" }))
  }
  return awaited._tag === "Delivered"
    ? Exit.succeed(awaited)
    : Exit.fail(
      new DeliveryError({ reason: awaited.reason, report: awaited, message: `${awaited.reason}: ${awaited.message}` })
    )
}

/** A storage that dies has failed like any other. */
const toTrackError = (cause: Cause.Cause<TrackError>): TrackError =>
  Either.match(Cause.failureOrCause(cause), {
    onLeft: (error) => error,
    onRight: (defect) =>
      new StorageError({ operation: "append", message: "the event storage died", cause: Cause.squash(defect) })
  })

/**
 * From the call to the storage: one flat step in the caller's fiber that ends with the event accepted, or with the
 * reason why it is not.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { TrackError } from "../../AmplitudeError.js"
import { AmplitudeClosed, BufferFull, DeliveryError, InvalidEvent, StorageError } from "../../AmplitudeError.js"
import type { Delivered, Reason } from "../../DeliveryReport.js"
import type { Event } from "../../Event.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Before, Enrichment, Plugin } from "../../Plugin.js"
import * as Metrics from "../delivery/metrics.js"
import type { Ledger } from "../delivery/outstanding.js"
import type { Pipeline } from "../delivery/pipeline.js"
import type { Awaited, Reports } from "../delivery/reports.js"
import * as Encoding from "../event/encoder.js"
import type { Writer } from "../event/jsonWriter.js"
import type { Fault } from "../event/properties.js"
import { byteLength } from "../event/utf8.js"
import type { Log } from "../log.js"
import { counted } from "../log.js"
import * as Memory from "../storage/memory.js"
import { unsafeNow } from "../time.js"
import type { Turns } from "./fairness.js"
import type { Applied, Plugins } from "./plugins.js"
import { insidePlugins } from "./plugins.js"

/** The fiber-local defaults of events, set by `Amplitude.withEventOptions`. */
export const eventOptions: FiberRef.FiberRef<AmplitudeConfig.Defaults | undefined> = globalValue(
  "effect-amplitude/internal/eventOptions",
  () => FiberRef.unsafeMake<AmplitudeConfig.Defaults | undefined>(undefined)
)

/** Inner defaults over outer ones, field by field; what tells events apart is no default. */
export const nest = (
  outer: AmplitudeConfig.Defaults | undefined,
  inner: AmplitudeConfig.Defaults
): AmplitudeConfig.Defaults =>
  Object.fromEntries(
    Object.entries({ ...outer, ...definedOf(inner) }).filter(([name]) => name !== "insert_id" && name !== "event_id")
  )

const definedOf = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([_, value]) => value !== undefined))

export interface Dependencies {
  readonly config: AmplitudeConfig.Service
  readonly storage: EventStorage.Service
  readonly ledger: Ledger
  readonly pipeline: Pipeline
  readonly plugins: Plugins
  readonly reports: Reports
  readonly log: Log
  readonly turns: Turns
  /** Writes the JSON of an id. */
  readonly insertId: (writer: Writer) => void
  /** Whether an invalid event is a defect of the call of `track`, not a report: for tests. */
  readonly invalidIsDefect: boolean
}

export interface Intake {
  readonly track: (...given: Encoding.Given) => Effect.Effect<void>
  readonly trackOrFail: (...given: Encoding.Given) => Effect.Effect<void, TrackError>
  readonly trackAndWait: (...given: Encoding.Given) => Effect.Effect<Delivered, TrackError | DeliveryError>
  /**
   * From now on events are refused with `AmplitudeClosed`, also those of callers that wait for room. Waits for those that
   * are just being appended, but not longer than `limit`.
   */
  readonly close: (limit: Duration.DurationInput) => Effect.Effect<void>
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

/** An event that only has to be stored: at once, or as a draft that is kept, since the next one is written over it. */
interface Prepared {
  readonly _tag: "Prepared"
  readonly draft: Encoding.Draft
  readonly call: Call
}

/** Goes on with the event, or with the reason why there is none. */
type Next<A, E> = (prepared: Prepared | Refusal) => Effect.Effect<A, E>

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
  const { config, insertId, ledger, log, pipeline, plugins, reports, storage, turns } = deps
  const direct = Memory.directOf(storage)
  let closed = false
  /** Of callers that wait for room: what lets them go on when the client closes. */
  const onClose = new Set<() => void>()
  /** How many events are just being appended, and whether none is. */
  let appending = 0
  const idle = Effect.unsafeMakeLatch(true)

  const beginAppending = (): void => {
    if (appending++ === 0) idle.unsafeClose()
  }

  const endAppending = (): void => {
    if (--appending === 0) idle.unsafeOpen()
  }

  // -- up to the encoded event ---------------------------------------------------------------------------------------

  /** The event as it is stored, of one that is written but for its context. `event` is what a plugin made of it. */
  const finish = (call: Call, draft: Encoding.Draft, event?: Event): Prepared | Refusal => {
    const fault = Encoding.validate(draft, call.settings)
    if (fault !== undefined) return invalid(fault, event)
    Encoding.addContext(draft, call.now, insertId)
    if (Encoding.hasTooManyGroups(draft)) warnOfGroups()
    const tooLarge = Encoding.close(draft, call.settings)
    return tooLarge === undefined ? { _tag: "Prepared", draft, call } : invalid(tooLarge, event)
  }

  /** Goes on with what plugins made of an event. */
  const through = <A, E>(
    event: Event,
    by: ReadonlyArray<Before | Enrichment>,
    next: (draft: Encoding.Draft, event: Event) => Effect.Effect<A, E>,
    onRefusal: (refusal: Refusal) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.flatMap(plugins.apply(event, by), (passed) => {
      if (passed._tag === "Dropped") return onRefusal(droppedByPlugin(passed))
      const draft = Encoding.make()
      const fault = Encoding.reread(draft, passed.event)
      const gone = fault === undefined ? next(draft, passed.event) : onRefusal(invalid(fault, passed.event))
      Encoding.done(draft)
      return gone
    })

  const enrich = <A, E>(call: Call, draft: Encoding.Draft, next: Next<A, E>, event?: Event): Effect.Effect<A, E> => {
    if (call.enrichment.length === 0) return next(finish(call, draft, event))
    Encoding.addContext(draft, call.now, insertId)
    return through(
      Encoding.toEvent(draft),
      call.enrichment,
      (enriched, event) => next(finish(call, enriched, event)),
      next
    )
  }

  /** Leads what was given to the encoded event, through plugins where there are any, and goes on with it. */
  const prepare = <A, E>(caller: Caller, given: Encoding.Given, next: Next<A, E>): Effect.Effect<A, E> => {
    if (closed) return next(refuse(new AmplitudeClosed()))
    const settings = config.unsafeSettings()
    if (settings.optOut) return next(optedOut)
    const inside = caller.getFiberRef(insidePlugins)
    const before = plugins.before(inside)
    const call: Call = { settings, now: unsafeNow(caller), inside, enrichment: plugins.enrichment(inside) }
    const draft = Encoding.make()
    const fault = Encoding.read(draft, given, caller.getFiberRef(eventOptions), settings)
    const gone = fault !== undefined
      ? next(invalid(fault))
      : before.length === 0
      ? enrich(call, draft, next)
      : through(Encoding.toEvent(draft), before, (draft, event) => enrich(call, draft, next, event), next)
    Encoding.done(draft)
    return gone
  }

  const withPrepared = <A, E>(
    given: Encoding.Given,
    onPrepared: (prepared: Prepared) => Effect.Effect<A, E>,
    onRefusal: (refusal: Refusal) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.withFiberRuntime((caller) =>
      prepare(
        caller,
        given,
        (prepared) =>
          prepared._tag === "Prepared" ? onPrepared(prepared) : Effect.zipRight(turns.next(), onRefusal(prepared))
      )
    )

  // -- into the storage ----------------------------------------------------------------------------------------------

  /**
   * Appends an event, or waits for room. A caller that waits can be interrupted, if it can be interrupted at all, and
   * goes on when the client closes; whichever comes first, the event was appended or it was not: the storage has ended
   * before that is told.
   */
  const appendOrWait = (
    event: EventStorage.EncodedEvent,
    restore: Restore
  ): Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>, TrackError> => {
    const appended = Effect.map(storage.append(event), (dropped) => {
      ledger.openReserved(event.id)
      return dropped
    })
    return Effect.flatMap(Effect.fork(Effect.uninterruptible(appended)), (fiber) => {
      let leave = (): void => {}
      const over = Effect.async<void>((resume) => {
        const goOn = () => resume(Exit.void)
        if (closed) return goOn()
        onClose.add(goOn)
        leave = () => onClose.delete(goOn)
        fiber.addObserver(goOn)
      })
      return Effect.flatMap(Effect.exit(restore(over)), () => {
        leave()
        return Effect.flatMap(
          Fiber.interrupt(fiber),
          (exit): Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>, TrackError> =>
            closed && Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) ? refuseClosed : exit
        )
      })
    })
  }

  /** An event that is in the storage: nothing of this can fail or wait. */
  const accepted = (bytes: number, { now }: Call): void => {
    Metrics.tracked(ledger.size())
    pipeline.arrived(bytes, now)
  }

  /** Takes an event for which the storage has room, in one step. */
  const accept = (storage: Memory.Direct, { call, draft }: Prepared, onId?: (id: string) => void): void => {
    const entry = ledger.open()
    storage.put(ledger, entry, draft)
    onId?.(ledger.idOf(entry))
    accepted(draft.writer.at, call)
    if (log.isDebug()) log.accepted(Encoding.jsonOf(draft))
    if (plugins.hasDestination()) plugins.dispatch(Encoding.jsonOf(draft), call.inside)
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
    const { call, draft } = prepared
    if (direct !== undefined && !closed) {
      if (direct.hasRoom()) {
        accept(direct, prepared, onId)
        return turns.next()
      }
      if (config.unsafeSettings().overflow === "suspend") {
        return storeWhenRoom(direct, { ...prepared, draft: Encoding.keep(draft) }, onError, onId)
      }
    }
    return storeByPolicy(call, encoded(draft), onError, onId)
  }

  /**
   * The same for a caller that waits for room: the storage lets it on, and its event is accepted in that moment. It can
   * be interrupted before, if it can be interrupted at all, and goes on when the client closes.
   */
  const storeWhenRoom = <E>(
    storage: Memory.Direct,
    prepared: Prepared,
    onError: (error: TrackError, event: EventStorage.EncodedEvent) => Effect.Effect<void, E>,
    onId?: (id: string) => void
  ): Effect.Effect<void, E> => {
    let isAccepted = false
    let leave = (): void => {}
    const whenRoom = Effect.async<void, AmplitudeClosed>((resume) => {
      if (closed) return resume(refuseClosed)
      const refuse = () => {
        leave()
        resume(refuseClosed)
      }
      onClose.add(refuse)
      const cancel = storage.whenRoom(() => {
        onClose.delete(refuse)
        accept(storage, prepared, onId)
        isAccepted = true
        resume(Exit.void)
      })
      leave = () => {
        cancel()
        onClose.delete(refuse)
      }
    })
    return Effect.uninterruptibleMask((restore) =>
      Effect.matchCauseEffect(restore(whenRoom), {
        onFailure: (cause): Effect.Effect<void, E> => {
          leave()
          if (isAccepted) return Exit.void
          if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
          return onError(toTrackError(cause), { ...encoded(prepared.draft), id: ledger.reserve(), attempts: 0 })
        },
        onSuccess: () => Exit.void
      })
    )
  }

  /**
   * The same where the overflow policy may have to decide. The entry in the ledger is opened and settled without an
   * interruption in between; that of a caller who may have to wait is opened when the wait is over.
   */
  const storeByPolicy = <E>(
    call: Call,
    { json, lane }: Encoded,
    onError: (error: TrackError, event: EventStorage.EncodedEvent) => Effect.Effect<void, E>,
    onId?: (id: string) => void
  ): Effect.Effect<void, E> =>
    Effect.uninterruptibleMask((restore) => {
      const { bufferCapacity: capacity, overflow } = config.unsafeSettings()
      const mayWait = overflow === "suspend"
      const id = mayWait ? ledger.reserve() : ledger.idOf(ledger.open())
      const event: EventStorage.EncodedEvent = { id, lane, json, attempts: 0 }
      onId?.(id)
      const append = closed ? refuseClosed : mayWait ? appendOrWait(event, restore) : storage.append(event)
      beginAppending()
      return Effect.matchCauseEffect(append, {
        onFailure: (cause): Effect.Effect<void, E> => {
          endAppending()
          if (!mayWait) ledger.close(id)
          return Cause.isInterruptedOnly(cause)
            ? Effect.interrupt
            : Effect.zipRight(turns.next(), onError(toTrackError(cause), event))
        },
        onSuccess: (dropped): Effect.Effect<void, E> => {
          let kept = true
          for (const other of dropped) {
            if (other.id === id) kept = false
            else pipeline.overflowed(other, capacity)
          }
          if (kept) {
            accepted(byteLength(json), call)
            if (log.isDebug()) log.accepted(json)
            plugins.dispatch(json, call.inside)
          } else ledger.close(id)
          endAppending()
          return Effect.zipRight(turns.next(), kept ? Exit.void : onError(new BufferFull({ capacity }), event))
        }
      })
    })

  // -- what becomes of those that were not taken ---------------------------------------------------------------------

  const reportRefusal = (refusal: Refusal, given: Encoding.Given) => {
    const event = refusal.event ?? assemble(given)
    if (refusal.error !== undefined) warnOfRefusal(refusal.reason, refusal.message, event)
    Metrics.dropped(refusal.reason, 1, ledger.size())
    return reports.refused(event, refusal.reason, refusal.message)
  }

  const reportNotStored = (error: TrackError, event: EventStorage.EncodedEvent): Effect.Effect<void> => {
    const reason = reasons[error._tag]
    warnOfRefusal(reason, error.message, Option.getOrUndefined(Option.liftThrowable(JSON.parse)(event.json)))
    Metrics.dropped(reason, 1, ledger.size())
    reports.settled(event, { _tag: "Dropped", code: 0, reason, message: error.message }, event.attempts)
    return Exit.void
  }

  const warnOfRefusal = (reason: Reason, message: string, event: unknown): void =>
    log.dropped("intake", reason, { count: 1, code: 0, message, events: [event] })

  const warnOfGroups = (): void =>
    log.burst("groups", 1, (count) => ({
      level: LogLevel.Warning,
      module: "intake",
      message: `${
        counted(count, "event")
      } with more than 5 group types or 10 group names: the service does not track the rest`
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
        (prepared) => {
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
        },
        (refusal) => refusal.error === undefined ? toDelivery(reportRefusal(refusal, given)) : Exit.fail(refusal.error)
      ),
    close: (limit) =>
      Effect.suspend(() => {
        closed = true
        for (const goOn of onClose) goOn()
        return appending === 0 ? Effect.void : Effect.asVoid(Effect.timeoutOption(idle.await, limit))
      })
  }
}

/** What is kept of a draft. */
type Encoded = Pick<EventStorage.EncodedEvent, "json" | "lane">

const encoded = (draft: Encoding.Draft): Encoded => ({ json: Encoding.jsonOf(draft), lane: Encoding.laneOf(draft) })

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const droppedByPlugin = ({ event, message }: Applied & { readonly _tag: "Dropped" }): Refusal => ({
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

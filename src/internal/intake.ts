/**
 * From the call to the storage: one flat step in the caller's fiber that ends with the event accepted, or with the
 * reason why it is not.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as FiberStatus from "effect/FiberStatus"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type { AmplitudeConfig } from "../AmplitudeConfig.js"
import type { TrackError } from "../AmplitudeError.js"
import { AmplitudeClosed, BufferFull, DeliveryError, InvalidEvent, StorageError } from "../AmplitudeError.js"
import type { Delivered, Reason } from "../DeliveryReport.js"
import type { Event } from "../Event.js"
import type { EventStorage } from "../EventStorage.js"
import * as Encoding from "./encoding.js"
import { eventOptions } from "./eventOptions.js"
import type { Ledger } from "./ledger.js"
import type { Log } from "./log.js"
import type { Pipeline } from "./pipeline.js"
import type { Fault } from "./properties.js"
import { guarded } from "./properties.js"
import type { Awaited, Reports } from "./reports.js"

export interface Dependencies {
  readonly config: AmplitudeConfig.Service
  readonly storage: EventStorage.Service
  readonly ledger: Ledger
  readonly pipeline: Pipeline
  readonly reports: Reports
  readonly log: Log
  readonly insertId: () => string
  /** The id under which the storage holds the entry of the ledger with this number. */
  readonly idOf: (number: number) => string
  /** Whether an invalid event is a defect of the call of `track`, not a report: for tests. */
  readonly invalidIsDefect: boolean
}

/** What a call of `track` was given. */
export type Given = readonly [event: unknown, properties?: unknown, options?: unknown]

export interface Intake {
  readonly track: (...given: Given) => Effect.Effect<void>
  readonly trackOrFail: (...given: Given) => Effect.Effect<void, TrackError>
  readonly trackAndWait: (...given: Given) => Effect.Effect<Delivered, TrackError | DeliveryError>
  /** From now on events are refused with `AmplitudeClosed`, also those of callers that wait for room. */
  readonly close: Effect.Effect<void>
}

/** An event that is not taken before it is encoded. Without an error the call has succeeded, and the event is reported. */
interface Refusal {
  readonly _tag: "Refusal"
  readonly reason: Reason
  readonly error: TrackError | undefined
  readonly message: string
}

/** An event on its way into the storage. */
interface Prepared {
  readonly _tag: "Prepared"
  readonly event: EventStorage.EncodedEvent
  /** Its entry in the ledger. */
  readonly number: number
  readonly now: number
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

const invalid = ({ actual, expected, path }: Fault): Refusal =>
  refuse(new InvalidEvent({ field: path, expected, actual }))

const optedOut: Refusal = { _tag: "Refusal", reason: "OptedOut", error: undefined, message: "the client is opted out" }

export const make = (deps: Dependencies): Intake => {
  const { config, idOf, insertId, ledger, log, pipeline, reports, storage } = deps
  const closing = Effect.unsafeMakeLatch(false)
  let closed = false

  // -- up to the encoded event ---------------------------------------------------------------------------------------

  /** All that is pure: from what was given to the event as it is stored. */
  const encode = (
    caller: Caller,
    settings: AmplitudeConfig.Settings,
    now: number,
    [event, properties, options]: Given
  ): Either.Either<{ readonly lane: string; readonly json: string }, Fault> =>
    guarded("event", () => {
      const shaped = Encoding.shape(event, properties, options)
      if (Either.isLeft(shaped)) return Either.left(shaped.left)
      const fields = shaped.right
      const fault = Encoding.applyDefaults(fields, caller.getFiberRef(eventOptions), settings)
      if (fault !== undefined) return Either.left(fault)
      Encoding.applyContext(fields, now, insertId)
      const wrong = Encoding.validate(fields, settings)
      if (wrong !== undefined) return Either.left(wrong)
      if (Encoding.hasTooManyGroups(fields)) warnOfGroups()
      return Either.map(Encoding.encode(fields, settings), (json) => ({ lane: Encoding.laneOf(fields), json }))
    })

  const prepare = (caller: Caller, given: Given): Prepared | Refusal => {
    if (closed) return refuse(new AmplitudeClosed())
    const settings = config.unsafeSettings()
    if (settings.optOut) return optedOut
    const now = Context.get(caller.currentDefaultServices, Clock.Clock).unsafeCurrentTimeMillis()
    const encoded = encode(caller, settings, now, given)
    if (Either.isLeft(encoded)) return invalid(encoded.left)
    const number = ledger.open()
    return { _tag: "Prepared", event: { id: idOf(number), ...encoded.right, attempts: 0 }, number, now }
  }

  // -- into the storage ----------------------------------------------------------------------------------------------

  /**
   * Appends an event. A caller that has to wait for room can be interrupted there, if it can be interrupted at all, and
   * goes on when the client closes; whichever comes first, the event was appended or it was not.
   */
  const append = (
    event: EventStorage.EncodedEvent,
    status: FiberStatus.Running
  ): Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>, TrackError> =>
    config.unsafeSettings().overflow === "suspend" ? appendOrClose(event, status) : storage.append(event)

  const appendOrClose = (
    event: EventStorage.EncodedEvent,
    status: FiberStatus.Running
  ): Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>, TrackError> =>
    Effect.suspend(() => {
      let appended: ReadonlyArray<EventStorage.EncodedEvent> | undefined
      const race = Effect.raceFirst(
        Effect.uninterruptible(Effect.map(storage.append(event), (dropped) => {
          appended = dropped
          return dropped
        })),
        Effect.zipRight(Effect.interruptible(closing.await), refuseClosed)
      )
      return Effect.matchCauseEffect(
        RuntimeFlags.interruptible(status.runtimeFlags) ? Effect.interruptible(race) : race,
        {
          onSuccess: Effect.succeed,
          onFailure: (cause) => appended === undefined ? Effect.failCause(cause) : Effect.succeed(appended)
        }
      )
    })

  /** Accepts an event, or fails with the reason why the storage did not take it. */
  const store = ({ event, now, number }: Prepared, status: FiberStatus.Running): Effect.Effect<void, TrackError> =>
    Effect.uninterruptible(
      Effect.matchCauseEffect(closed ? refuseClosed : append(event, status), {
        onFailure: (cause): Effect.Effect<void, TrackError> => {
          ledger.close(() => number)
          return Effect.failCause(toTrackError(cause))
        },
        onSuccess: (dropped): Effect.Effect<void, TrackError> => {
          if (dropped.length === 0) {
            pipeline.arrived(event, now)
            return Exit.void
          }
          const { bufferCapacity: capacity } = config.unsafeSettings()
          let accepted = true
          for (const other of dropped) {
            if (other.id === event.id) accepted = false
            else pipeline.overflowed(other, capacity)
          }
          if (accepted) {
            pipeline.arrived(event, now)
            return Exit.void
          }
          ledger.close(() => number)
          return Exit.fail(new BufferFull({ capacity }))
        }
      })
    )

  // -- what becomes of those that were not taken ---------------------------------------------------------------------

  const refused = (refusal: Refusal, given: Given) => {
    if (refusal.error !== undefined) warnOfRefusal(refusal.reason)
    return reports.refused(assemble(given), refusal.reason, refusal.message)
  }

  const notStored = ({ event }: Prepared, error: TrackError): void => {
    warnOfRefusal(reasons[error._tag])
    reports.settled(
      event,
      { _tag: "Dropped", code: 0, reason: reasons[error._tag], message: error.message },
      event.attempts
    )
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
      Effect.withFiberRuntime((caller, status) => {
        const prepared = prepare(caller, given)
        if (prepared._tag === "Prepared") {
          return Effect.catchAll(store(prepared, status), (error) => Effect.sync(() => notStored(prepared, error)))
        }
        if (deps.invalidIsDefect && prepared.reason === "Invalid") return Effect.die(prepared.error)
        refused(prepared, given)
        return Exit.void
      }),
    trackOrFail: (...given) =>
      Effect.withFiberRuntime((caller, status) => {
        const prepared = prepare(caller, given)
        if (prepared._tag === "Prepared") return store(prepared, status)
        if (prepared.error !== undefined) return Exit.fail(prepared.error)
        refused(prepared, given)
        return Exit.void
      }),
    trackAndWait: (...given) =>
      Effect.withFiberRuntime((caller, status) => {
        const prepared = prepare(caller, given)
        if (prepared._tag === "Refusal") {
          return prepared.error === undefined
            ? toDelivery(refused(prepared, given))
            : Exit.fail(prepared.error)
        }
        const { id } = prepared.event
        const told = Deferred.unsafeMake<Delivered, DeliveryError>(FiberId.none)
        reports.watch(id, (awaited) => Deferred.unsafeDone(told, toDelivery(awaited)))
        return Effect.onExit(
          Effect.zipRight(store(prepared, status), Deferred.await(told)),
          () => Effect.sync(() => reports.unwatch(id))
        )
      }),
    close: Effect.suspend(() => {
      closed = true
      return Effect.asVoid(closing.open)
    })
  }
}

const refuseClosed: Effect.Effect<never, AmplitudeClosed> = Effect.suspend(() => Effect.fail(new AmplitudeClosed()))

/** What was given, as one event, for its report. */
const assemble = ([event, properties, options]: Given): Event.Input =>
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

/** A storage that dies has failed like any other; an interruption stays one. */
const toTrackError = (cause: Cause.Cause<TrackError>): Cause.Cause<TrackError> => {
  if (Cause.isInterruptedOnly(cause)) return cause
  return Either.match(Cause.failureOrCause(cause), {
    onLeft: (error) => Cause.fail(error),
    onRight: (defect) =>
      Cause.fail(
        new StorageError({ operation: "append", message: "the event storage died", cause: Cause.squash(defect) })
      )
  })
}

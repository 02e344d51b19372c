/**
 * The calls that track events, up to the storage. An event is read, checked and encoded in one operation of the
 * caller's fiber, unless there are plugins or the storage suspends.
 */
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { TrackError } from "../../AmplitudeError.js"
import { AmplitudeClosed, DeliveryError, InvalidEvent } from "../../AmplitudeError.js"
import type { Delivered, Dropped, Reason } from "../../DeliveryReport.js"
import type { Event } from "../../Event.js"
import { Parts } from "../../Event.js"
import type { Before, Enrichment, Plugin } from "../../Plugin.js"
import * as Metrics from "../delivery/metrics.js"
import type { Outstanding } from "../delivery/outstanding.js"
import type { Awaited, Reports } from "../delivery/reports.js"
import { decoded } from "../event/decoded.js"
import * as Encoder from "../event/encoder.js"
import { eventOptions } from "../event/eventOptions.js"
import type { JsonWriter } from "../event/jsonWriter.js"
import type { ValidationIssue } from "../event/validationIssue.js"
import { withInterruptibleWait } from "../interruptibleWait.js"
import type { Log } from "../log.js"
import { counted } from "../log.js"
import { unsafeNow } from "../time.js"
import type { WakefulClock } from "../wakefulClock.js"
import type { Admission } from "./admission.js"
import type { Fairness } from "./fairness.js"
import type { Mask, Overflow, StoreOptions, Unstored } from "./overflow.js"
import { masked } from "./overflow.js"
import type { Applied, Plugins } from "./plugins.js"
import { insidePlugins } from "./plugins.js"

export interface Dependencies {
  readonly config: AmplitudeConfig.Service
  readonly admission: Admission
  readonly clock: WakefulClock
  readonly fairness: Fairness
  readonly outstanding: Outstanding
  readonly overflow: Overflow<Encoded>
  readonly plugins: Plugins
  readonly reports: Reports
  readonly log: Log
  /** Writes the JSON of an id. */
  readonly insertId: (writer: JsonWriter) => void
  /** Whether an invalid event is a defect of `track` and `trackAll`, and not a report, for the client for tests. */
  readonly invalidIsDefect: boolean
}

export interface Intake {
  readonly track: (...given: Encoder.Given) => Effect.Effect<void>
  readonly trackAll: (events: Iterable<unknown>) => Effect.Effect<void>
  readonly trackOrFail: (...given: Encoder.Given) => Effect.Effect<void, TrackError>
  readonly trackAndWait: (...given: Encoder.Given) => Effect.Effect<Delivered, TrackError | DeliveryError>
}

/** One call: the values that do not change during it. */
interface Call {
  readonly settings: AmplitudeConfig.Settings
  /** The defaults of `Amplitude.withEventOptions`. */
  readonly options: AmplitudeConfig.Defaults | undefined
  /** Wall clock, in milliseconds since the epoch. */
  readonly now: number
  /** The plugins inside which the event was tracked. */
  readonly inside: ReadonlyArray<Plugin>
}

/** An event that is ready to be stored. */
export interface Encoded extends Unstored {
  readonly _tag: "Encoded"
  readonly call: Call
}

/** An event that was read, and whose plugins have not run. */
interface Pending {
  readonly _tag: "Pending"
  readonly call: Call
  readonly applied: Effect.Effect<Prepared>
}

/** An event that is not accepted. Without an error the call succeeds, and the event has a report. */
interface Refusal {
  readonly _tag: "Refusal"
  readonly reason: Reason
  readonly error: TrackError | undefined
  readonly message: string
  /** The event at the time of the refusal, if it is not the given one. */
  readonly event?: Event | undefined
}

type Prepared = Encoded | Refusal

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

/** `event` is the event that a plugin returned. */
const invalid = ({ actual, expected, path }: ValidationIssue, event?: Event): Refusal => ({
  ...refuse(new InvalidEvent({ field: path, expected, actual })),
  event
})

const optedOut: Refusal = { _tag: "Refusal", reason: "OptedOut", error: undefined, message: "the client is opted out" }

export const make = (deps: Dependencies): Intake => {
  const { admission, clock, config, fairness, insertId, log, outstanding, overflow, plugins, reports } = deps
  const drafts = new Encoder.Drafts()

  // -- up to the encoded event ---------------------------------------------------------------------------------------

  /**
   * Adds the context to a written event, and ends it. `event` is the event that a plugin returned, `checkedTime` a time that
   * it may have and that was checked before.
   */
  const encode = (call: Call, draft: Encoder.Draft, event?: Event, checkedTime?: number): Prepared => {
    const issue = Encoder.validate(draft, call.settings)
    if (issue !== undefined) return invalid(issue, event)
    Encoder.addContext(draft, call.now, insertId)
    if (Encoder.hasTooManyGroups(draft)) warnOfGroups()
    if (draft.time !== checkedTime) checkTime(draft)
    const tooLarge = Encoder.close(draft, call.settings)
    if (tooLarge !== undefined) return invalid(tooLarge, event)
    const lane = Encoder.laneOf(draft)
    const { buffer, end, start } = draft.writer.take()
    return { _tag: "Encoded", lane, buffer, start, end, call }
  }

  /** Reads the arguments of the call into a draft. */
  const read = <A>(
    call: Call,
    given: Encoder.Given,
    next: (call: Call, draft: Encoder.Draft) => A
  ): A | Refusal => {
    const draft = drafts.make()
    const issue = Encoder.read(draft, given, call.options, call.settings)
    const result = issue === undefined ? next(call, draft) : invalid(issue)
    drafts.done(draft)
    return result
  }

  /** Reads the event that a plugin returned into a draft. */
  const reread = <A>(event: Event, next: (draft: Encoder.Draft) => A): A | Refusal => {
    const draft = drafts.make()
    const issue = Encoder.reread(draft, event, config.unsafeSettings())
    const result = issue === undefined ? next(draft) : invalid(issue, event)
    drafts.done(draft)
    return result
  }

  const toEvent = (_call: Call, draft: Encoder.Draft): Event => Encoder.toEvent(draft)

  const toEventWithContext = (call: Call, draft: Encoder.Draft): Event => {
    checkTime(draft)
    Encoder.addContext(draft, call.now, insertId)
    return Encoder.toEvent(draft)
  }

  /** Applies plugins to an event, and continues with their result. */
  const apply = <A>(
    call: Call,
    event: Event | Refusal,
    by: ReadonlyArray<Before | Enrichment>,
    next: (call: Call, draft: Encoder.Draft, event: Event) => A
  ): Effect.Effect<A | Refusal> =>
    isRefusal(event) ? Exit.succeed(event) : Effect.map(
      plugins.apply(event, by, call),
      (passed): A | Refusal =>
        passed._tag === "Dropped"
          ? droppedByPlugin(passed)
          : reread(passed.event, (draft) => next(call, draft, passed.event))
    )

  /** Reads the arguments at once. The result applies the plugins. */
  const throughPlugins = (
    call: Call,
    given: Encoder.Given,
    before: ReadonlyArray<Before>,
    enrichment: ReadonlyArray<Enrichment>
  ): Effect.Effect<Prepared> => {
    if (enrichment.length === 0) {
      const event = read(call, given, toEvent)
      return Effect.suspend(() => apply(call, event, before, encode))
    }
    const event = read(call, given, before.length === 0 ? toEventWithContext : toEvent)
    return Effect.flatMap(
      Effect.suspend(() => before.length === 0 ? Exit.succeed(event) : apply(call, event, before, toEventWithContext)),
      (complete) =>
        apply(
          call,
          complete,
          enrichment,
          (call, draft, enriched) => encode(call, draft, enriched, isRefusal(complete) ? undefined : complete.time)
        )
    )
  }

  /** Reads the arguments of a call at once, so that later changes of them change nothing. */
  const begin = (caller: Fiber.RuntimeFiber<unknown, unknown>, given: Encoder.Given): Prepared | Pending => {
    if (admission.isClosing) return refuse(new AmplitudeClosed())
    const settings = config.unsafeSettings()
    if (settings.optOut) return optedOut
    const now = unsafeNow(caller)
    clock.wakeOverdue(now)
    fairness.wakeOverdue(now)
    const inside = caller.getFiberRef(insidePlugins)
    const call: Call = { settings, options: caller.getFiberRef(eventOptions), now, inside }
    const before = plugins.before(inside)
    const enrichment = plugins.enrichment(inside)
    return before.length === 0 && enrichment.length === 0
      ? read(call, given, encode)
      : { _tag: "Pending", call, applied: throughPlugins(call, given, before, enrichment) }
  }

  /** Applies the plugins of an event, and continues with the result. */
  const finish = <A, E>(
    { applied, call }: Pending,
    next: (prepared: Prepared, mask: Mask) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.uninterruptibleMask((restore) =>
      admission.counted(
        call,
        Effect.flatMap(
          restore(applied),
          (prepared) => next(admission.isClosed ? refuse(new AmplitudeClosed()) : prepared, masked(restore))
        )
      )
    )

  /**
   * Calls `next` with the encoded event, or with the reason why there is none. Only plugins can be interrupted, and the parts of
   * `next` that restore it. Without plugins, and while the storage completes at once, the call is a single operation of the
   * fiber: it needs no uninterruptible region, since no interruption comes within an operation.
   */
  const prepare = <A, E>(
    given: Encoder.Given,
    next: (prepared: Prepared, mask: Mask) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.withFiberRuntime((caller) => {
      const begun = begin(caller, given)
      if (begun._tag === "Pending") return finish(begun, next)
      return overflow.isAtOnce()
        ? next(begun, Effect.uninterruptibleMask)
        : Effect.uninterruptibleMask((restore) => next(begun, masked(restore)))
    })

  // -- events that are not accepted ----------------------------------------------------------------------------------

  const reportRefusal = (refusal: Refusal, given: Encoder.Given): Dropped => {
    const event = refusal.event ?? assemble(given)
    if (refusal.error !== undefined) warnOfRefusal(refusal.reason, refusal.message, event)
    Metrics.dropped(refusal.reason, 1, outstanding.size())
    return reports.refused(event, refusal.reason, refusal.message)
  }

  const reportNotStored = (error: TrackError, event: Encoded): void => {
    const reason = reasons[error._tag]
    warnOfRefusal(reason, error.message, Array.from(decoded([event]))[0])
    Metrics.dropped(reason, 1, outstanding.size())
    reports.notStored(event, reason, error.message)
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

  const checkTime = (draft: Encoder.Draft): void => {
    if (Encoder.hasEarlyTime(draft)) warnOfTime()
  }

  const warnOfTime = (): void =>
    log.burst("time", 1, (count) => ({
      level: LogLevel.Warning,
      module: "intake",
      message: `${counted(count, "event")} with a time before 2000: time is in milliseconds`
    }))

  // -- the calls -----------------------------------------------------------------------------------------------------

  /** The handler of errors for calls that never fail. */
  const reported: StoreOptions<Encoded, never> = {
    isAwaited: false,
    onError: (error, events) => {
      for (const event of events) reportNotStored(error, event)
      return fairness.next()
    }
  }

  const orFail: StoreOptions<Encoded, TrackError> = { isAwaited: false, onError: Exit.fail }

  const isDefect = ({ reason }: Refusal): boolean => deps.invalidIsDefect && reason === "Invalid"

  const track: Intake["track"] = (...given) =>
    prepare(given, (prepared, mask) => {
      if (!isRefusal(prepared)) return overflow.store([prepared], reported, mask)
      if (isDefect(prepared)) return Effect.die(prepared.error)
      reportRefusal(prepared, given)
      return fairness.next()
    })

  const trackOrFail: Intake["trackOrFail"] = (...given) =>
    prepare<void, TrackError>(given, (prepared, mask) => {
      if (!isRefusal(prepared)) return overflow.store([prepared], orFail, mask)
      if (prepared.error !== undefined) return Exit.fail(prepared.error)
      reportRefusal(prepared, given)
      return Exit.void
    })

  const trackAndWait: Intake["trackAndWait"] = (...given) =>
    withInterruptibleWait((wait) =>
      prepare<Delivered, TrackError | DeliveryError>(given, (prepared) => {
        if (isRefusal(prepared)) {
          return prepared.error === undefined
            ? toDelivery(reportRefusal(prepared, given))
            : Exit.fail(prepared.error)
        }
        return Effect.uninterruptible(Effect.suspend(() => {
          const outcome = Deferred.unsafeMake<Delivered, DeliveryError>(FiberId.none)
          let watched = 0
          const stored = overflow.store<TrackError>([prepared], {
            isAwaited: true,
            onError: Exit.fail,
            onSequence: (sequence) => {
              reports.unwatch(watched)
              watched = sequence
              reports.watch(sequence, (awaited) => Deferred.unsafeDone(outcome, toDelivery(awaited)))
            }
          }, masked(wait))
          return Effect.ensuring(
            Effect.zipRight(stored, wait(Deferred.await(outcome))),
            Effect.sync(() => reports.unwatch(watched))
          )
        }))
      })
    )

  /** Reads all events at once, applies their plugins one after the other, and appends them together. */
  const trackAll: Intake["trackAll"] = (events) =>
    Effect.withFiberRuntime((caller) => {
      const given = Array.from(events)
      const begun = given.map((event) => begin(caller, [event]))
      return Effect.flatMap(
        Effect.forEach(begun, (one) => one._tag === "Pending" ? finish(one, Exit.succeed) : Exit.succeed(one)),
        (prepared) => storeAll(given, prepared)
      )
    })

  const storeAll = (given: ReadonlyArray<unknown>, prepared: ReadonlyArray<Prepared>): Effect.Effect<void> => {
    const encoded: Array<Encoded> = []
    let defect: Refusal | undefined
    prepared.forEach((one, index) => {
      if (!isRefusal(one)) encoded.push(one)
      else if (isDefect(one)) defect ??= one
      else reportRefusal(one, [given[index]])
    })
    const stored = Arr.isNonEmptyArray(encoded)
      ? Effect.uninterruptibleMask((restore) => overflow.store(encoded, reported, masked(restore)))
      : Effect.void
    return defect === undefined ? stored : Effect.zipRight(stored, Effect.die(defect.error))
  }

  return { track, trackAll, trackOrFail, trackAndWait }
}

const isRefusal = (prepared: Prepared | Event): prepared is Refusal => "_tag" in prepared && prepared._tag === "Refusal"

const droppedByPlugin = ({ event, message }: Applied & { readonly _tag: "Dropped" }): Refusal => ({
  _tag: "Refusal",
  reason: "Plugin",
  error: undefined,
  message,
  event
})

/** Makes one event of the arguments of a call, for its report. */
const assemble = ([event, properties, options]: Encoder.Given): Event.Input => {
  const own = typeof event === "string"
    ? { event_type: event, event_properties: properties }
    : event instanceof Parts
    ? event.toEvent()
    : event as object
  if (typeof event !== "string" && options === undefined) return own as Event.Input
  return { ...fieldsOf(options), ...fieldsOf(own) } as Event.Input
}

/** The fields of an object, or none if reading them throws. */
const fieldsOf = (value: unknown): object =>
  Option.getOrElse(Option.liftThrowable(() => ({ ...value as object }))(), () => ({}))

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

/**
 * Passes the reports of events to `callback`, to the subscribers of `deliveries`, and to the callers of `trackAndWait`.
 * A report is made only if one of these needs it. Reports wait in bounded queues, so that a slow callback or subscriber
 * neither delays delivery nor fills the memory.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as LogLevel from "effect/LogLevel"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import * as DeliveryReport from "../../DeliveryReport.js"
import type { Event } from "../../Event.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Place } from "../event/jsonWriter.js"
import * as Utf8 from "../event/utf8.js"
import type { Log } from "../log.js"
import { causeText, counted } from "../log.js"
import * as TaskQueue from "../taskQueue.js"
import * as Metrics from "./metrics.js"

/** The outcome of an encoded event. */
export type Settlement =
  | { readonly _tag: "Delivered"; readonly code: number; readonly message: string }
  | {
    readonly _tag: "Dropped"
    readonly code: number
    readonly message: string
    readonly reason: DeliveryReport.Reason
  }

/** The result for a caller of `trackAndWait`: the report, or the reason why there is none. */
export type Awaited = DeliveryReport.DeliveryReport | "Stored" | "Elsewhere"

export interface Reports {
  /** Whether anything needs reports. */
  readonly isWanted: () => boolean
  /** Reports the outcome of an event that was encoded. `attempts` counts the requests that carried it. */
  readonly settled: (event: EventStorage.EncodedEvent, settlement: Settlement, attempts: number) => void
  /** Reports an encoded event that the storage has not accepted. */
  readonly notStored: (event: Place, reason: DeliveryReport.Reason, message: string) => void
  /** Reports an event that was never encoded. The result is the report. */
  readonly refused: (event: Event.Input, reason: DeliveryReport.Reason, message: string) => DeliveryReport.Dropped
  /** Also calls a function with the report of the event with this sequence. */
  readonly watch: (sequence: number, onOutcome: (awaited: Awaited) => void) => void
  readonly unwatch: (sequence: number) => void
  /** The sequences of the events that are watched. */
  readonly watched: () => ReadonlyArray<number>
  /** Ends the watching of an event without a report from this client. */
  readonly unreported: (sequence: number, why: "Stored" | "Elsewhere") => void
  /** Ends the watching of all events. */
  readonly allUnreported: (why: "Stored" | "Elsewhere") => void
  readonly deliveries: Stream.Stream<DeliveryReport.DeliveryReport>
  /**
   * Completes when `callback` has returned for every report so far, except dropped ones and timeouts. Inside a callback
   * or a plugin of this client it completes at once.
   */
  readonly calledBack: Effect.Effect<void>
  /** Ends `deliveries`. Callbacks run until `timeUp`. Callbacks that do not suspend always run. */
  readonly end: (timeUp: Effect.Effect<void>) => Effect.Effect<void>
  /** Whether the fiber runs in a callback or a plugin of this client. */
  readonly isInside: Effect.Effect<boolean>
  /** The calls of `track` whose plugins the fiber runs in, among other objects. */
  readonly calls: Effect.Effect<ReadonlyArray<object>>
  /**
   * Runs an effect of the user inside this client, so that waiting for the client does not wait for the effect itself.
   * `call` is the call of `track` that runs the effect.
   */
  readonly inside: <A, E, R>(effect: Effect.Effect<A, E, R>, call?: object) => Effect.Effect<A, E, R>
  /** Runs an effect of the client outside of the callback or plugin that began it. */
  readonly outside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

type Callback = NonNullable<AmplitudeConfig.Settings["callback"]>

/** A subscriber of `deliveries` with its waiting reports. */
interface Subscriber {
  readonly capacity: number
  readonly reports: Mailbox.Mailbox<DeliveryReport.DeliveryReport>
}

/** A report with the callback of the settings at its time. */
interface Call {
  readonly callback: Callback
  readonly report: DeliveryReport.DeliveryReport
}

interface State {
  readonly config: AmplitudeConfig.Service
  readonly log: Log
  /** Gets every report at once, in the fiber that made it. */
  readonly observer: ((report: DeliveryReport.DeliveryReport) => void) | undefined
  readonly calls: TaskQueue.TaskQueue<Call>
  readonly subscribers: Set<Subscriber>
  readonly watchers: Map<number, (awaited: Awaited) => void>
  readonly clientId: string
  hasEnded: boolean
}

/** Makes the reports of a client. `observer` gets every report at once, in the fiber that made it. */
export const make = (
  clientId: string,
  config: AmplitudeConfig.Service,
  log: Log,
  observer?: (report: DeliveryReport.DeliveryReport) => void
): Effect.Effect<Reports> =>
  Effect.gen(function*() {
    const client = {}
    const inside: Reports["inside"] = (effect, call) =>
      Effect.locallyWith(
        effect,
        insideOf,
        (outer) => call === undefined ? [...outer, client] : [...outer, client, call]
      )
    const isInside = Effect.map(FiberRef.get(insideOf), (outer) => outer.includes(client))
    const state: State = {
      clientId,
      config,
      log,
      observer,
      calls: yield* makeCalls(config, log, inside),
      subscribers: new Set(),
      watchers: new Map(),
      hasEnded: false
    }
    return {
      isWanted: () => state.watchers.size > 0 || isPublished(state),
      settled: (event, settlement, attempts) => settled(state, event, settlement, attempts),
      notStored: (event, reason, message) => {
        if (!isPublished(state)) return
        publish(state, makeReport(Utf8.textOf(event), { _tag: "Dropped", code: 0, message, reason }, 0))
      },
      refused: (event, reason, message) => {
        const report = new DeliveryReport.Dropped({ code: 0, message, attempts: 0, event, reason })
        publish(state, report)
        return report
      },
      watch: (sequence, onOutcome) => {
        state.watchers.set(sequence, onOutcome)
      },
      unwatch: (sequence) => {
        state.watchers.delete(sequence)
      },
      watched: () => Array.from(state.watchers.keys()),
      unreported: (sequence, why) => tell(state, sequence, why),
      allUnreported: (why) => {
        for (const sequence of Array.from(state.watchers.keys())) tell(state, sequence, why)
      },
      deliveries: Stream.unwrapScoped(subscribe(state)),
      calledBack: Effect.flatMap(isInside, (inside) => inside ? Effect.void : state.calls.drained),
      end: (timeUp) => end(state, timeUp),
      isInside,
      calls: FiberRef.get(insideOf),
      inside,
      outside: Effect.locallyWith(insideOf, (outer) => outer.filter((other) => other !== client))
    }
  })

/** The clients in whose callbacks and plugins the fiber runs, and the calls of `track` that run these plugins. */
const insideOf: FiberRef.FiberRef<ReadonlyArray<object>> = globalValue(
  "effect-amplitude/internal/reports/insideOf",
  () => FiberRef.unsafeMake<ReadonlyArray<object>>([])
)

// -- making reports ----------------------------------------------------------------------------------------------------

/** Whether anything gets every report. */
const isPublished = ({ config, observer, subscribers }: State): boolean =>
  subscribers.size > 0 || config.unsafeSettings().callback !== undefined || observer !== undefined

const settled = (
  state: State,
  event: EventStorage.EncodedEvent,
  settlement: Settlement,
  attempts: number
): void => {
  const isWatched = state.watchers.size > 0 && event.clientId === state.clientId && state.watchers.has(event.sequence)
  if (!isWatched && !isPublished(state)) return
  const report = makeReport(Utf8.textOf(event), settlement, attempts)
  if (isWatched) tell(state, event.sequence, report)
  publish(state, report)
}

const makeReport = (json: string, settlement: Settlement, attempts: number): DeliveryReport.DeliveryReport => {
  const { code, message } = settlement
  return settlement._tag === "Delivered"
    ? new DeliveryReport.Delivered({ code, message, attempts, json })
    : new DeliveryReport.Dropped({ code, message, attempts, json, reason: settlement.reason })
}

const tell = ({ watchers }: State, sequence: number, awaited: Awaited): void => {
  const onOutcome = watchers.get(sequence)
  watchers.delete(sequence)
  onOutcome?.(awaited)
}

const publish = (state: State, report: DeliveryReport.DeliveryReport): void => {
  state.observer?.(report)
  const { callback } = state.config.unsafeSettings()
  if (callback !== undefined) state.calls.offer({ callback, report })
  for (const subscriber of state.subscribers) publishTo(state, subscriber, report)
}

const publishTo = (state: State, { capacity, reports }: Subscriber, report: DeliveryReport.DeliveryReport): void => {
  if (Option.contains(reports.unsafeSize(), capacity)) dropped(state.log, "a subscriber of deliveries is too slow")
  reports.unsafeOffer(report)
}

/** Logs and counts a report that was dropped. */
const dropped = (log: Log, why: string, count = 1): void => {
  Metrics.droppedReports(count)
  log.burst(`reports dropped: ${why}`, count, (count) => ({
    level: LogLevel.Warning,
    module: "reports",
    message: `${counted(count, "report")} dropped: ${why}`
  }))
}

// -- callback ----------------------------------------------------------------------------------------------------------

const makeCalls = (
  config: AmplitudeConfig.Service,
  log: Log,
  inside: Reports["inside"]
): Effect.Effect<TaskQueue.TaskQueue<Call>> => {
  const warn = (what: string): void =>
    log.burst(`callback ${what}`, 1, (count) => ({
      level: LogLevel.Error,
      module: "callback",
      message: `the callback ${what} for ${counted(count, "report")}`
    }))
  return TaskQueue.make<Call>({
    execute: ({ callback, report }) =>
      Effect.catchAllCause(
        Effect.suspend(() => callback(report)),
        (cause) =>
          Effect.sync(() => {
            warn("failed")
            // a cause can hold values of an event, so that it is logged at debug only
            log.write({
              level: LogLevel.Debug,
              module: "callback",
              message: "why the callback failed",
              annotations: { cause: causeText(cause) }
            })
          })
      ),
    capacity: () => config.unsafeSettings().reportCapacity,
    onDropped: () => dropped(log, "the callback is too slow"),
    timeLimit: () => config.unsafeSettings().callbackTimeout,
    onTimeout: () => warn("took longer than callbackTimeout and was given up"),
    around: inside
  })
}

// -- deliveries --------------------------------------------------------------------------------------------------------

/**
 * The stream of a subscriber. A mailbox keeps its capacity, so that a new `reportCapacity` applies to later
 * subscribers.
 */
const subscribe = (
  state: State
): Effect.Effect<Stream.Stream<DeliveryReport.DeliveryReport>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const capacity = state.config.unsafeSettings().reportCapacity
    const reports = yield* Mailbox.make<DeliveryReport.DeliveryReport>({ capacity, strategy: "sliding" })
    if (state.hasEnded) {
      yield* reports.end
    } else {
      const subscriber: Subscriber = { capacity, reports }
      yield* Effect.acquireRelease(
        Effect.sync(() => state.subscribers.add(subscriber)),
        () => Effect.sync(() => state.subscribers.delete(subscriber))
      )
    }
    return Mailbox.toStream(reports)
  })

const end = (state: State, timeUp: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.gen(function*() {
    state.hasEnded = true
    for (const { reports } of state.subscribers) yield* reports.end
    yield* Effect.raceFirst(state.calls.drained, timeUp)
    yield* state.calls.whileProgress
    const count = yield* state.calls.abandon
    if (count > 0) dropped(state.log, "the client was shut down before the callback took it", count)
  })

/**
 * The outcomes of events, on their way to those who want to know: `callback`, the subscribers of `deliveries`, and the
 * callers of `trackAndWait`. A report is only made where somebody does.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import * as LogLevel from "effect/LogLevel"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import * as DeliveryReport from "../../DeliveryReport.js"
import type { Event } from "../../Event.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Log } from "../log.js"
import * as Worker from "../taskQueue.js"

/** What became of an encoded event. */
export type Settlement =
  | { readonly _tag: "Delivered"; readonly code: number; readonly message: string }
  | {
    readonly _tag: "Dropped"
    readonly code: number
    readonly message: string
    readonly reason: DeliveryReport.Reason
  }

/** What a caller of `trackAndWait` is told: the report, or why there is none. */
export type Awaited = DeliveryReport.DeliveryReport | "Stored" | "Elsewhere"

export interface Reports {
  /** Whether anybody wants to know what becomes of an event. */
  readonly isWanted: () => boolean
  /** Reports the outcome of an event that was encoded; `attempts` counts the requests that carried it. */
  readonly settled: (event: EventStorage.EncodedEvent, settlement: Settlement, attempts: number) => void
  /** Reports an event that was never encoded, and gives the report. */
  readonly refused: (event: Event.Input, reason: DeliveryReport.Reason, message: string) => DeliveryReport.Dropped
  /** Calls back with the outcome of the event with this id, in the place of nobody else. */
  readonly watch: (id: string, told: (awaited: Awaited) => void) => void
  readonly unwatch: (id: string) => void
  /** Tells whoever watches the event that it has no report here. */
  readonly unreported: (id: string, why: "Stored" | "Elsewhere") => void
  /** The same for everybody who still watches. */
  readonly allUnreported: (why: "Stored" | "Elsewhere") => void
  readonly deliveries: Stream.Stream<DeliveryReport.DeliveryReport>
  /** Completes when `callback` has returned for every report so far; at once inside a callback of this client. */
  readonly calledBack: Effect.Effect<void>
  /** Ends `deliveries`; callbacks are given until `timeUp`, and those that do not have to wait always run. */
  readonly end: (timeUp: Effect.Effect<void>) => Effect.Effect<void>
  /** Whether the fiber runs in a callback or a plugin of this client. */
  readonly isInside: Effect.Effect<boolean>
  /** Runs an effect of the user's as what it is: part of this client, which must not wait for itself. */
  readonly inside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Runs an effect of the client's own, wherever it was begun. */
  readonly outside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** The clients whose callbacks and plugins the fiber runs in. */
const insideOf: FiberRef.FiberRef<ReadonlyArray<object>> = globalValue(
  "effect-amplitude/internal/reports/insideOf",
  () => FiberRef.unsafeMake<ReadonlyArray<object>>([])
)

/** `observer` sees every report at once, in the fiber that made it: for tests. */
export const make = (
  config: AmplitudeConfig.Service,
  log: Log,
  observer?: (report: DeliveryReport.DeliveryReport) => void
): Effect.Effect<Reports> =>
  Effect.gen(function*() {
    const client = {}
    const subscribers = new Set<Mailbox.Mailbox<DeliveryReport.DeliveryReport>>()
    const watchers = new Map<string, (awaited: Awaited) => void>()
    let ended = false

    const inside = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.locallyWith(effect, insideOf, (clients) => [...clients, client])

    const callbacks = yield* Worker.make(inside)

    const isInside = Effect.map(FiberRef.get(insideOf), (clients) => clients.includes(client))

    const callBack = (
      callback: (report: DeliveryReport.DeliveryReport) => Effect.Effect<void>,
      report: DeliveryReport.DeliveryReport
    ): Effect.Effect<void> =>
      Effect.catchAllCause(Effect.suspend(() => callback(report)), (cause) =>
        Effect.sync(() =>
          log.burst("callback", 1, (count) => ({
            level: LogLevel.Error,
            module: "callback",
            message: `the callback failed for ${count} reports: ${
              Cause.squash(cause) instanceof Error ? "a defect" : "a failure"
            }`
          }))
        ))

    const publish = (report: DeliveryReport.DeliveryReport): void => {
      observer?.(report)
      const { callback } = config.unsafeSettings()
      if (callback !== undefined) {
        callbacks.offer(callBack(callback, report))
      }
      for (const subscriber of subscribers) {
        subscriber.unsafeOffer(report)
      }
    }

    const isWanted = (): boolean =>
      subscribers.size > 0 || config.unsafeSettings().callback !== undefined || observer !== undefined

    const subscribe: Effect.Effect<
      Stream.Stream<DeliveryReport.DeliveryReport>,
      never,
      Scope.Scope
    > = Effect.gen(function*() {
      const mailbox = yield* Mailbox.make<DeliveryReport.DeliveryReport>()
      if (ended) {
        yield* mailbox.end
      } else {
        yield* Effect.acquireRelease(
          Effect.sync(() =>
            subscribers.add(mailbox)
          ),
          () => Effect.sync(() => subscribers.delete(mailbox))
        )
      }
      return Mailbox.toStream(mailbox)
    })

    return {
      isWanted: () => watchers.size > 0 || isWanted(),
      settled: (event, settlement, attempts) => {
        const told = watchers.size > 0 ? watchers.get(event.id) : undefined
        if (told === undefined && !isWanted()) return
        const { code, message } = settlement
        const { json } = event
        const report = settlement._tag === "Delivered"
          ? new DeliveryReport.Delivered({ code, message, attempts, json })
          : new DeliveryReport.Dropped({ code, message, attempts, json, reason: settlement.reason })
        if (told !== undefined) {
          watchers.delete(event.id)
          told(report)
        }
        publish(report)
      },
      refused: (event, reason, message) => {
        const report = new DeliveryReport.Dropped({ code: 0, message, attempts: 0, event, reason })
        publish(report)
        return report
      },
      watch: (id, told) => {
        watchers.set(id, told)
      },
      unwatch: (id) => {
        watchers.delete(id)
      },
      unreported: (id, why) => {
        const told = watchers.get(id)
        watchers.delete(id)
        told?.(why)
      },
      allUnreported: (why) => {
        for (const told of watchers.values()) told(why)
        watchers.clear()
      },
      deliveries: Stream.unwrapScoped(subscribe),
      calledBack: Effect.flatMap(isInside, (inside) => inside ? Effect.void : callbacks.drained),
      end: (timeUp) =>
        Effect.gen(function*() {
          ended = true
          for (const subscriber of subscribers) yield* subscriber.end
          yield* Effect.raceFirst(callbacks.drained, timeUp)
          yield* callbacks.whileProgress
          yield* callbacks.abandon
        }),
      isInside,
      inside,
      outside: Effect.locallyWith(insideOf, (clients) => clients.filter((other) => other !== client))
    }
  })

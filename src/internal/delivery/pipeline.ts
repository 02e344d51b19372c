/**
 * From the storage to the service: a stream of leased batches.
 *
 * Each worker pulls a lease when a batch is due and the endpoint is available, sends it, and settles its events as the
 * answers say. An event that has to wait goes back to the storage, which keeps its lane behind it. So the storage alone
 * knows what waits, and a batch is what one worker is sending.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberMap from "effect/FiberMap"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Transport } from "../../Transport.js"
import type { Log } from "../log.js"
import { withMonotonic } from "../time.js"
import * as Deadlines from "../transport/deadlines.js"
import { BatchTrigger } from "./batchTrigger.js"
import * as Delivery from "./delivery.js"
import * as Endpoint from "./endpoint.js"
import * as Metrics from "./metrics.js"
import type { Outstanding } from "./outstanding.js"
import type { Reports, Settlement } from "./reports.js"
import * as Request from "./request.js"
import * as Send from "./send.js"
import * as Settlements from "./settlement.js"
import * as StorageRetry from "./storageRetry.js"

type EncodedEvent = EventStorage.EncodedEvent

export interface Dependencies {
  readonly config: AmplitudeConfig.Service
  readonly storage: EventStorage.Service
  readonly transport: Transport.Service
  readonly outstanding: Outstanding
  readonly reports: Reports
  readonly log: Log
  /** Runs when events leave the storage. */
  readonly onLease: () => void
}

export interface Pipeline {
  /** When the next batch is due. */
  readonly trigger: BatchTrigger
  /** Settings have changed. */
  readonly onConfig: Effect.Effect<void>
  /** The overflow policy has dropped events that were waiting. */
  readonly onEvicted: (events: ReadonlyArray<EncodedEvent>, capacity: number) => void
  /** Gives up requests that are past their deadline, where the platform has stopped their timers. */
  readonly expire: Effect.Effect<void>
  /** Another client may have settled events of this one. */
  readonly reconcile: Effect.Effect<void>
  /** Reports what is decided, where the storage has not answered. */
  readonly reportDecided: () => void
  /** Gives up events whose storage ends with the process. */
  readonly giveUp: (events: ReadonlyArray<EncodedEvent>) => void
}

/** A lease that ends with its scope: then what is neither settled nor released goes back. */
interface Batch {
  readonly lease: EventStorage.Lease
  readonly scope: Scope.CloseableScope
}

export const make = (deps: Dependencies): Effect.Effect<Pipeline, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { config, log, onLease, outstanding, reports, storage, transport } = deps
    const settings = config.unsafeSettings
    const configured = limitsOf(settings)
    const endpoints = Endpoint.makeAll(settings())
    const endpoint = () => endpoints.current(settings())
    const trigger = new BatchTrigger(() => ({
      ...endpoint().limits.current(configured()),
      flushInterval: Duration.toMillis(settings().flushInterval)
    }))
    const deadlines = Deadlines.make()
    const storageRetry = StorageRetry.make(log)
    const settlements = Settlements.make({ outstanding, reports, storageRetry, trigger })
    const send = Send.make({ transport, deadlines, log })
    const deliver = Delivery.make({ settings, configured, endpoint, send, settlements, log })

    const lease = (scope: Scope.Scope): Effect.Effect<Option.Option<EventStorage.Lease>> =>
      Effect.suspend(() => {
        const limits = endpoint().limits.current(configured())
        return Effect.flatMap(storageRetry("lease", Scope.extend(storage.lease(limits), scope)), (leased) =>
          withMonotonic((now) => {
            const events = Option.isSome(leased) ? leased.value.events : []
            settlements.onLease(events)
            trigger.onLease(events, limits, now, outstanding.size() > settlements.leased())
            if (events.length > 0) onLease()
            return Exit.succeed(leased)
          }))
      })

    /** One worker at a time waits for a batch: what is left over waits for its own company. */
    const turn = yield* Effect.makeSemaphore(1)

    const leaseWhenDue: Effect.Effect<Batch> = Effect.interruptible(
      Effect.suspend(() => trigger.isDue() ? Effect.void : Effect.zipRight(deadlines.rest, trigger.due))
    ).pipe(
      // while the endpoint is unavailable one batch at a time finds out whether it is back
      Effect.zipRight(Effect.interruptible(Effect.suspend(() => endpoint().backoff.permit))),
      Effect.flatMap((isPermitted) => isPermitted ? leaseBatch : leaseWhenDue)
    )

    const leaseBatch: Effect.Effect<Batch> = Effect.suspend(() => {
      const { backoff } = endpoint()
      return Effect.flatMap(Scope.make(), (scope) =>
        Effect.flatMap(
          Effect.zipRight(Scope.addFinalizer(scope, Effect.sync(backoff.done)), lease(scope)),
          Option.match({
            onNone: () => Effect.zipRight(Scope.close(scope, Exit.void), leaseWhenDue),
            onSome: (lease) => Effect.succeed({ lease, scope })
          })
        ))
    })

    const sendBatch = ({ lease, scope }: Batch): Effect.Effect<void> =>
      Effect.onExit(deliver(lease), (exit) => {
        trigger.onBatchEnd()
        return Scope.close(scope, exit)
      })

    /** Only waiting can be interrupted: for a batch that is due, for the endpoint, for an answer. */
    const worker = (index: number): Effect.Effect<void> =>
      Stream.repeatEffect(turn.withPermits(1)(leaseWhenDue)).pipe(
        Stream.tap(sendBatch),
        Stream.takeWhile(() => index < settings().flushConcurrency),
        Stream.runDrain,
        survive(log, "the pipeline"),
        Effect.uninterruptible
      )

    const workers = yield* FiberMap.make<number>()

    const startWorkers = Effect.suspend(() =>
      settings().deliver
        ? Effect.forEach(
          Array.from({ length: settings().flushConcurrency }, (_, index) => index),
          (index) => FiberMap.run(workers, index, worker(index), { onlyIfMissing: true }),
          { discard: true }
        )
        : Effect.void
    )

    const pipeline: Pipeline = null as any
    return pipeline
  })

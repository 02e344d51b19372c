/**
 * Delivers events from the storage to the service, as a stream of leased batches.
 *
 * Each worker leases a batch when one is due and the endpoint is available. It sends the batch, and settles its events
 * by the answers. An event that has to wait is released to the storage, which holds back the later events of its lane.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
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
import { causeText } from "../log.js"
import { withMonotonic } from "../time.js"
import * as Deadlines from "../transport/deadlines.js"
import type { Backoff } from "./backoff.js"
import type { Limits } from "./batchLimits.js"
import { BatchTrigger } from "./batchTrigger.js"
import * as Delivery from "./delivery.js"
import * as Endpoint from "./endpoint.js"
import type { Outstanding } from "./outstanding.js"
import * as Reconcile from "./reconcile.js"
import type { Reports } from "./reports.js"
import * as Request from "./request.js"
import * as Send from "./send.js"
import * as Settlements from "./settlement.js"
import * as StorageRetry from "./storageRetry.js"

export interface Dependencies {
  readonly clientId: string
  readonly config: AmplitudeConfig.Service
  readonly storage: EventStorage.Service
  readonly transport: Transport.Service
  readonly outstanding: Outstanding
  readonly reports: Reports
  readonly log: Log
  /** Runs when events leave the storage. */
  readonly onLease: () => void
  /** Runs when events have left the storage with an outcome. */
  readonly onSettled: () => void
}

export interface Pipeline {
  readonly trigger: BatchTrigger
  readonly settlements: Settlements.Settlements
  /** Checks whether another client has settled events of this client that a caller waits for. */
  readonly reconcile: Reconcile.Reconcile
  /** Applies a change of the settings. */
  readonly onConfig: Effect.Effect<void>
}

/** A leased batch. Events that are neither settled nor released go back when its scope closes. */
interface Batch {
  readonly delivery: Delivery.Delivery
  readonly scope: Scope.CloseableScope
}

export const make = (deps: Dependencies): Effect.Effect<Pipeline, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { clientId, config, log, onLease, onSettled, outstanding, reports, storage, transport } = deps
    const settings = config.unsafeSettings
    const configured = limitsOf(settings, transport)
    const endpoints = Endpoint.makeAll(settings())
    const endpoint = () => endpoints.current(settings())
    const trigger = new BatchTrigger(
      () => endpoint().limits.current(configured()),
      () => Duration.toMillis(settings().flushInterval),
      (event) => outstanding.isOwn(event) && !outstanding.hasFailed(event)
    )
    const deadlines = Deadlines.make()
    const storageRetry = StorageRetry.make(log)
    const settlements = Settlements.make({ log, onSettled, outstanding, reports, storageRetry, trigger })
    const send = Send.make({ transport, deadlines, log })
    const deliver = Delivery.make({ settings, configured, endpoint, send, settlements, log })

    const lease = (scope: Scope.Scope): Effect.Effect<Option.Option<EventStorage.Lease>> =>
      withMonotonic((began) => {
        const limits = endpoint().limits.current(configured())
        const pending = trigger.beginLease(began)
        return Effect.flatMap(
          storageRetry("lease", () => Scope.extend(storage.lease(limits), scope)),
          (leased) => {
            const events = Option.isSome(leased) ? leased.value.events : []
            const counted = outstanding.leased(events)
            settlements.onLease(events)
            trigger.onLease(scope, events, limits, pending, outstanding.size() > settlements.leased(), counted)
            if (events.length > 0) onLease()
            return Exit.succeed(leased)
          }
        )
      })

    const leaseBatch = (worker: Worker, backoff: Backoff): NextBatch =>
      Effect.flatMap(Scope.fork(worker.scope, ExecutionStrategy.sequential), (scope) =>
        Effect.flatMap(
          Effect.zipRight(Scope.addFinalizer(scope, Effect.sync(backoff.done)), lease(scope)),
          Option.match({
            onNone: () => Effect.zipRight(Scope.close(scope, Exit.void), leaseWhenDue(worker)),
            onSome: (lease) => Effect.succeed({ delivery: new Delivery.Delivery(lease), scope })
          })
        ))

    /**
     * Leases the next batch. It ends the stream of a worker that the settings no longer ask for. Only its waiting
     * is interruptible.
     */
    const leaseWhenDue = (worker: Worker): NextBatch =>
      Effect.flatMap(Effect.interruptible(due), () => {
        if (worker.index >= workersOf(settings())) return Effect.fail(Option.none())
        // while the endpoint is unavailable one batch at a time finds out whether it is back
        const { backoff } = endpoint()
        return Effect.flatMap(
          Effect.interruptible(backoff.permit),
          (isPermitted) => isPermitted ? leaseBatch(worker, backoff) : leaseWhenDue(worker)
        )
      })

    /** Stops the timers, so that an idle client has none. */
    const rest = Effect.zipRight(deadlines.rest, trigger.rest)

    const due = Effect.suspend(() => trigger.isIdle() ? Effect.zipRight(rest, trigger.due) : trigger.due)

    /** Sends a batch. Only the waiting for an answer, or for the endpoint, is interruptible. */
    const sendBatch = (batch: Batch): Effect.Effect<void> =>
      Effect.suspend(() =>
        Effect.flatMap(Effect.exit(deliver(batch.delivery)), (exit) => {
          const end = Effect.map(Scope.close(batch.scope, exit), () => trigger.onBatchEnd(batch.scope))
          return Effect.zipRight(end, exit)
        })
      )

    /** Only one worker at a time waits for a batch. The events that it leaves wait for their own batch. */
    const turn = yield* Effect.makeSemaphore(1)

    const worker = (index: number): Effect.Effect<void> =>
      Effect.scoped(Effect.flatMap(Effect.scope, (scope) =>
        Stream.repeatEffectOption(turn.withPermits(1)(Effect.uninterruptible(leaseWhenDue({ index, scope })))).pipe(
          Stream.runForEach((batch) =>
            Effect.uninterruptible(sendBatch(batch))
          )
        ))).pipe(restartOnDefect(log))

    const giveUp = (lease: EventStorage.Lease): Effect.Effect<void> => {
      outstanding.leased(lease.events)
      return settlements.settle(
        lease,
        { events: lease.events.filter(outstanding.isOwn), sent: 0, retries: 0 },
        Settlements.shutDown
      )
    }

    /**
     * Drops the events of this client in a memory storage, which nothing can send any more. Events of other clients go
     * back.
     */
    const dropRemaining = Effect.scoped(
      Effect.flatMap(
        storageRetry("lease", () =>
          storage.lease({ maxEvents: Infinity, maxBytes: Infinity, includePaused: true })),
        Option.match({ onNone: () => Effect.void, onSome: giveUp })
      )
    )

    // finalizers run last in, first out: the workers end and release their leases, events in memory are dropped, and the
    // timers stop
    yield* Effect.addFinalizer(() => rest)
    yield* Effect.addFinalizer(() => storage.durability === "process" ? dropRemaining : Effect.void)
    const workers = yield* FiberMap.make<number>()
    let hasEnded = false
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        hasEnded = true
      })
    )

    // a closed `FiberMap` would interrupt the caller of `updateConfig`
    const startWorkers = Effect.suspend(() =>
      hasEnded ? Effect.void : Effect.forEach(
        Array.from({ length: workersOf(settings()) }, (_, index) => index),
        (index) => FiberMap.run(workers, index, worker(index), { onlyIfMissing: true }),
        { discard: true }
      )
    )
    yield* startWorkers

    return {
      trigger,
      settlements,
      reconcile: Reconcile.make({ clientId, storage, outstanding, reports, settlements }),
      onConfig: Effect.suspend(() => {
        // a change of the URL ends the waiting for the old endpoint
        endpoint()
        trigger.wake()
        return startWorkers
      })
    }
  })

/** A worker. Its scope holds its leases. */
interface Worker {
  readonly index: number
  readonly scope: Scope.Scope
}

type NextBatch = Effect.Effect<Batch, Option.Option<never>>

/** The number of workers. A client that only stores has none. */
const workersOf = ({ deliver, flushConcurrency }: AmplitudeConfig.Settings): number => deliver ? flushConcurrency : 0

/** The configured limits of a request. They are memoized for each settings value, since every event reads them. */
const limitsOf = (settings: () => AmplitudeConfig.Settings, transport: Transport.Service): () => Limits => {
  let known: { readonly settings: AmplitudeConfig.Settings; readonly limits: Limits } | undefined
  return () => {
    const current = settings()
    if (known?.settings !== current) known = { settings: current, limits: Request.limits(current, transport) }
    return known.limits
  }
}

/** Restarts a worker after a defect. If the worker was interrupted, the sleep ends at once and the worker with it. */
const restartOnDefect = (log: Log) => (worker: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchAllCause(worker, (cause) => {
    if (!Cause.isInterruptedOnly(cause)) {
      log.write({
        level: LogLevel.Error,
        module: "pipeline",
        message: "the pipeline died and starts again",
        annotations: { cause: causeText(cause) }
      })
    }
    return Effect.zipRight(
      Effect.interruptible(Effect.sleep("1 second")),
      Effect.suspend(() => restartOnDefect(log)(worker))
    )
  })

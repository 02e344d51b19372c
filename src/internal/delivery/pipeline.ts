/**
 * From the storage to the service: a stream of leased batches.
 *
 * Each worker pulls a lease when a batch is due and the endpoint is available, sends it, and settles its events as the
 * answers say. An event that has to wait goes back to the storage, which keeps its lane behind it. So the storage alone
 * knows what waits, and a batch is what one worker is sending.
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
  /** Runs when events have left the storage for good. */
  readonly onSettled: () => void
}

export interface Pipeline {
  readonly trigger: BatchTrigger
  readonly settlements: Settlements.Settlements
  /** Looks whether another client has settled events of this one that somebody waits for. */
  readonly reconcile: Reconcile.Reconcile
  /** Settings have changed. */
  readonly onConfig: Effect.Effect<void>
}

/**
 * A lease that ends with its scope: then what is neither settled nor released goes back.
 *
 * A stream can keep its elements until a major garbage collection. So a batch lets go of its events when it is sent, and
 * their memory is free as soon as they are settled.
 */
class Batch {
  private lease: EventStorage.Lease | undefined
  readonly scope: Scope.CloseableScope

  constructor(lease: EventStorage.Lease, scope: Scope.CloseableScope) {
    this.lease = lease
    this.scope = scope
  }

  /** Gives the lease away, once. */
  takeLease(): EventStorage.Lease {
    const lease = this.lease!
    this.lease = undefined
    return lease
  }
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
      () => Duration.toMillis(settings().flushInterval)
    )
    const deadlines = Deadlines.make()
    const storageRetry = StorageRetry.make(log)
    const settlements = Settlements.make({ log, onSettled, outstanding, reports, storageRetry, trigger })
    const send = Send.make({ transport, deadlines, log })
    const deliver = Delivery.make({ settings, configured, endpoint, send, settlements, log })

    const lease = (scope: Scope.Scope): Effect.Effect<Option.Option<EventStorage.Lease>> =>
      Effect.suspend(() => {
        const limits = endpoint().limits.current(configured())
        const pending = trigger.pending()
        return Effect.flatMap(
          storageRetry("lease", () => Scope.extend(storage.lease(limits), scope)),
          (leased) =>
            withMonotonic((now) => {
              const events = Option.isSome(leased) ? leased.value.events : []
              outstanding.leased(events)
              settlements.onLease(events)
              trigger.onLease(events, limits, now, pending, outstanding.size() > settlements.leased())
              if (events.length > 0) onLease()
              return Exit.succeed(leased)
            })
        )
      })

    const leaseBatch = (worker: Worker, backoff: Backoff): NextBatch =>
      Effect.flatMap(Scope.fork(worker.scope, ExecutionStrategy.sequential), (scope) =>
        Effect.flatMap(
          Effect.zipRight(Scope.addFinalizer(scope, Effect.sync(backoff.done)), lease(scope)),
          Option.match({
            onNone: () => Effect.zipRight(Scope.close(scope, Exit.void), leaseWhenDue(worker)),
            onSome: (lease) => Effect.succeed(new Batch(lease, scope))
          })
        ))

    /** Ends where there is one worker too many. Can be interrupted only while it waits. */
    const leaseWhenDue = (worker: Worker): NextBatch =>
      Effect.flatMap(Effect.interruptible(due), () => {
        if (worker.index >= settings().flushConcurrency) return Effect.fail(Option.none())
        // while the endpoint is unavailable one batch at a time finds out whether it is back
        const { backoff } = endpoint()
        return Effect.flatMap(
          Effect.interruptible(backoff.permit),
          (isPermitted) => isPermitted ? leaseBatch(worker, backoff) : leaseWhenDue(worker)
        )
      })

    /** No timer runs while there is nothing to wait for. */
    const rest = Effect.zipRight(deadlines.rest, trigger.rest)

    const due = Effect.suspend(() => trigger.isIdle() ? Effect.zipRight(rest, trigger.due) : trigger.due)

    /** Can be interrupted only while it waits for an answer, or for the endpoint. */
    const sendBatch = (batch: Batch): Effect.Effect<void> =>
      Effect.suspend(() =>
        Effect.flatMap(Effect.exit(deliver(batch.takeLease())), (exit) => {
          trigger.onBatchEnd()
          return Effect.zipRight(Scope.close(batch.scope, exit), exit)
        })
      )

    /** One worker at a time waits for a batch: what it leaves waits for its own company. */
    const turn = yield* Effect.makeSemaphore(1)

    const worker = (index: number): Effect.Effect<void> =>
      Effect.scoped(Effect.flatMap(Effect.scope, (scope) =>
        Stream.repeatEffectOption(turn.withPermits(1)(Effect.uninterruptible(leaseWhenDue({ index, scope })))).pipe(
          Stream.runForEach((batch) =>
            Effect.uninterruptible(sendBatch(batch))
          )
        ))).pipe(restartOnDefect(log))

    const giveUp = (lease: EventStorage.Lease): Effect.Effect<void> =>
      settlements.settle(
        lease,
        { events: lease.events.filter(outstanding.isOwn), sent: 0, retries: 0 },
        Settlements.shutDown
      )

    /** Nobody is left who could send what a storage in memory holds. Events of other clients go back. */
    const dropRemaining = Effect.scoped(
      Effect.flatMap(
        storageRetry("lease", () =>
          storage.lease({ maxEvents: Infinity, maxBytes: Infinity, includePaused: true })),
        Option.match({ onNone: () => Effect.void, onSome: giveUp })
      )
    )

    // finalizers run last in, first out: the workers end and give back what they have leased, what would end with the
    // process is dropped, and no timer is left behind
    yield* Effect.addFinalizer(() => rest)
    yield* Effect.addFinalizer(() => storage.durability === "process" ? dropRemaining : Effect.void)
    const workers = yield* FiberMap.make<number>()

    const startWorkers = Effect.suspend(() =>
      Effect.forEach(
        Array.from({ length: settings().deliver ? settings().flushConcurrency : 0 }, (_, index) => index),
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
        // a change of URL ends all waiting for the old one
        endpoint()
        trigger.wake()
        return startWorkers
      })
    }
  })

/** The leases of a worker end with it. */
interface Worker {
  readonly index: number
  readonly scope: Scope.Scope
}

type NextBatch = Effect.Effect<Batch, Option.Option<never>>

/** The limits of a request as configured: asked for with every event, worked out once for each settings. */
const limitsOf = (settings: () => AmplitudeConfig.Settings, transport: Transport.Service): () => Limits => {
  let known: { readonly settings: AmplitudeConfig.Settings; readonly limits: Limits } | undefined
  return () => {
    const current = settings()
    if (known?.settings !== current) known = { settings: current, limits: Request.limits(current, transport) }
    return known.limits
  }
}

/** A defect must not end delivery. Where the worker itself was interrupted, the pause ends at once, and so does it. */
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

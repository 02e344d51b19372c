/**
 * A bounded queue that executes its items one after the other in a fiber of its own, so that `offer` never waits. The
 * fiber runs only while the queue has items. An execution that takes too long is interrupted.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import { identity } from "effect/Function"
import * as MutableQueue from "effect/MutableQueue"
import * as Runtime from "effect/Runtime"
import { clockOf } from "./time.js"

export interface TaskQueue<A> {
  /** Adds an item. A full queue drops its oldest item. */
  readonly offer: (item: A) => void
  /** The number of waiting items. */
  readonly size: () => number
  /** The number of items that are waiting or executed now. */
  readonly unfinished: () => number
  /** Completes when every item that was offered before is executed or dropped. */
  readonly drained: Effect.Effect<void>
  /** Completes when the queue is empty, or when an execution suspends. */
  readonly whileProgress: Effect.Effect<void>
  /** Interrupts the running execution and drops the waiting items. The result is the number of dropped items. */
  readonly abandon: Effect.Effect<number>
}

export interface Options<A> {
  /** Executes an item. A failure or a defect ends the execution of that item only. */
  readonly execute: (item: A) => Effect.Effect<void>
  /** The most waiting items. */
  readonly capacity: () => number
  /** Called for each item that is dropped because the queue is full. */
  readonly onDropped: () => void
  /** The longest that one execution may take. Default: no limit. */
  readonly timeLimit?: (() => Duration.Duration) | undefined
  /** Called when an execution exceeds the limit. */
  readonly onTimeout?: (() => void) | undefined
  /** Wraps the executions, for example to provide a fiber ref. */
  readonly around?: ((executions: Effect.Effect<void>) => Effect.Effect<void>) | undefined
}

type Fork = (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>

/** Waits until the items up to a number are executed or dropped. */
interface Waiter {
  readonly upTo: number
  readonly deferred: Deferred.Deferred<void>
}

/** The longest sleep of the watchdog, since the limit can become shorter meanwhile. */
const maxSleep = Duration.seconds(1)

/** The queue. Items have numbers in the order of their offers, from 1 on. */
class State<A> implements TaskQueue<A> {
  private readonly items = MutableQueue.unbounded<A>()
  private readonly waiters: Array<Waiter> = []
  private readonly options: Options<A>
  private readonly fork: Fork
  /** The number of the newest item. */
  private offered = 0
  /** The number of the item that is executed, or 0. */
  private executing = 0
  /** When the running execution began. Monotonic, in nanoseconds. */
  private startedAt = 0n
  /**
   * The fiber that executes items. A fiber whose execution exceeded the limit is replaced, and takes no further item.
   */
  private consumer: Fiber.RuntimeFiber<void> | undefined
  /** The fiber that interrupts an execution which takes too long. */
  private watchdog: Fiber.RuntimeFiber<void> | undefined

  constructor(options: Options<A>, fork: Fork) {
    this.options = options
    this.fork = fork
  }

  readonly size = (): number => MutableQueue.length(this.items)

  readonly unfinished = (): number => this.size() + (this.executing === 0 ? 0 : 1)

  readonly offer = (item: A): void => {
    this.offered++
    MutableQueue.offer(this.items, item)
    const capacity = this.options.capacity()
    if (this.size() > capacity) this.dropDownTo(capacity)
    if (this.consumer === undefined) this.start()
  }

  readonly drained: Effect.Effect<void> = Effect.suspend(() => {
    if (this.isDone(this.offered)) return Effect.void
    const waiter: Waiter = { upTo: this.offered, deferred: Deferred.unsafeMake<void>(FiberId.none) }
    this.waiters.push(waiter)
    return Deferred.await(waiter.deferred)
  })

  readonly whileProgress: Effect.Effect<void> = Effect.suspend(() => {
    let before = -1
    return Effect.whileLoop({
      while: () => {
        const done = this.offered - this.unfinished()
        const isProgress = done > before && done < this.offered
        before = done
        return isProgress
      },
      // the fiber starts in the first turn of the scheduler and runs in the second
      body: () => Effect.zipRight(Effect.yieldNow(), Effect.yieldNow()),
      step: () => {}
    })
  })

  readonly abandon: Effect.Effect<number> = Effect.suspend(() => {
    const count = this.size()
    const { consumer } = this
    MutableQueue.pollUpTo(this.items, Infinity)
    this.stop()
    return Effect.as(
      Effect.zipRight(
        consumer === undefined ? Effect.void : Fiber.interruptFork(consumer),
        this.stopWatchdog
      ),
      count
    )
  })

  private isDone(number: number): boolean {
    return this.offered - this.size() >= number && (this.executing === 0 || this.executing > number)
  }

  private tellWaiters(): void {
    while (this.waiters[0] !== undefined && this.isDone(this.waiters[0].upTo)) {
      Deferred.unsafeDone(this.waiters.shift()!.deferred, Effect.void)
    }
  }

  private dropDownTo(capacity: number): void {
    while (this.size() > capacity) {
      MutableQueue.poll(this.items, undefined)
      this.options.onDropped()
    }
    this.tellWaiters()
  }

  // -- the two fibers ------------------------------------------------------------------------------------------------

  private start(): void {
    const { around = identity, timeLimit } = this.options
    this.consumer = this.fork(around(this.consume))
    if (timeLimit !== undefined && this.watchdog === undefined) this.watchdog = this.fork(this.watch)
  }

  /** Marks the running execution as ended. */
  private stop(): void {
    this.consumer = undefined
    this.executing = 0
    this.tellWaiters()
  }

  /** Starts another fiber for the waiting items. */
  private restart(): void {
    this.stop()
    if (this.size() > 0) this.start()
  }

  /** Takes the next item, or ends the fiber. Both happen in one step, so that a later offer starts another fiber. */
  private hasNext(self: Fiber.RuntimeFiber<any, any>): boolean {
    if (this.consumer !== self) return false
    if (this.size() === 0) {
      this.consumer = undefined
      return false
    }
    this.executing = this.offered - this.size() + 1
    if (this.options.timeLimit !== undefined) this.startedAt = clockOf(self).unsafeCurrentTimeNanos()
    return true
  }

  private readonly consume: Effect.Effect<void> = Effect.withFiberRuntime((self) =>
    Effect.ensuring(
      Effect.whileLoop({
        while: () => this.hasNext(self),
        body: () => {
          const item = MutableQueue.poll(this.items, undefined) as A
          return Effect.exit(Effect.suspend(() => this.options.execute(item)))
        },
        step: () => {
          if (this.consumer !== self) return
          this.executing = 0
          this.tellWaiters()
        }
      }),
      Effect.suspend(() => {
        // an execution can interrupt its own fiber
        if (this.consumer === self) this.restart()
        return this.consumer === undefined ? this.stopWatchdog : Effect.void
      })
    )
  )

  /** Stops the watchdog, so that an idle queue has no timer. */
  private readonly stopWatchdog: Effect.Effect<void> = Effect.suspend(() => {
    const { watchdog } = this
    this.watchdog = undefined
    return watchdog === undefined ? Effect.void : Fiber.interruptFork(watchdog)
  })

  private readonly watch: Effect.Effect<void> = Effect.withFiberRuntime((self) => {
    const { consumer, watchdog } = this
    if (watchdog !== self) return Effect.void
    if (consumer === undefined || this.options.timeLimit === undefined) {
      this.watchdog = undefined
      return Effect.void
    }
    const limit = this.options.timeLimit()
    const spent = this.executing === 0
      ? Duration.zero
      : Duration.nanos(clockOf(self).unsafeCurrentTimeNanos() - this.startedAt)
    if (this.executing === 0 || Duration.lessThan(spent, limit)) {
      return Effect.zipRight(Effect.sleep(Duration.min(Duration.subtract(limit, spent), maxSleep)), this.watch)
    }
    this.options.onTimeout?.()
    this.restart()
    // forked, since an uninterruptible execution would delay the watchdog
    return Effect.zipRight(Fiber.interruptFork(consumer), this.watch)
  })
}

export const make = <A>(options: Options<A>): Effect.Effect<TaskQueue<A>> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const fork = Runtime.runFork(runtime)
    // started in a later turn of the scheduler, so that the caller of `offer` does not wait
    return new State(options, (effect) => fork(Effect.interruptible(effect), { immediate: false }))
  })

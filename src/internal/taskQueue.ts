/**
 * A bounded queue whose items are executed one after the other in a fiber of its own, so that whoever adds an item never
 * waits. The fiber lives only while there is something to do. An execution that takes too long is given up.
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
  /** Adds an item. A queue that is full drops its oldest item. */
  readonly offer: (item: A) => void
  /** How many items wait for their execution. */
  readonly size: () => number
  /** Completes when no item that was offered before waits or is executed. */
  readonly drained: Effect.Effect<void>
  /** Completes when the items are executed that wait for nothing themselves. */
  readonly whileProgress: Effect.Effect<void>
  /** Interrupts the execution under way, drops the items that wait, and answers how many those are. */
  readonly abandon: Effect.Effect<number>
}

export interface Options<A> {
  /** What is done with an item. A failure or a defect ends the execution of that item. */
  readonly execute: (item: A) => Effect.Effect<void>
  /** The most items that wait. */
  readonly capacity: () => number
  /** Called for each item that is dropped because the queue is full. */
  readonly onDropped: () => void
  /** The longest that one execution may take. Default: any time. */
  readonly timeLimit?: (() => Duration.Duration) | undefined
  /** Called when an execution is given up. */
  readonly onTimeout?: (() => void) | undefined
  /** The context in which all items are executed. */
  readonly around?: ((executions: Effect.Effect<void>) => Effect.Effect<void>) | undefined
}

type Fork = (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>

/** Somebody who waits until the items up to a number are done with. */
interface Waiter {
  readonly upTo: number
  readonly deferred: Deferred.Deferred<void>
}

/** The items are numbered in the order in which they were offered, from 1 on. */
class State<A> implements TaskQueue<A> {
  private readonly items = MutableQueue.unbounded<A>()
  private readonly waiters: Array<Waiter> = []
  private readonly options: Options<A>
  private readonly fork: Fork
  /** The number of the last item. */
  private offered = 0
  /** The number of the item that is executed; 0 where there is none. */
  private executing = 0
  /** When its execution began, in nanoseconds of the monotonic clock. */
  private startedAt = 0n
  /** The fiber that executes items. One that was given up is no longer this one, and takes no further item. */
  private consumer: Fiber.RuntimeFiber<void> | undefined
  /** The fiber that gives up an execution which takes too long. */
  private watchdog: Fiber.RuntimeFiber<void> | undefined

  constructor(options: Options<A>, fork: Fork) {
    this.options = options
    this.fork = fork
  }

  readonly size = (): number => MutableQueue.length(this.items)

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
      // the fiber is started in the first turn and runs in the second
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

  private unfinished(): number {
    return this.size() + (this.executing === 0 ? 0 : 1)
  }

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

  /** No item is executed any more. */
  private stop(): void {
    this.consumer = undefined
    this.executing = 0
    this.tellWaiters()
  }

  /** The items that wait are executed by another fiber. */
  private restart(): void {
    this.stop()
    if (this.size() > 0) this.start()
  }

  /** Decides in one step that the fiber ends, so that an item which is offered later starts another one. */
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
        // an execution can interrupt the fiber that it runs in
        if (this.consumer === self) this.restart()
        return this.consumer === undefined ? this.stopWatchdog : Effect.void
      })
    )
  )

  /** An idle queue leaves no timer behind. */
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
    if (this.executing === 0 || !Duration.isFinite(limit)) return Effect.zipRight(Effect.sleep(limit), this.watch)
    const spent = Duration.nanos(clockOf(self).unsafeCurrentTimeNanos() - this.startedAt)
    if (Duration.lessThan(spent, limit)) {
      return Effect.zipRight(Effect.sleep(Duration.subtract(limit, spent)), this.watch)
    }
    this.options.onTimeout?.()
    this.restart()
    // not waited for: an execution that cannot be interrupted goes on by itself
    return Effect.zipRight(Fiber.interruptFork(consumer), this.watch)
  })
}

export const make = <A>(options: Options<A>): Effect.Effect<TaskQueue<A>> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const fork = Runtime.runFork(runtime)
    // not in the turn of the caller, who waits for nothing
    return new State(options, (effect) => fork(Effect.interruptible(effect), { immediate: false }))
  })

/**
 * A queue of effects that run one after the other in a fiber of their own, so that who puts one in never waits for it.
 * The fiber lives only while there is something to do.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import { identity } from "effect/Function"
import * as MutableQueue from "effect/MutableQueue"
import * as Runtime from "effect/Runtime"

export interface Worker {
  readonly offer: (task: Effect.Effect<void>) => void
  /** Completes when every task that was offered before has ended. */
  readonly drained: Effect.Effect<void>
  /** Completes when the tasks are done that do not have to wait for anything: it does not wait for one that does. */
  readonly whileProgress: Effect.Effect<void>
  /** How many tasks have not begun. */
  readonly waiting: () => number
  /** Forgets the task that has waited longest. */
  readonly dropOldest: () => void
  /** Interrupts the task that runs and forgets those that wait. */
  readonly abandon: Effect.Effect<void>
}

/**
 * What a task's defect means is the task's to say: here it only ends that task. `around` is what all of them run in.
 */
export const make = (around: (tasks: Effect.Effect<void>) => Effect.Effect<void> = identity): Effect.Effect<Worker> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const fork = Runtime.runFork(runtime)
    const tasks = MutableQueue.unbounded<Effect.Effect<void>>()
    const waiters: Array<{ readonly at: number; readonly deferred: Deferred.Deferred<void> }> = []
    let fiber: Fiber.RuntimeFiber<void> | undefined
    let running = false
    let offered = 0
    let done = 0

    const stepped = (): void => {
      if (done < offered) done++
      while (waiters[0] !== undefined && waiters[0].at <= done) {
        Deferred.unsafeDone(waiters.shift()!.deferred, Effect.void)
      }
    }

    /** Decides in one step that the fiber ends, so that a task offered later starts another one. */
    const hasNext = (): boolean => {
      if (!MutableQueue.isEmpty(tasks)) return true
      running = false
      return false
    }

    const run: Effect.Effect<void> = Effect.whileLoop({
      while: hasNext,
      body: () => Effect.exit(MutableQueue.poll(tasks, Effect.void)),
      step: stepped
    })

    return {
      offer: (task) => {
        offered++
        MutableQueue.offer(tasks, task)
        if (running) return
        // not in the turn of the caller, who waits for nothing
        running = true
        fiber = fork(Effect.interruptible(around(run)), { immediate: false })
      },
      drained: Effect.suspend(() => {
        if (done >= offered) return Effect.void
        const deferred = Deferred.unsafeMake<void>(FiberId.none)
        waiters.push({ at: offered, deferred })
        return Deferred.await(deferred)
      }),
      whileProgress: Effect.suspend(() => {
        let before = -1
        return Effect.whileLoop({
          while: () => {
            const progress = done !== before && done < offered
            before = done
            return progress
          },
          // two turns: one in which the fiber is started, one in which it runs
          body: () => Effect.zipRight(Effect.yieldNow(), Effect.yieldNow()),
          step: () => {}
        })
      }),
      waiting: () => MutableQueue.length(tasks),
      dropOldest: () => {
        if (MutableQueue.poll(tasks, undefined) !== undefined) stepped()
      },
      abandon: Effect.suspend(() => {
        if (!running || fiber === undefined) return Effect.void
        running = false
        MutableQueue.pollUpTo(tasks, Infinity)
        done = offered
        for (const { deferred } of waiters.splice(0)) Deferred.unsafeDone(deferred, Effect.void)
        return Effect.asVoid(Fiber.interruptFork(fiber))
      })
    }
  })

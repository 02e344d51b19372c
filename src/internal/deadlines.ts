/**
 * Limits of time on effects that are not ours: when the time is up, or who waits is interrupted, nobody waits for one any
 * longer, even if it cannot be interrupted itself.
 *
 * One fiber sleeps for all of them, up to the first deadline there was when it fell asleep: most effects are done by
 * then, and cost no timer of their own.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { withNow } from "./now.js"

export interface Deadlines {
  /**
   * Runs an effect in a fiber of its own, in an uninterruptible region whose `restore` makes the waiting interruptible:
   * that is its only failure.
   */
  readonly within: <A, E, R, E2>(
    effect: Effect.Effect<A, E, R>,
    duration: Duration.Duration,
    onTimeout: () => E2,
    restore: Restore
  ) => Effect.Effect<Exit.Exit<A, E | E2>, never, R>
  /** Ends what is still running, and leaves no timer behind: to be called where nobody waits any more. */
  readonly rest: Effect.Effect<void>
}

export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

interface Deadline {
  /** In milliseconds since the epoch. */
  readonly at: number
  readonly running: Fiber.RuntimeFiber<unknown, unknown>
  expire: () => void
}

export const make = (): Deadlines => {
  let deadlines: ReadonlyArray<Deadline> = []
  let sleeper: Fiber.RuntimeFiber<void> | undefined
  let wakesAt = Infinity

  const wake: Effect.Effect<void> = withNow((now) => {
    for (const { at, expire } of deadlines) if (at <= now) expire()
    wakesAt = deadlines.reduce((first, { at }) => at > now && at < first ? at : first, Infinity)
    return wakesAt === Infinity ? Effect.void : Effect.zipRight(Effect.sleep(Duration.millis(wakesAt - now)), wake)
  })

  const stopSleeping = (): void => {
    if (sleeper !== undefined) stop(sleeper)
    sleeper = undefined
    wakesAt = Infinity
  }

  const wakeAt = (at: number, now: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      stopSleeping()
      wakesAt = at
      return Effect.map(
        Effect.forkDaemon(Effect.interruptible(Effect.zipRight(Effect.sleep(Duration.millis(at - now)), wake))),
        (fiber) => {
          sleeper = fiber
        }
      )
    })

  const leave = (deadline: Deadline): void => {
    deadlines = deadlines.filter((other) => other !== deadline)
  }

  const wait = <A, E, E2>(
    running: Fiber.RuntimeFiber<A, E>,
    deadline: Deadline,
    onTimeout: () => E2
  ): Effect.Effect<Exit.Exit<A, E | E2>> =>
    Effect.async((resume) => {
      deadline.expire = () => {
        leave(deadline)
        stop(running)
        resume(Exit.succeed(Exit.fail(onTimeout())))
      }
      running.addObserver((exit) => {
        leave(deadline)
        resume(Exit.succeed(exit))
      })
      return Effect.sync(() => {
        leave(deadline)
        stop(running)
      })
    })

  return {
    within: (effect, duration, onTimeout, restore) =>
      withNow((now) => {
        const at = now + Duration.toMillis(duration)
        const waited = Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (running) => {
          // known before it is waited for: who waits can be interrupted before it begins to
          const deadline: Deadline = { at, running, expire: () => stop(running) }
          deadlines = [...deadlines, deadline]
          return restore(wait(running, deadline, onTimeout))
        })
        return at < wakesAt ? Effect.zipRight(wakeAt(at, now), waited) : waited
      }),
    rest: Effect.sync(() => {
      for (const { running } of deadlines) stop(running)
      deadlines = []
      stopSleeping()
    })
  }
}

const stop = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void => fiber.unsafeInterruptAsFork(fiber.id())

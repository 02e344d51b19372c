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
import { withTicks } from "./now.js"

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
  /** In milliseconds of a clock that nobody sets. */
  readonly at: number
  /** What it limits, once that runs. */
  running: Fiber.RuntimeFiber<unknown, unknown> | undefined
  isOver: boolean
  /** Tells who waits, once somebody does. */
  tell: () => void
}

export const make = (): Deadlines => {
  let deadlines: ReadonlyArray<Deadline> = []
  let sleeper: Fiber.RuntimeFiber<void> | undefined
  let wakesAt = Infinity

  const sleepUntilFirst = (now: number): Effect.Effect<void> => {
    wakesAt = deadlines.reduce((first, { at }) => at > now && at < first ? at : first, Infinity)
    return wakesAt === Infinity ? Effect.void : Effect.zipRight(sleepUntil(wakesAt, now), wake)
  }

  const wake: Effect.Effect<void> = withTicks((now) => {
    for (const deadline of deadlines) {
      if (deadline.at > now) continue
      deadline.isOver = true
      end(deadline)
      deadline.tell()
    }
    return sleepUntilFirst(now)
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
        Effect.forkDaemon(Effect.interruptible(Effect.zipRight(sleepUntil(at, now), wake))),
        (fiber) => {
          // another one with an earlier deadline may have come in between
          if (wakesAt === at) sleeper = fiber
          else stop(fiber)
        }
      )
    })

  const leave = (deadline: Deadline): void => {
    deadlines = deadlines.filter((other) => other !== deadline)
  }

  /** Nobody waits any longer. */
  const end = (deadline: Deadline): void => {
    leave(deadline)
    if (deadline.running !== undefined) stop(deadline.running)
  }

  /** What is done when this is interrupted is not left to `Effect.async`, whose own is not known from the beginning. */
  const wait = <A, E, E2>(
    running: Fiber.RuntimeFiber<A, E>,
    deadline: Deadline,
    onTimeout: () => E2,
    restore: Restore
  ): Effect.Effect<Exit.Exit<A, E | E2>> => {
    const told = Effect.async<Exit.Exit<A, E | E2>>((resume) => {
      deadline.tell = () => resume(Exit.succeed(Exit.fail(onTimeout())))
      if (deadline.isOver) {
        end(deadline)
        deadline.tell()
      }
      running.addObserver((exit) => {
        leave(deadline)
        resume(Exit.succeed(exit))
      })
    })
    return Effect.catchAllCause(restore(told), (interruption) => {
      end(deadline)
      return Exit.failCause(interruption)
    })
  }

  return {
    within: (effect, duration, onTimeout, restore) =>
      withTicks((now) => {
        // known before anything else happens: the fiber that sleeps looks for it, and who waits may be interrupted before
        // it begins to
        const deadline: Deadline = {
          at: now + Duration.toMillis(duration),
          running: undefined,
          isOver: false,
          tell: () => {}
        }
        deadlines = [...deadlines, deadline]
        const waited = Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (running) => {
          deadline.running = running
          return wait(running, deadline, onTimeout, restore)
        })
        return deadline.at < wakesAt ? Effect.zipRight(wakeAt(deadline.at, now), waited) : waited
      }),
    rest: Effect.sync(() => {
      for (const deadline of deadlines) end(deadline)
      stopSleeping()
    })
  }
}

const sleepUntil = (at: number, now: number): Effect.Effect<void> => Effect.sleep(Duration.millis(Math.ceil(at - now)))

const stop = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void => fiber.unsafeInterruptAsFork(fiber.id())

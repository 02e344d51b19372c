/**
 * Timeouts for effects of user code. When the time is up, the waiting ends, even if the effect cannot be interrupted.
 * All timeouts share one alarm, since most effects end in time.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Timeouts from "../timeouts.js"

export interface Deadlines {
  /**
   * Runs an effect in a fiber of its own, and fails with `onTimeout` if the effect has not ended in time. The waiting
   * is interruptible in any region.
   */
  readonly within: <A, E, E2>(
    effect: Effect.Effect<A, E>,
    duration: Duration.Duration,
    onTimeout: () => E2
  ) => Effect.Effect<A, E | E2>
  /** Stops the timer if no effect is running. */
  readonly rest: Effect.Effect<void>
}

export const make = (): Deadlines => {
  const timeouts = Timeouts.make()

  return {
    within: <A, E, E2>(effect: Effect.Effect<A, E>, duration: Duration.Duration, onTimeout: () => E2) =>
      Effect.uninterruptible(
        Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) => {
          const timedOut = Effect.suspend(() => Exit.fail(onTimeout()))
          return Effect.flatMap(
            Effect.exit(timeouts.waitFor(fiber, duration, timedOut, Effect.interruptible)),
            (exit) => {
              const ended = fiber.unsafePoll()
              if (ended === null) stop(fiber)
              return ended !== null && hasInterruptedItself(ended) ? Exit.die(interruptedItself) : exit
            }
          )
        })
      ),
    rest: timeouts.rest
  }
}

/** The waiting fiber was not interrupted: the effect interrupted its own fiber. */
const hasInterruptedItself = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)

const interruptedItself = new Error("the effect interrupted itself")

const stop = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void => fiber.unsafeInterruptAsFork(fiber.id())

/**
 * Timeouts for effects of user code. When the time is up, the waiting ends, even if the effect cannot be interrupted.
 * All timeouts share one alarm, since most effects end in time.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { withMonotonic } from "../time.js"
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
        Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) =>
          withMonotonic((now) => {
            let isLate = false
            let resume = (_exit: Exit.Exit<A, E | E2>): void => {}
            const timeout: Timeouts.Timeout = {
              deadline: now + Duration.toMillis(duration),
              giveUp: () => {
                isLate = true
                resume(Exit.fail(onTimeout()))
              }
            }
            const exit = Effect.async<A, E | E2>((done) => {
              resume = done
              // the time can be up before the waiting begins
              if (isLate) timeout.giveUp()
              else fiber.addObserver((exit) => done(hasInterruptedItself(exit) ? Exit.die(interruptedItself) : exit))
            })
            return Effect.flatMap(
              Effect.zipRight(timeouts.start(timeout), Effect.exit(Effect.interruptible(exit))),
              (exit) => {
                timeouts.end(timeout)
                if (fiber.unsafePoll() === null) stop(fiber)
                return exit
              }
            )
          }))
      ),
    rest: timeouts.rest
  }
}

/** The waiting fiber was not interrupted: the effect interrupted its own fiber. */
const hasInterruptedItself = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)

const interruptedItself = new Error("the effect interrupted itself")

const stop = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void => fiber.unsafeInterruptAsFork(fiber.id())

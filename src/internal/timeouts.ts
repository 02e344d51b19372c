/** Waits for fibers up to a limit. All limits share one alarm, since most fibers end before. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Alarm from "./alarm.js"
import { withMonotonic } from "./time.js"

export interface Timeouts {
  /**
   * Waits for the exit of a fiber, and gives `onTimeout` after the limit. Run it in an uninterruptible region. `restore` makes the
   * waiting interruptible. A fiber that has ended needs no timer.
   */
  readonly waitFor: <A, E, B, E2>(
    fiber: Fiber.RuntimeFiber<A, E>,
    limit: Duration.DurationInput,
    onTimeout: Effect.Effect<B, E2>,
    restore: (waiting: Effect.Effect<A | B, E | E2>) => Effect.Effect<A | B, E | E2>
  ) => Effect.Effect<A | B, E | E2>
  /** Stops the timer if nothing is waited for. */
  readonly rest: Effect.Effect<void>
}

interface Timeout {
  /** Monotonic, in milliseconds. */
  readonly deadline: number
  readonly giveUp: () => void
}

export const make = (): Timeouts => {
  const running = new Set<Timeout>()

  /** Ends the waiting for the fibers whose time is up. */
  const expire: Effect.Effect<void> = withMonotonic((now) => {
    let next = Infinity
    for (const timeout of running) {
      if (timeout.deadline <= now) timeout.giveUp()
      else next = Math.min(next, timeout.deadline)
    }
    return next === Infinity ? Effect.void : alarm.ringBy(next)
  })

  const alarm = Alarm.make(expire)

  return {
    waitFor: <A, E, B, E2>(
      fiber: Fiber.RuntimeFiber<A, E>,
      limit: Duration.DurationInput,
      onTimeout: Effect.Effect<B, E2>,
      restore: (waiting: Effect.Effect<A | B, E | E2>) => Effect.Effect<A | B, E | E2>
    ) =>
      withMonotonic((now): Effect.Effect<A | B, E | E2> => {
        const ended = fiber.unsafePoll()
        if (ended !== null) return ended
        let isLate = false
        let resume = (_: Effect.Effect<A | B, E | E2>): void => {}
        const timeout: Timeout = {
          deadline: now + Duration.toMillis(limit),
          giveUp: () => {
            isLate = true
            resume(onTimeout)
          }
        }
        running.add(timeout)
        const waiting = Effect.async<A | B, E | E2>((done) => {
          resume = done
          // the time can be up before the waiting begins
          if (isLate) done(onTimeout)
          else fiber.addObserver(done)
        })
        return Effect.flatMap(
          Effect.zipRight(alarm.ringBy(timeout.deadline), Effect.exit(restore(waiting))),
          (exit) => {
            running.delete(timeout)
            return exit
          }
        )
      }),
    rest: Effect.suspend(() => running.size === 0 ? alarm.rest : Effect.void)
  }
}

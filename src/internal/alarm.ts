/**
 * An alarm runs an action by a given time, or earlier. Many timeouts can share one alarm, and need no timer of their
 * own.
 *
 * One fiber sleeps at a time. A request for a later time does not change the sleep: the action runs early, and asks for
 * the later time itself.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { withMonotonic } from "./time.js"

export interface Alarm {
  /** Makes the action run at this time or earlier. Monotonic, in milliseconds. */
  readonly ringBy: (time: number) => Effect.Effect<void>
  /** Ends the sleep, so that no timer is left. */
  readonly rest: Effect.Effect<void>
}

interface Sleep {
  readonly until: number
  /** Undefined until the fiber is forked. */
  fiber: Fiber.RuntimeFiber<void> | undefined
}

export const make = (action: Effect.Effect<void>): Alarm => {
  let current: Sleep | undefined

  const rest = (): void => {
    const fiber = current?.fiber
    current = undefined
    if (fiber !== undefined) stop(fiber)
  }

  const sleep = (until: number, now: number): Effect.Effect<void> => {
    rest()
    const own: Sleep = { until, fiber: undefined }
    current = own
    const ring = Effect.suspend(() => {
      if (current !== own) return Effect.void
      current = undefined
      return action
    })
    const sleeping = Effect.sleep(Duration.millis(Math.ceil(Math.max(0, until - now))))
    return Effect.uninterruptible(
      Effect.map(Effect.forkDaemon(Effect.interruptible(Effect.zipRight(sleeping, ring))), (fiber) => {
        // another call may have asked for an earlier time before this fiber was known
        if (current === own) own.fiber = fiber
        else stop(fiber)
      })
    )
  }

  return {
    ringBy: (time) =>
      withMonotonic((now) => current !== undefined && current.until <= time ? Effect.void : sleep(time, now)),
    rest: Effect.sync(rest)
  }
}

const stop = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void => fiber.unsafeInterruptAsFork(fiber.id())

/**
 * Runs an action at a time, or earlier.
 *
 * One fiber sleeps at a time. It goes on sleeping when a later time is asked for, and when nobody needs it any more: the
 * action decides what to do, and asks again. So a limit in time costs no timer of its own.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { withMonotonic } from "./time.js"

export interface Alarm {
  /** The action runs at this time at the latest. Monotonic, in milliseconds. */
  readonly ringBy: (time: number) => Effect.Effect<void>
  /** Ends the sleep: no timer is left behind. */
  readonly rest: Effect.Effect<void>
}

interface Sleep {
  readonly until: number
  /** Known once the fiber is forked. */
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
        // an earlier time may have been asked for meanwhile
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

/** Calls functions when their time is up. All of them share one alarm, since most are ended before. */
import * as Effect from "effect/Effect"
import * as Alarm from "./alarm.js"
import { withMonotonic } from "./time.js"

export interface Timeout {
  /** Monotonic, in milliseconds. */
  readonly deadline: number
  readonly giveUp: () => void
}

export interface Timeouts {
  /** Calls `giveUp` after the deadline, unless `end` was called before. */
  readonly start: (timeout: Timeout) => Effect.Effect<void>
  readonly end: (timeout: Timeout) => void
  /** Stops the timer if no timeout has started, or all of them have ended. */
  readonly rest: Effect.Effect<void>
}

export const make = (): Timeouts => {
  const running = new Set<Timeout>()

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
    start: (timeout) => {
      running.add(timeout)
      return alarm.ringBy(timeout.deadline)
    },
    end: (timeout) => {
      running.delete(timeout)
    },
    rest: Effect.suspend(() => running.size === 0 ? alarm.rest : Effect.void)
  }
}

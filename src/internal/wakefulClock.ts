/**
 * A clock with sleeps that can be ended early.
 *
 * Cloudflare Workers stops the timers of a request when the request is over. A client that several requests share would
 * wait for such a timer for ever. Each call of the client therefore ends the sleeps that are overdue.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { monotonicOf, wallTimeOf } from "./time.js"
import { async } from "./transport/async.js"

export interface WakefulClock extends Clock.Clock {
  /** Ends the overdue sleeps. `now` is the wall clock, which decides cheaply whether any sleep can be overdue. */
  readonly wakeOverdue: (now: number) => void
}

interface Sleeper {
  /** Monotonic, in milliseconds. */
  readonly until: number
  readonly wake: () => void
}

/** How late a timer may be, in milliseconds. A later one counts as stopped. */
const tolerance = 1000

/** The longest sleep of Effect's clock, in milliseconds: that of a timer. A longer sleep of that clock never ends. */
const longestSleep = 2 ** 31 - 1

export const make = (clock: Clock.Clock): WakefulClock => {
  const sleepers = new Set<Sleeper>()
  /** The first time at which a sleep counts as overdue, by the wall clock. */
  let overdueAt = Infinity

  const sleepUntilWoken = (duration: Duration.Duration): Effect.Effect<void> =>
    async<void, never>((done) => {
      const millis = Duration.toMillis(duration)
      const sleeper: Sleeper = {
        until: monotonicOf(clock) + millis,
        wake: () => {
          sleepers.delete(sleeper)
          done(Exit.void)
        }
      }
      sleepers.add(sleeper)
      overdueAt = Math.min(overdueAt, wallTimeOf(clock) + millis + tolerance)
      return () => {
        sleepers.delete(sleeper)
      }
    })

  const wakeOverdue = (now: number): void => {
    if (now < overdueAt) return
    overdueAt = Infinity
    const monotonic = monotonicOf(clock)
    for (const sleeper of sleepers) {
      if (sleeper.until + tolerance <= monotonic) sleeper.wake()
      else overdueAt = Math.min(overdueAt, now + sleeper.until + tolerance - monotonic)
    }
  }

  const sleepOnce = (duration: Duration.Duration): Effect.Effect<void> =>
    Effect.raceFirst(
      Effect.interruptible(clock.sleep(duration)),
      Effect.interruptible(sleepUntilWoken(duration))
    )

  const sleep = (duration: Duration.Duration): Effect.Effect<void> => {
    const millis = Duration.toMillis(duration)
    return millis <= longestSleep || millis === Infinity
      ? sleepOnce(duration)
      : Effect.zipRight(
        sleepOnce(Duration.millis(longestSleep)),
        Effect.suspend(() => sleep(Duration.millis(millis - longestSleep)))
      )
  }

  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis(),
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    currentTimeMillis: clock.currentTimeMillis,
    currentTimeNanos: clock.currentTimeNanos,
    sleep,
    wakeOverdue
  }
}

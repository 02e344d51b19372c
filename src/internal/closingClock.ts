/**
 * A clock that stops waiting when it is closed. The client of a test waits on the clock of the test, which nobody adjusts
 * any more when the test is over.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export interface ClosingClock extends Clock.Clock {
  /** Ends the sleep of everybody, and of everybody who comes later. */
  readonly close: () => void
}

/** So many turns of the scheduler a sleep takes on a closed clock: what waits for nothing comes first. */
const turns = 100

const letOthersRun: Effect.Effect<void> = Effect.suspend(() => {
  let left = turns
  return Effect.whileLoop({ while: () => left-- > 0, body: () => Effect.yieldNow(), step: () => {} })
})

export const closingClock = (clock: Clock.Clock): ClosingClock => {
  const closed = Effect.unsafeMakeLatch(false)
  const woken = Effect.zipRight(closed.await, letOthersRun)
  return {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis(),
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    currentTimeMillis: clock.currentTimeMillis,
    currentTimeNanos: clock.currentTimeNanos,
    sleep: (duration) => Effect.raceFirst(Effect.interruptible(clock.sleep(duration)), Effect.interruptible(woken)),
    close: () => closed.unsafeOpen()
  }
}

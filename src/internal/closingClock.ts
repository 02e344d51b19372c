/**
 * A clock whose sleeps end when it is closed. The client of a test sleeps on the `TestClock`, and no test adjusts it
 * after its end.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export interface ClosingClock extends Clock.Clock {
  /** Ends every sleep, and every sleep that begins later. */
  readonly close: () => void
}

/** The turns of the scheduler that a sleep takes on a closed clock, so that fibers which do not sleep run first. */
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

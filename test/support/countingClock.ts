/** A clock that counts the started and the running sleeps. */
import type { Clock } from "effect"
import { Effect } from "effect"

export const countingClock = Effect.map(Effect.clock, (clock) => {
  const sleeps = { begun: 0, under: 0 }
  const sleep: Clock.Clock["sleep"] = (duration) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        sleeps.begun++
        sleeps.under++
      }),
      () => clock.sleep(duration),
      () => Effect.sync(() => sleeps.under--)
    )
  return { sleeps, clock: Object.assign(Object.create(clock) as Clock.Clock, { sleep }) }
})

/** A loop of track in a test that has put a clock of its own in the place of timers, which nobody may ever run. */
import { afterEach, assert, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { Amplitude, AmplitudeTest, Recorder } from "effect-amplitude"

afterEach(() => void vi.useRealTimers())

it("does not wait for it", async () => {
  vi.useFakeTimers()
  const program = Effect.gen(function*() {
    yield* Effect.repeatN(Amplitude.track({ event_type: "tracked", user_id: "user-12345" }), 999)
    return yield* Recorder.events
  })
  assert.strictEqual((await Effect.runPromise(Effect.provide(program, AmplitudeTest))).length, 1000)
})

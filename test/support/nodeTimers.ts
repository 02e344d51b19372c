/** Run by `node --test`: a loop of `track` in a test with the fake timers of `node:test`. */
import { Effect } from "effect"
import assert from "node:assert/strict"
import { mock, test } from "node:test"
import { Amplitude, AmplitudeTest, Recorder } from "../../src/index.js"

void test("a loop of track does not wait for them", async () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout", "setImmediate", "Date"] })
  const program = Effect.gen(function*() {
    yield* Effect.repeatN(Amplitude.track({ event_type: "tracked", user_id: "user-12345" }), 999)
    yield* Amplitude.flush
    return yield* Recorder.events
  })
  assert.equal((await Effect.runPromise(Effect.provide(program, AmplitudeTest))).length, 1000)
  mock.timers.reset()
})

/** A loop of `track` in a test that has replaced the timers of the platform with fake ones, which may never run. */
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { Amplitude, AmplitudeTest, Recorder } from "effect-amplitude"
import { spawn } from "node:child_process"
import { built } from "../support/built.js"

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const program = Effect.gen(function*() {
  yield* Effect.repeatN(Amplitude.track({ event_type: "tracked", user_id: "user-12345" }), 999)
  yield* Amplitude.flush
  return (yield* Recorder.events).length
})

describe("a loop of track does not wait for", () => {
  it("the fake timers of vitest, which are those of jest and sinon", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "setInterval", "setImmediate", "Date", "performance", "hrtime"] })
    assert.strictEqual(await Effect.runPromise(Effect.provide(program, AmplitudeTest)), 1000)
  })

  it("fake timers that come while it runs", async () => {
    const loop = Effect.gen(function*() {
      yield* Effect.repeatN(Amplitude.track({ event_type: "tracked", user_id: "user-12345" }), 59)
      yield* Effect.sync(() => vi.useFakeTimers())
      return yield* program
    })
    assert.strictEqual(await Effect.runPromise(Effect.provide(loop, AmplitudeTest)), 1060)
  })

  it("the legacy timers of jest, which are mocks", async () => {
    for (const name of ["setImmediate", "setTimeout", "setInterval"]) vi.stubGlobal(name, vi.fn())
    assert.strictEqual(await Effect.runPromise(Effect.provide(program, AmplitudeTest)), 1000)
  })

  it("the timers of node:test", { timeout: 60_000 }, async () => {
    const child = spawn(
      process.execPath,
      ["--test", "test/support/nodeTimers.js"],
      { cwd: await built(), stdio: ["ignore", "pipe", "inherit"], timeout: 50_000, killSignal: "SIGKILL" }
    )
    let output = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => output += text)
    const code = await new Promise((resolve) => child.on("close", resolve))
    assert.strictEqual(code, 0, output)
    assert.match(output, /pass 1/)
  })
})

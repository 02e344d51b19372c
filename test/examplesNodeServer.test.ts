/**
 * The example of a server that is not written with Effect: its events are delivered, however it ends.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { start } from "./support/example.js"

const get = (url: string) => Effect.promise(() => fetch(url).then((response) => response.text()))

const paths = Effect.map(DevServer.events, (events) => events.map(({ event_properties }) => event_properties.path))

describe("the example of a server without Effect", { timeout: 60_000 }, () => {
  it.scopedLive("delivers on SIGTERM", () =>
    Effect.gen(function*() {
      const example = yield* start("node-server")
      const url = yield* example.printed(/http:\/\/\S+:\d+(?=\s)/)
      assert.strictEqual(yield* get(`${url}/songs/1`), "You are at /songs/1\n")
      assert.strictEqual(yield* get(`${url}/songs/2`), "You are at /songs/2\n")
      assert.deepStrictEqual(yield* paths, [])
      yield* example.signal("SIGTERM")
      const { code, stderr } = yield* example.ended
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      assert.deepStrictEqual(yield* paths, ["/songs/1", "/songs/2"])
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("delivers after an error that nobody caught", () =>
    Effect.gen(function*() {
      const example = yield* start("node-server")
      const url = yield* example.printed(/http:\/\/\S+:\d+(?=\s)/)
      yield* get(`${url}/bug`)
      const { code, stderr } = yield* example.ended
      assert.strictEqual(code, 1)
      assert.include(stderr, "Error: a bug")
      assert.deepStrictEqual(yield* paths, ["/bug"])
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("does not start without a key", () =>
    Effect.gen(function*() {
      const example = yield* start("node-server", { env: { AMPLITUDE_API_KEY: " " } })
      const { code, stderr } = yield* example.ended
      assert.strictEqual(code, 1)
      assert.include(stderr, "apiKey")
    }).pipe(Effect.provide(DevServer.layer())))
})

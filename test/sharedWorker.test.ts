/**
 * A client that the calls of a worker share. workerd ends the timers and requests of a call with the call: a request
 * disappears there without an error for its client.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as HeldServer from "./support/heldServer.js"
import * as Miniflare from "./support/miniflare.js"

const paths = Array.from({ length: 13 }, (_, index) => `/songs/${index}`)

describe("a client that the calls of a worker share", { timeout: 60_000 }, () => {
  it.scopedLive("sends the events of a call that ended before its request did with a later call", () =>
    Effect.gen(function*() {
      const server = yield* HeldServer.make
      yield* server.hold
      const worker = yield* Miniflare.start("test/support/sharedWorker.ts", { AMPLITUDE_SERVER_URL: server.url })
      for (const path of paths) {
        assert.deepStrictEqual(yield* worker.call(path), { status: 200, body: path })
      }
      yield* server.until((events) => events.length > 0)
      yield* server.release
      const arrived = () => new Set(server.events().map(({ event_properties }) => event_properties.path))
      yield* worker.call("/later?flush").pipe(
        Effect.repeat({
          while: () => !paths.every((path) => arrived().has(path)),
          schedule: Schedule.spaced("100 millis")
        }),
        Effect.timeoutFail({
          duration: "20 seconds",
          onTimeout: () => `of ${paths.length} events arrived: ${[...arrived()].join(", ")}`
        })
      )
    }))
})

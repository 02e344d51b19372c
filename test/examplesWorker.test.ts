/**
 * The example of a worker, in workerd.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HeldServer from "./support/heldServer.js"
import * as Miniflare from "./support/miniflare.js"

const paths = Array.from({ length: 13 }, (_, index) => `/songs/${index}`)

describe("the example of a worker", { timeout: 60_000 }, () => {
  it.scopedLive("each call answers at once, and delivers its event after that", () =>
    Effect.gen(function*() {
      const server = yield* HeldServer.make
      yield* server.hold
      const worker = yield* Miniflare.start("examples/worker.ts", {
        AMPLITUDE_API_KEY: "key",
        AMPLITUDE_SERVER_URL: server.url
      })
      for (const path of paths) {
        assert.deepStrictEqual(yield* worker.call(path), { status: 200, body: `You are at ${path}\n` })
      }
      yield* server.until((events) => events.length === paths.length)
      yield* server.release
      assert.sameMembers(server.events().map(({ event_properties }) => event_properties.path as string), paths)
    }))
})

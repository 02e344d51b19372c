import { assert, describe, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import { scenario, trackMany } from "../support/scripted.js"

describe("new events while requests overlap", () => {
  it.scoped("R16: wait for their own company, and do not leave whenever a request ends", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(
        (_, index) => Effect.as(Effect.sleep(index % 2 === 0 ? "200 millis" : "310 millis"), 200),
        { flushConcurrency: 2, flushQueueSize: 300, shutdownTimeout: 0 }
      )
      yield* trackMany(client, 310)
      yield* Effect.fork(client.flush)
      for (let tenths = 0; tenths < 80; tenths++) {
        yield* TestClock.adjust("100 millis")
        yield* trackMany(client, 3)
      }
      // the first batch may have held back events of others, so that one lease follows it
      assert.isAtMost(requests.length, 3)
    }))
})

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { scenario } from "../support/scripted.js"

describe("R8: track", () => {
  it.scoped("does not throw, whatever reading its arguments throws", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 200)
      const unreadable = new Proxy({}, {
        ownKeys: () => {
          throw new Error("a bug")
        }
      })
      // the types allow no options beside an event
      const track = client.track as (...given: ReadonlyArray<unknown>) => Effect.Effect<void>
      yield* track(unreadable, undefined, { device_id: "device-12345" })
      yield* track({ event_type: "Button Clicked", user_id: "user-12345" }, undefined, unreadable)
      yield* client.flush
      assert.deepStrictEqual(reports.map((report) => "reason" in report && report.reason), ["Invalid", "Invalid"])
    }))
})

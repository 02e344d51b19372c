/** The example of a test in Chromium. The examples of tests in Vitest run with the other tests. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import * as Chromium from "./support/chromium.js"
import { run, start } from "./support/example.js"

describe("the example of Playwright", { timeout: 60_000 }, () => {
  it.scopedLive.skipIf(Chromium.isMissing)(`runs its tests${Chromium.unlessThere}`, () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* run("playwright")).trim().split("\n"), [
        "ok: a purchase is tracked",
        "ok: the shop bears an outage",
        "ok: a refused event is explained"
      ])
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("names what it needs", () =>
    Effect.gen(function*() {
      const example = yield* start("playwright", { env: { CHROMIUM: "/nowhere/chromium" } })
      const { code, stderr } = yield* example.ended
      assert.strictEqual(code, 1)
      assert.include(stderr, "install the Debian package chromium")
    }).pipe(Effect.provide(DevServer.layer())))
})

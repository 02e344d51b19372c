/**
 * The example of a function on Lambda in an outage: each call answers within its time.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { start } from "./support/example.js"
import * as TcpServer from "./support/tcpServer.js"

/** An address that takes connections and never answers. */
const hanging = Effect.map(TcpServer.make(() => {}), ({ port }) => port)

/** An address where nobody listens any more. */
const dead = Effect.scoped(hanging)

describe("the example of a function on Lambda", { timeout: 60_000 }, () => {
  it.scopedLive.each([["dead", dead], ["hanging", hanging]] as const)(
    "answers within its time when the endpoint is %s",
    ([_, endpoint]) =>
      Effect.gen(function*() {
        const port = yield* endpoint
        const example = yield* start("lambda", {
          env: {
            AMPLITUDE_SERVER_URL: `http://127.0.0.1:${port}/2/httpapi`,
            AMPLITUDE_SHUTDOWN_TIMEOUT: "100 millis"
          }
        })
        const { code, stdout } = yield* example.ended.pipe(
          Effect.timeoutFail({
            duration: "20 seconds",
            onTimeout: () => `it goes on and on: ${example.output()}`
          })
        )
        assert.strictEqual(code, 0)
        assert.deepStrictEqual(stdout.match(/^sku-.*$/gm), [
          "sku-1 is on its way",
          "sku-2 is on its way",
          "sku-3 is on its way"
        ])
        assert.include(stdout, "Shutdown")
      }).pipe(Effect.provide(DevServer.layer()))
  )
})

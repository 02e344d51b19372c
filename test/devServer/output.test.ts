import { assert, describe, it } from "@effect/vitest"
import { advice, curl, why, write } from "../../src/internal/devServer/output.js"

const received = (fields: object = {}) =>
  ({
    id: "1",
    receivedAt: 5,
    verdict: "kept",
    reasons: [],
    violations: [],
    alterations: [],
    event: { event_type: "=1+1", user_id: "user-12345", insert_id: "a" },
    ...fields
  }) as never

describe("what is written about events", () => {
  it("why an event was not kept", () => {
    assert.strictEqual(why(received({ verdict: "duplicate", of: "7" })), "the same insert_id as event 7")
    assert.strictEqual(
      why(received({ verdict: "refused", because: "another event is at fault" })),
      "another event is at fault"
    )
    assert.strictEqual(
      why(
        received({
          verdict: "fault",
          reasons: [{ path: "time", wanted: "an integer" }, { path: "ip", wanted: "text" }]
        })
      ),
      "time: an integer; ip: text"
    )
  })

  it("exports, whose cells are no formulas", () => {
    assert.strictEqual(
      write([received()], "ndjson"),
      "{\"event_type\":\"=1+1\",\"user_id\":\"user-12345\",\"insert_id\":\"a\"}\n"
    )
    assert.include(write([received()], "csv"), "'=1+1")
    assert.match(write([received()], "fixture"), /^export const events = \[[^]*"=1\+1"[^]*\] as const\n$/)
  })

  it("a curl command, with a variable in the place of the key", () => {
    assert.strictEqual(
      curl("http://x/", "application/json", "{\"k\":\"it's KEY\"}", "KEY"),
      "curl 'http://x/' -H 'content-type: application/json' --data-binary '{\"k\":\"it'\\''s '\"$AMPLITUDE_API_KEY\"'\"}'"
    )
    assert.include(curl("http://x/", "text/plain", "body", ""), "--data-binary 'body'")
  })

  it("what an SDK should do after an answer", () => {
    assert.match(advice(200, 1), /delivered/)
    assert.match(advice(413, 2), /halves/)
    assert.match(advice(413, 1), /Drop the event/)
    assert.match(advice(429, 1), /30 seconds/)
    assert.match(advice(400, 1), /at fault/)
    for (const status of [0, 408, 500, 503]) assert.match(advice(status, 1), /insert_id/)
    assert.match(advice(403, 1), /Stop/)
  })
})

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

  it("a fixture has what a program chose, and no literal that sets a prototype", () => {
    const event = JSON.parse(
      `{"event_type":"Played","user_id":"user-1","event_properties":{"__proto__":{"a":"\\"__proto__\\": 1"}},` +
        `"time":1,"insert_id":"a","library":"x","device_id":"d"}`
    )
    const text = write([received({ event })], "fixture")
    const events = new Function(`${text.replace("export const events =", "return").replace(" as const", "")}`)()
    const { device_id: _, insert_id: __, library: ___, time: ____, ...chosen } = event
    assert.deepStrictEqual(JSON.stringify(events), JSON.stringify([chosen]))
  })

  it("a curl command reads no file", () => {
    assert.include(curl("http://x/", "text/plain", "@/etc/passwd", ""), "--data-raw '@/etc/passwd'")
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
    assert.match(advice(429, 1, undefined, "/batch"), /15 seconds/)
    assert.match(advice(400, 1), /at fault/)
    assert.match(advice(400, 1, { error: "Invalid API key: key" }), /^Stop.*API key/)
    assert.match(advice(400, 1, { missing_field: "events" }), /^Stop.*has no events/)
    assert.match(advice(400, 1, { error: "Invalid JSON request body" }), /^Stop/)
    assert.match(advice(400, 1, { error: "Invalid field values on some events" }), /at fault/)
    for (const status of [0, 408, 500, 503]) assert.match(advice(status, 1), /insert_id/)
    assert.match(advice(403, 1), /Stop/)
  })
})

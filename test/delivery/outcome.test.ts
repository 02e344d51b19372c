import { assert, describe, it } from "@effect/vitest"
import { TransportError } from "effect-amplitude"
import type { Answer, Context, Outcome } from "../../src/internal/delivery/outcome.js"
import { decide } from "../../src/internal/delivery/outcome.js"

const now = Date.parse("2024-01-01T00:00:00Z")

/** Four events of a user and a device each, the last of a user alone. */
const events = [
  { user_id: "user-00000", device_id: "device-00000" },
  { user_id: "user-11111", device_id: "device-11111" },
  { user_id: "user-22222", device_id: "device-22222" },
  { user_id: "user-33333" }
].map((ids) => ({ json: JSON.stringify({ event_type: "type", ...ids }) }))

const context: Context = { apiKey: "a-secret-key", now, useBatch: false, events }

const answer = (status: number, body: unknown = "", headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body: typeof body === "string" ? body : JSON.stringify(body)
})

const outcomeOf = (status: number, body?: unknown, headers?: Record<string, string>, over?: Partial<Context>) =>
  decide(answer(status, body, headers), { ...context, ...over })

/** An outcome in short: its tag, and of named events what becomes of each. */
const short = (outcome: Outcome): string => {
  if (outcome._tag === "Dropped") return `Dropped ${outcome.reason}`
  if (outcome._tag !== "Named") return outcome._tag
  return events.map((_, index) =>
    outcome.dropped.get(index)?.reason ?? (outcome.paused.has(index) ? "paused" : "again")
  )
    .join(" ")
}

type Case = readonly [name: string, status: number, body: unknown, expected: string]

const cases: ReadonlyArray<Case> = [
  ["200", 200, { code: 200, events_ingested: 4 }, "Delivered"],
  ["200 without a body", 200, "", "Delivered"],
  ["200 with a page", 200, "<html>", "Delivered"],
  ["200 with a code that contradicts it", 200, { code: 400, error: "Invalid API key: x" }, "Delivered"],
  ["200 with lists", 200, { code: 429, throttled_events: [0] }, "Delivered"],
  ["201", 201, "", "Delivered"],
  ["204", 204, "", "Delivered"],
  ["299", 299, "{", "Delivered"],

  ["400 invalid key", 400, { code: 400, error: "Invalid API key: 0000" }, "Dropped InvalidApiKey"],
  ["400 invalid key in another case", 400, { error: "invalid api key" }, "Dropped InvalidApiKey"],
  ["400 invalid key as text", 400, "Invalid API key", "Dropped InvalidApiKey"],
  ["400 invalid key beside indices", 400, {
    error: "Invalid API key",
    events_with_invalid_fields: { time: [0] },
    missing_field: "api_key"
  }, "Dropped InvalidApiKey"],
  ["400 missing field", 400, { error: "Request missing required field", missing_field: "api_key" }, "Dropped Rejected"],
  ["400 missing field beside indices", 400, {
    error: "Request missing required field",
    missing_field: "events",
    events_with_missing_fields: { event_type: [1] },
    silenced_events: [0],
    throttled_events: [2]
  }, "Dropped Rejected"],
  ["400 missing field null is none", 400, { missing_field: null }, "Refused"],
  ["400 missing field empty is none", 400, { missing_field: "" }, "Refused"],
  ["400 missing field null beside indices", 400, {
    missing_field: null,
    events_with_missing_fields: { event_type: [1] }
  }, "again Rejected again again"],

  ["400 invalid fields", 400, { events_with_invalid_fields: { time: [0, 2] } }, "Rejected again Rejected again"],
  ["400 missing fields", 400, { events_with_missing_fields: { event_type: [3] } }, "again again again Rejected"],
  [
    "400 id lengths",
    400,
    { events_with_invalid_id_lengths: { user_id: [1], device_id: [2] } },
    "again Rejected Rejected again"
  ],
  ["400 all three", 400, {
    events_with_invalid_fields: { time: [0] },
    events_with_missing_fields: { event_type: [0, 1] },
    events_with_invalid_id_lengths: { user_id: [2] }
  }, "Rejected Rejected Rejected again"],
  ["400 silenced events", 400, { silenced_events: [0] }, "Silenced again again again"],
  ["400 silenced devices", 400, { silenced_devices: ["device-11111", "gone"] }, "again Silenced again again"],
  ["400 a user that is called as a silenced device", 400, { silenced_devices: ["user-33333"] }, "Refused"],
  ["400 silenced and invalid: silenced", 400, {
    silenced_events: [0],
    events_with_invalid_fields: { time: [0, 1] }
  }, "Silenced Rejected again again"],
  ["400 silenced and throttled", 400, {
    silenced_devices: ["device-00000"],
    throttled_events: [0, 1],
    events_with_invalid_fields: { time: [2] }
  }, "Silenced paused Rejected again"],
  ["400 throttled alone", 400, { throttled_events: [1] }, "again paused again again"],
  ["400 throttled users and devices", 400, {
    throttled_users: { "user-33333": 12 },
    throttled_devices: ["device-00000"]
  }, "paused again again paused"],
  ["400 indices out of range", 400, { events_with_invalid_fields: { time: [4, -1, 99] } }, "Refused"],
  [
    "400 some indices out of range",
    400,
    { events_with_invalid_fields: { time: [4, 3] } },
    "again again again Rejected"
  ],
  ["400 indices of another kind", 400, { events_with_invalid_fields: { time: ["0", 1.5, null, {}] } }, "Refused"],
  ["400 lists of another kind", 400, {
    events_with_invalid_fields: [0],
    events_with_missing_fields: "time",
    silenced_events: { 0: 1 },
    silenced_devices: "device-00000",
    throttled_events: 0
  }, "Refused"],
  ["400 empty lists", 400, {
    error: "Bad",
    events_with_invalid_fields: {},
    events_with_missing_fields: {},
    silenced_events: [],
    silenced_devices: [],
    throttled_events: [],
    throttled_users: {}
  }, "Refused"],
  ["400 error null", 400, { code: 400, error: null }, "Refused"],
  ["400 error null beside indices", 400, { error: null, silenced_events: [2] }, "again again Silenced again"],
  ["400 empty", 400, "", "Refused"],
  ["400 page", 400, "<html>Bad Request</html>", "Refused"],
  ["400 JSON null", 400, "null", "Refused"],
  ["400 JSON array", 400, "[0]", "Refused"],
  ["400 JSON string", 400, "\"bad\"", "Refused"],
  ["400 torn", 400, "{\"silenced_events\":[0]", "Refused"],
  ["400 with the code of a success", 400, { code: 200 }, "Refused"],
  ["400 with the code of a throttling", 400, { code: 429 }, "Refused"],

  ["403", 403, "", "Refused"],
  ["422", 422, { error: "unprocessable" }, "Refused"],
  ["403 with indices", 403, { silenced_events: [0] }, "Refused"],
  ["401", 401, "", "Dropped Rejected"],
  ["402", 402, { code: 200 }, "Dropped Rejected"],
  ["404", 404, "<html>", "Dropped Rejected"],
  ["405", 405, "", "Dropped Rejected"],
  ["409", 409, "", "Dropped Rejected"],
  ["410", 410, "", "Dropped Rejected"],
  ["414", 414, "", "Dropped Rejected"],
  ["425", 425, "", "Dropped Rejected"],
  ["451", 451, "", "Dropped Rejected"],
  ["499", 499, "", "Dropped Rejected"],

  ["413", 413, { code: 413, error: "Payload too large" }, "TooLarge"],
  ["413 with another code", 413, { code: 429, throttled_events: [0] }, "TooLarge"],

  ["429 throttled events", 429, { throttled_events: [0, 3] }, "paused again again paused"],
  ["429 throttled users", 429, { throttled_users: { "user-11111": 11 } }, "again paused again again"],
  ["429 throttled devices", 429, { throttled_devices: { "device-22222": 11 } }, "again again paused again"],
  ["429 a user listed as a device", 429, { throttled_devices: { "user-33333": 1 } }, "again again again paused"],
  ["429 a device listed as a user", 429, { throttled_users: ["device-00000"] }, "paused again again again"],
  [
    "429 quota of users",
    429,
    { exceeded_daily_quota_users: { "user-00000": 500_001 } },
    "QuotaExceeded again again again"
  ],
  [
    "429 quota of devices",
    429,
    { exceeded_daily_quota_devices: { "device-11111": 1 } },
    "again QuotaExceeded again again"
  ],
  ["429 quota matches both ids", 429, {
    exceeded_daily_quota_users: ["device-22222"],
    exceeded_daily_quota_devices: ["user-33333"]
  }, "again again QuotaExceeded QuotaExceeded"],
  ["429 quota wins over throttled", 429, {
    exceeded_daily_quota_users: { "user-00000": 1 },
    throttled_events: [0, 1],
    throttled_users: { "user-00000": 1 }
  }, "QuotaExceeded paused again again"],
  ["429 lists of nobody here", 429, {
    throttled_users: { "user-99999": 1 },
    throttled_devices: { "device-99999": 1 },
    exceeded_daily_quota_users: { "user-99999": 1 },
    throttled_events: [4]
  }, "Retry"],
  ["429 empty lists", 429, { throttled_users: {}, throttled_devices: {}, throttled_events: [] }, "Retry"],
  ["429 without lists", 429, { code: 429, error: "Too many requests" }, "Retry"],
  ["429 empty", 429, "", "Retry"],
  ["429 page", 429, "<html>", "Retry"],
  ["429 with silenced events", 429, { silenced_events: [0] }, "Retry"],
  ["429 with the code of a success", 429, { code: 200 }, "Retry"],

  ["408", 408, "", "Retry"],
  ["408 with the code of a rejection", 408, { code: 400, error: "Invalid API key" }, "Retry"],
  ["500", 500, "", "Retry"],
  ["502", 502, "<html>", "Retry"],
  ["503 with the code of a success", 503, { code: 200 }, "Retry"],
  ["503 with lists", 503, { throttled_events: [0], silenced_events: [1] }, "Retry"],
  ["504", 504, "", "Retry"],
  ["599", 599, "", "Retry"],
  ["301", 301, "", "Retry"],
  ["302 with the code of a success", 302, { code: 200 }, "Retry"],
  ["304", 304, "", "Retry"],
  ["307", 307, "", "Retry"],
  ["100", 100, "", "Retry"],
  ["103", 103, "", "Retry"],
  ["0", 0, "", "Retry"],
  ["199", 199, "", "Retry"],
  ["600", 600, "", "Retry"],
  ["999", 999, "", "Retry"],
  ["-1", -1, "", "Retry"]
]

const waitOf = (outcome: Outcome, step: number): number =>
  outcome._tag === "Retry" ? outcome.wait(step) : assert.fail(outcome._tag)

const pauseOf = (outcome: Outcome): number => outcome._tag === "Named" ? outcome.pause : assert.fail(outcome._tag)

describe("outcome", () => {
  describe("the table", () => {
    for (const [name, status, body, expected] of cases) {
      it(name, () => assert.strictEqual(short(outcomeOf(status, body)), expected))
      it(`${name} (batch)`, () => assert.strictEqual(short(outcomeOf(status, body, {}, { useBatch: true })), expected))
    }

    for (const reason of ["Connection", "Incomplete", "Timeout"] as const) {
      it(`no whole answer: ${reason}`, () => {
        const outcome = decide(new TransportError({ reason, message: "it broke" }), context)
        assert.strictEqual(outcome._tag, "Retry")
        assert.strictEqual(outcome.message, "it broke")
        assert.strictEqual(waitOf(outcome, 123), 123)
        assert.strictEqual(waitOf(outcome, 0), 0)
      })
    }

    it("a status is enough: 2xx is delivered however many events", () => {
      assert.strictEqual(outcomeOf(200, "", {}, { events: [] })._tag, "Delivered")
      assert.strictEqual(outcomeOf(400, { silenced_events: [0] }, {}, { events: [] })._tag, "Refused")
    })
  })

  describe("messages", () => {
    const messageOf = (status: number, body: unknown) => outcomeOf(status, body).message

    it("are the service's own", () => {
      assert.strictEqual(messageOf(400, { error: "Bad thing" }), "Bad thing")
      assert.strictEqual(messageOf(404, " not here\n"), "not here")
      assert.strictEqual(messageOf(503, ""), "HTTP 503")
      assert.strictEqual(messageOf(503, "  "), "HTTP 503")
      assert.strictEqual(messageOf(413, { error: "Payload too large" }), "Payload too large")
      assert.strictEqual(messageOf(400, { error: "" }), "HTTP 400")
    })

    it("name the missing field", () => {
      assert.strictEqual(messageOf(400, { error: "Missing", missing_field: "api_key" }), "Missing: api_key")
    })

    it("are cut, and hold no part of the key at the place of the cut", () => {
      assert.strictEqual(messageOf(500, "x".repeat(10_000)).length, 500)
      assert.strictEqual(messageOf(404, `${"x".repeat(490)}a-secret-key`), `${"x".repeat(490)}<redacted>`)
      assert.strictEqual(messageOf(400, { error: "Invalid API key: a-secret-key" }), "Invalid API key: <redacted>")
      const odd = { ...context, apiKey: "a \"key\"" }
      const echo = decide(answer(404, JSON.stringify({ api_key: odd.apiKey, q: encodeURIComponent(odd.apiKey) })), odd)
      assert.strictEqual("message" in echo && echo.message, "{\"api_key\":\"<redacted>\",\"q\":\"<redacted>\"}")
    })

    it("stand with each event that is dropped", () => {
      const outcome = outcomeOf(400, { error: "Bad", silenced_events: [0], events_with_invalid_fields: { time: [1] } })
      assert.strictEqual(outcome._tag, "Named")
      if (outcome._tag !== "Named") return
      assert.strictEqual(outcome.message, "Bad")
      assert.deepStrictEqual([...outcome.dropped].sort(([a], [b]) => a - b), [
        [0, { reason: "Silenced", message: "Bad" }],
        [1, { reason: "Rejected", message: "Bad" }]
      ])
    })
  })

  describe("Retry-After", () => {
    const wait = (status: number, value: string, step: number) =>
      waitOf(outcomeOf(status, "", { "retry-after": value }), step)

    const date = (millis: number) => new Date(now + millis).toUTCString()

    it("429: instead of the step", () => {
      assert.strictEqual(wait(429, "7", 100), 7000)
      assert.strictEqual(wait(429, "7", 60_000), 7000)
      assert.strictEqual(wait(429, "1.5", 100), 1500)
      assert.strictEqual(wait(429, " 7 ", 100), 7000)
      assert.strictEqual(wait(429, date(9000), 100), 9000)
    })

    it("408, 5xx, 3xx: the longer of it and the step", () => {
      for (const status of [408, 500, 503, 302, 100]) {
        assert.strictEqual(wait(status, "7", 100), 7000)
        assert.strictEqual(wait(status, "7", 60_000), 60_000)
        assert.strictEqual(wait(status, date(9000), 100), 9000)
        assert.strictEqual(wait(status, date(-9000), 100), 100)
        assert.strictEqual(wait(status, "0", 100), 100)
      }
    })

    it("absent: the step", () => {
      for (const status of [408, 429, 503, 302]) assert.strictEqual(waitOf(outcomeOf(status), 100), 100)
    })

    it("garbage: the step", () => {
      for (const status of [429, 503]) {
        for (const value of ["", " ", "soon", "NaN", "Infinity", "1e3x", "--"]) {
          assert.strictEqual(wait(status, value, 100), 100, value)
        }
      }
    })

    it("is capped at 5 minutes, the step is not", () => {
      for (const status of [429, 503]) {
        assert.strictEqual(wait(status, "301", 100), 300_000)
        assert.strictEqual(wait(status, "9".repeat(400), 100), 300_000)
        assert.strictEqual(wait(status, date(86_400_000), 100), 300_000)
      }
      assert.strictEqual(wait(503, "86400", 400_000), 400_000)
    })

    it("lengthens the pause of what is throttled, and never shortens it", () => {
      const pause = (useBatch: boolean, status: number, value?: string) =>
        pauseOf(outcomeOf(status, { throttled_events: [0] }, value === undefined ? {} : { "retry-after": value }, {
          useBatch
        }))
      for (const status of [400, 429]) {
        assert.strictEqual(pause(false, status), 30_000)
        assert.strictEqual(pause(true, status), 15_000)
        assert.strictEqual(pause(false, status, "1"), 30_000)
        assert.strictEqual(pause(true, status, "1"), 15_000)
        assert.strictEqual(pause(true, status, "20"), 20_000)
        assert.strictEqual(pause(false, status, "60"), 60_000)
        assert.strictEqual(pause(false, status, date(45_000)), 45_000)
        assert.strictEqual(pause(false, status, "3600"), 300_000)
        assert.strictEqual(pause(false, status, "soon"), 30_000)
      }
    })
  })
})

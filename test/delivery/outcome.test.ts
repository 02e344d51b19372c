import { assert, describe, it } from "@effect/vitest"
import { Cause, Exit } from "effect"
import { TransportError } from "effect-amplitude"
import type { Answer, Context, Outcome } from "../../src/internal/delivery/outcome.js"
import { decide, fromExit } from "../../src/internal/delivery/outcome.js"

const now = Date.parse("2024-01-01T00:00:00Z")

const encoded = (json: string) => {
  const buffer = new TextEncoder().encode(json)
  return { buffer, start: 0, end: buffer.length }
}

/** Four events of a user and a device each, the last of a user alone. */
const events = [
  { user_id: "user-00000", device_id: "device-00000" },
  { user_id: "user-11111", device_id: "device-11111" },
  { user_id: "user-22222", device_id: "device-22222" },
  { user_id: "user-33333" }
].map((ids) => encoded(JSON.stringify({ event_type: "type", ...ids })))

const context: Context = { apiKey: "a-secret-key", now, useBatch: false, events }

const answer = (status: number, body: unknown = "", headers: Record<string, string> = {}): Answer => ({
  status,
  headers,
  body: typeof body === "string" ? body : JSON.stringify(body)
})

const outcomeOf = (status: number, body?: unknown, headers?: Record<string, string>, over?: Partial<Context>) =>
  decide(answer(status, body, headers), { ...context, ...over })

/** A short form of an outcome: its tag, and the outcome of each named event. */
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

  describe("hostile answers", () => {
    const throwing = (name: string) =>
      Object.defineProperty({}, name, {
        enumerable: true,
        get: () => {
          throw new Error("no")
        }
      })

    const revoked = () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    }

    const hostile = (value: unknown) => value as Answer

    it("any number of fields and of indices is decided", { timeout: 60_000 }, () => {
      const fields = Object.fromEntries(Array.from({ length: 150_000 }, (_, index) => [`field-${index}`, [index % 9]]))
      for (const name of ["invalid_fields", "missing_fields", "invalid_id_lengths"]) {
        assert.strictEqual(
          short(outcomeOf(400, { [`events_with_${name}`]: fields })),
          "Rejected Rejected Rejected Rejected"
        )
      }
      const many = Array.from({ length: 200_000 }, (_, index) => index)
      assert.strictEqual(short(outcomeOf(400, { silenced_events: many })), "Silenced Silenced Silenced Silenced")
      assert.strictEqual(short(outcomeOf(429, { throttled_events: many })), "paused paused paused paused")
      assert.strictEqual(short(outcomeOf(429, { throttled_users: many.map(String) })), "Retry")
      assert.strictEqual(outcomeOf(500, `{"error":${"[".repeat(500_000)}`).message.length, 500)
    })

    it("an answer that cannot be read is one to retry", () => {
      for (
        const answer of [
          null,
          undefined,
          "text",
          5,
          {},
          revoked(),
          throwing("status"),
          { status: "200", headers: {}, body: "" },
          { status: NaN, headers: {}, body: "" },
          { status: 200.5, headers: {}, body: "" },
          { status: 400, headers: {}, body: null },
          { status: 400, headers: {}, body: 5 },
          Object.assign(throwing("body"), { status: 429, headers: {} }),
          { _tag: "TransportError", message: 5 },
          Object.assign(throwing("message"), { _tag: "TransportError" })
        ]
      ) {
        const outcome = decide(hostile(answer), context)
        assert.strictEqual(outcome._tag, "Retry")
        assert.strictEqual(waitOf(outcome, 7), 7)
        assert.strictEqual(outcome.message, "the answer could not be read")
      }
    })

    it("events that are no JSON match no list", () => {
      const over = { events: [encoded("{"), encoded("null"), encoded(""), events[1]!] }
      assert.strictEqual(
        short(outcomeOf(429, { throttled_users: ["user-11111"] }, {}, over)),
        "again again again paused"
      )
    })

    it("Retry-After of another type is read where that is possible, and is never in the way", () => {
      const wait = (headers: unknown) => waitOf(decide(hostile({ status: 503, headers, body: "" }), context), 100)
      assert.strictEqual(wait({ "retry-after": 7 }), 7000)
      assert.strictEqual(wait({ "Retry-After": ["7", "8"] }), 7000)
      assert.strictEqual(wait({ "retry-after": [9] }), 9000)
      for (const value of [null, undefined, {}, [], [null], true, NaN, Infinity, -7, 1e300, Symbol("7"), () => 7]) {
        assert.strictEqual(wait({ "retry-after": value }), 100)
      }
      for (const headers of [throwing("retry-after"), revoked(), null, undefined, "retry-after", 5]) {
        assert.strictEqual(wait(headers), 100)
      }
      const paused = decide(
        hostile({ status: 429, headers: throwing("retry-after"), body: JSON.stringify({ throttled_events: [0] }) }),
        context
      )
      assert.strictEqual(short(paused), "paused again again again")
      assert.strictEqual(pauseOf(paused), 30_000)
    })

    it("a key that is echoed in another form is removed", () => {
      const apiKey = "Ab/+\"<é>&0123456789abcdef"
      const encoded = (encoding: BufferEncoding, text = apiKey) => Buffer.from(text).toString(encoding)
      const html = apiKey.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`)
      const named = apiKey.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;")
      const units = apiKey.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")
      const forms = {
        "as it is": apiKey,
        "in upper case": apiKey.toUpperCase(),
        "in lower case": apiKey.toLowerCase(),
        "as JSON": JSON.stringify(apiKey),
        "as JSON in JSON": JSON.stringify(JSON.stringify(apiKey)),
        "as JSON that escapes slashes and HTML": JSON.stringify(apiKey).replace("/", "\\/").replace("<", "\\u003c"),
        "as JSON in ASCII": JSON.stringify(apiKey).replace("é", "\\u00E9"),
        "as JSON that escapes all": units,
        "in a URL": encodeURIComponent(apiKey),
        "in a URL in lower case": encodeURIComponent(apiKey).toLowerCase(),
        "in HTML by number": html,
        "in HTML by name": named,
        "in hexadecimal digits": encoded("hex"),
        "in upper hexadecimal digits": encoded("hex").toUpperCase(),
        "in base64": encoded("base64"),
        "in base64 for URLs": encoded("base64url"),
        "in base64 with a name": encoded("base64", `${apiKey}:`),
        "in base64 behind a name": encoded("base64", `user:${apiKey}`),
        "in base64 behind another name": encoded("base64", `users:${apiKey}`)
      }
      for (const [name, form] of Object.entries(forms)) {
        const body = `before (${form}) after`
        const { message } = decide({ status: 404, headers: {}, body }, { ...context, apiKey }) as { message: string }
        assert.match(message, /^before \(.{0,8}<redacted>.{0,8}\) after$/, name)
        const failed = decide(new TransportError({ message: body }), { ...context, apiKey }) as { message: string }
        assert.strictEqual(failed.message, message, name)
      }
    })

    it("a key is found at every place of a cut, and in any length of text", () => {
      const apiKey = "0123456789abcdef0123456789abcdef"
      for (let length = 440; length <= 520; length++) {
        for (const form of [apiKey, Buffer.from(apiKey).toString("hex"), Buffer.from(apiKey).toString("base64")]) {
          const body = `${"x".repeat(length)}${form}${"y".repeat(1000)}`
          const { message } = decide({ status: 404, headers: {}, body }, { ...context, apiKey }) as { message: string }
          assert.isAtMost(message.length, 500)
          assert.notMatch(message, /[0-9]/)
          assert.notInclude(message, form.slice(0, 4))
        }
      }
      const body = apiKey.repeat(300_000)
      const { message } = decide({ status: 404, headers: {}, body }, { ...context, apiKey }) as { message: string }
      assert.strictEqual(message, "<redacted>".repeat(50))
    })

    it("a key with white space around it is found without it, and no key at all is found nowhere", () => {
      const message = (apiKey: string) =>
        (decide(answer(404, "a: the-key"), { ...context, apiKey }) as { message: string }).message
      assert.strictEqual(message(" the-key\n"), "a: <redacted>")
      assert.strictEqual(message(""), "a: the-key")
      assert.strictEqual(message("\ud800"), "a: the-key")
    })
  })

  describe("what comes of a request", () => {
    it("is the answer, with nothing but what an answer has", () => {
      const given = { status: 200, headers: { a: "b" }, body: "{}", socket: {} }
      assert.deepStrictEqual(fromExit(Exit.succeed(given)), { status: 200, headers: { a: "b" }, body: "{}" })
    })

    it("is the error of the transport", () => {
      const error = new TransportError({ reason: "Timeout", message: "too late" })
      assert.strictEqual(fromExit(Exit.fail(error)), error)
    })

    it("is an answer that did not arrive, whatever else the transport does", () => {
      const messageOf = (exit: Exit.Exit<unknown, unknown>) => {
        const read = fromExit(exit)
        assert.instanceOf(read, TransportError)
        assert.strictEqual(decide(read, context)._tag, "Retry")
        return read.message
      }
      const broken = Object.defineProperty(new TransportError({}), "message", {
        get: () => {
          throw new Error("no")
        }
      })
      assert.strictEqual(messageOf(Exit.fail("refused")), "the transport failed: refused")
      const brokenPipe: unknown = new Error("broken pipe")
      assert.strictEqual(messageOf(Exit.fail(brokenPipe)), "the transport failed: broken pipe")
      for (const failure of [null, undefined, 5, {}, broken]) {
        assert.strictEqual(messageOf(Exit.fail(failure)), "the transport failed: no reason given")
      }
      assert.strictEqual(messageOf(Exit.die("a bug")), "the transport died")
      assert.strictEqual(messageOf(Exit.failCause(Cause.empty)), "the transport died")
      for (const answer of [null, undefined, "text", {}, { status: "200", headers: {}, body: "" }]) {
        assert.match(messageOf(Exit.succeed(answer)), /^the transport gave (no|an) answer/)
      }
    })
  })
})

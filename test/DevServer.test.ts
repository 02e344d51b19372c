import { assert, describe, it } from "@effect/vitest"
import {
  Array as Arr,
  Deferred,
  Duration,
  Effect,
  Exit,
  FastCheck,
  Layer,
  Logger,
  LogLevel,
  Option,
  Scope,
  TestClock,
  Tracer
} from "effect"
import * as Net from "node:net"
import * as Zlib from "node:zlib"
import { DevServer } from "../src/DevServer.js"
import * as Ingestion from "../src/internal/devServer/ingestion.js"
import { complete } from "../src/internal/devServer/keptEvent.js"
import * as Memory from "../src/internal/devServer/memory.js"
import * as RequestBody from "../src/internal/devServer/requestBody.js"

const v2 = "/2/httpapi"
const batch = "/batch"

const event = (fields: object = {}): object => ({ event_type: "Button Clicked", device_id: "device-1", ...fields })

const bodyOf = (events: ReadonlyArray<unknown>, rest: object = {}): object => ({ api_key: "key", events, ...rest })

interface Given {
  readonly path?: string
  readonly now?: number
  readonly bytes?: number
  readonly remoteAddress?: string
  readonly apiKeys?: ReadonlyArray<string>
  readonly rateLimit?: boolean
  readonly state?: State
}

/** The state of the service after the uploads so far. */
type State = ReadonlyArray<Memory.Remembered>

const initial: State = []

interface Outcome extends Ingestion.Outcome {
  readonly kept: ReadonlyArray<DevServer.KeptEvent>
  readonly state: State
}

const ingestText = (text: string, given: Given = {}): Outcome => {
  const before = given.state ?? initial
  const memory = new Memory.Memory()
  for (const remembered of before) memory.remember(remembered)
  const request = {
    path: given.path ?? v2,
    body: RequestBody.readBody(text),
    bytes: given.bytes ?? text.length,
    remoteAddress: Option.fromNullable(given.remoteAddress),
    now: given.now ?? 0
  }
  const outcome = Ingestion.ingest({ apiKeys: given.apiKeys, rateLimit: given.rateLimit ?? true })(memory, request)
  return {
    ...outcome,
    kept: outcome.verdicts.flatMap((one) => one.verdict === "kept" ? [complete(one.event, request)] : []),
    state: outcome.remembered === Memory.nothing ? before : [...before, outcome.remembered]
  }
}

const ingest = (body: unknown, given: Given = {}): Outcome => ingestText(JSON.stringify(body), given)

const ingestEvents = (events: ReadonlyArray<unknown>, given: Given = {}): Outcome => ingest(bodyOf(events), given)

const bodyAnswered = (body: unknown, given: Given = {}): unknown => ingest(body, given).answer.body

const nested = (depth: number, leaf: unknown = "leaf"): unknown =>
  depth === 0 ? leaf : { inner: nested(depth - 1, leaf) }

const seconds = (n: number): number => n * 1000
const hours = (n: number): number => seconds(n * 60 * 60)
const days = (n: number): number => hours(n * 24)

describe("ingestion", () => {
  describe("the request", () => {
    it("is answered with what was ingested", () => {
      const outcome = ingestEvents([event(), event()], { bytes: 321, now: 1396381378123 })
      assert.deepStrictEqual(outcome.answer, {
        status: 200,
        body: { code: 200, events_ingested: 2, payload_size_bytes: 321, server_upload_time: 1396381378123 }
      })
      assert.lengthOf(outcome.kept, 2)
    })

    const missing = (field: string) => ({ code: 400, error: "Request missing required field", missing_field: field })
    const refused = (error: string) => ({ code: 400, error })

    it.each<[string, string, unknown]>([
      ["no body", "", refused("Missing request body")],
      ["not JSON", "{", refused("Invalid JSON request body")],
      ["blank", " ", refused("Invalid JSON request body")],
      ["an array", "[]", refused("Invalid JSON request body")],
      ["null", "null", refused("Invalid JSON request body")],
      ["a string", "\"text\"", refused("Invalid JSON request body")],
      ["neither key nor events", "{}", missing("api_key")],
      ["no key", JSON.stringify({ events: [event()] }), missing("api_key")],
      ["no events", JSON.stringify({ api_key: "key" }), missing("events")],
      ["events that are no array", JSON.stringify({ api_key: "key", events: event() }), missing("events")],
      ["an empty array of events", JSON.stringify({ api_key: "key", events: [] }), missing("events")],
      ["a blank key", JSON.stringify(bodyOf([event()], { api_key: " " })), refused("Invalid API key")],
      ["an empty key", JSON.stringify(bodyOf([event()], { api_key: "" })), refused("Invalid API key")],
      ["a key of null", JSON.stringify(bodyOf([event()], { api_key: null })), refused("Invalid API key")],
      ["a key that is a number", JSON.stringify(bodyOf([event()], { api_key: 7 })), refused("Invalid API key")],
      ["an event that is no object", JSON.stringify(bodyOf([event(), "event"])), refused("Invalid event JSON")],
      ["an event that is an array", JSON.stringify(bodyOf([[]])), refused("Invalid event JSON")],
      ["options that are no object", JSON.stringify(bodyOf([event()], { options: 5 })), refused("Invalid options")],
      [
        "a fractional min_id_length",
        JSON.stringify(bodyOf([event()], { options: { min_id_length: 1.5 } })),
        refused("Invalid options")
      ],
      [
        "a negative min_id_length",
        JSON.stringify(bodyOf([event()], { options: { min_id_length: -1 } })),
        refused("Invalid options")
      ]
    ])("is refused for %s", (_, text, expected) => {
      for (const path of [v2, batch]) {
        const outcome = ingestText(text, { path })
        assert.strictEqual(outcome.answer.status, 400)
        assert.deepStrictEqual<unknown>(outcome.answer.body, expected)
        assert.deepStrictEqual(outcome.kept, [])
        assert.strictEqual(outcome.state, initial)
      }
    })

    it.each(["/", "/2/httpapi/", "/2/HTTPAPI", "/httpapi", "/batch/2"])("is refused at %s", (path) => {
      assert.deepStrictEqual(ingestEvents([event()], { path }).answer, {
        status: 400,
        body: { code: 400, error: "Invalid request path" }
      })
    })

    it("is refused for a key that is not configured, with the key", () => {
      assert.deepStrictEqual(bodyAnswered(bodyOf([event()]), { apiKeys: ["a", "b"] }), refused("Invalid API key: key"))
      assert.strictEqual(ingestEvents([event()], { apiKeys: ["a", "key"] }).answer.status, 200)
    })

    it.each<[path: string, bytes: number, status: number]>([
      [v2, 1_000_000, 200],
      [v2, 1_000_001, 413],
      [batch, 1_000_001, 200],
      [batch, 20_000_000, 200],
      [batch, 20_000_001, 413]
    ])("at %s with %i bytes is answered with %i", (path, bytes, status) => {
      const { answer } = ingestEvents([event()], { path, bytes })
      assert.strictEqual(answer.status, status)
      if (status === 413) {
        assert.deepStrictEqual(answer.body, { code: 413, error: "Payload too large" })
      }
    })

    it.each<[path: string, count: number, status: number]>([
      [v2, 1999, 200],
      [v2, 2000, 413],
      [batch, 2000, 200],
      [batch, 2001, 413]
    ])("at %s with %i events is answered with %i", (path, count, status) => {
      const outcome = ingestEvents(Arr.makeBy(count, () => event()), { path, rateLimit: false })
      assert.strictEqual(outcome.answer.status, status)
      assert.lengthOf(outcome.kept, status === 200 ? count : 0)
    })

    it("counts the events it holds, whatever they are", () => {
      assert.strictEqual(RequestBody.eventCount(RequestBody.readBody(JSON.stringify({ events: [1, null] }))), 2)
      assert.strictEqual(RequestBody.eventCount(RequestBody.readBody(JSON.stringify({ events: "no" }))), 0)
      assert.strictEqual(RequestBody.eventCount(RequestBody.readBody("no")), 0)
    })
  })

  describe("fields", () => {
    const strings = ("user_id device_id event_type insert_id app_version platform os_name os_version device_brand " +
      "device_manufacturer device_model carrier country region city dma language productId revenueType currency ip " +
      "idfa idfv adid android_id android_app_set_id user_agent").split(" ")
    const integers = ["time", "quantity", "event_id", "session_id"]
    const numbers = ["price", "revenue", "location_lat", "location_lng"]
    const objects = ["event_properties", "user_properties", "group_properties", "plan"]

    const valid: ReadonlyArray<readonly [string, ReadonlyArray<unknown>]> = [
      ...strings.map((field) => [field, ["a text"]] as const),
      ...integers.map((field) => [field, [0, -1, 1396381378123]] as const),
      ...numbers.map((field) => [field, [0, -3.99, 12]] as const),
      ...objects.map((field) => [field, [{}, { a: [{ b: null }] }]] as const),
      ["groups", [{}, { org: "15" }, { org: ["15", "21"], team: "red" }]],
      ["$skip_user_properties_sync", [true, false]],
      ["library", ["sdk/1.0.0", 7, null]],
      ["ingestion_metadata", [{ source_name: "a" }, "a"]],
      ["partner_id", ["a"]],
      ["a field nobody knows", [null, 1, "a", [], {}]]
    ]

    const invalid: ReadonlyArray<readonly [string, ReadonlyArray<unknown>]> = [
      ...strings.map((field) => [field, [null, 1, true, {}, ["a"]]] as const),
      ...integers.map((field) => [field, [null, 1.5, "1", 1e300, {}, true]] as const),
      ...numbers.map((field) => [field, [null, "1", {}, true]] as const),
      ...objects.map((field) => [field, [null, "a", 1, []]] as const),
      ["event_type", ["", "  "]],
      ["groups", [null, [], "org", { org: 15 }, { org: ["15", 21] }, { org: null }, { org: {} }]],
      ["$skip_user_properties_sync", [null, 1, "true"]]
    ]

    it.each(valid)("%s is taken as it is", (field, values) => {
      for (const value of values) {
        const { answer, kept } = ingestEvents([event({ [field]: value })])
        assert.strictEqual(answer.status, 200, JSON.stringify(value))
        assert.deepStrictEqual(kept[0]?.[field], value)
      }
    })

    it.each(invalid)("%s is refused when its value is wrong", (field, values) => {
      for (const value of values) {
        assert.deepStrictEqual(bodyAnswered(bodyOf([event(), event({ [field]: value })])), {
          code: 400,
          error: "Invalid field values on some events",
          events_with_invalid_fields: { [field]: [1] }
        }, JSON.stringify(value))
      }
    })

    it("an infinite price is refused", () => {
      const { answer } = ingestText(
        JSON.stringify(bodyOf([event({ price: 1 })])).replace("\"price\":1", "\"price\":1e999")
      )
      assert.deepStrictEqual(answer.body.events_with_invalid_fields, { price: [0] })
    })

    it.each<[string, object, ReadonlyArray<string>]>([
      ["an event type", { device_id: "device-1" }, ["event_type"]],
      ["a user and a device", { event_type: "a" }, ["user_id", "device_id"]],
      ["anything", {}, ["event_type", "user_id", "device_id"]]
    ])("an event without %s is refused", (_, incomplete, fields) => {
      assert.deepStrictEqual(bodyAnswered(bodyOf([event(), incomplete])), {
        code: 400,
        error: "Request missing required field",
        events_with_missing_fields: Object.fromEntries(fields.map((field) => [field, [1]]))
      })
    })

    it.each<[string, object]>([
      ["a user alone", { event_type: "a", user_id: "user-1" }],
      ["a device alone", { event_type: "a", device_id: "device-1" }],
      ["neither, for a group identify", { event_type: "$groupidentify", groups: { org: "15" }, group_properties: {} }]
    ])("an event of %s is taken", (_, taken) => {
      assert.strictEqual(ingestEvents([taken]).answer.status, 200)
    })

    it("properties are taken to a depth of 40", () => {
      for (const field of ["event_properties", "user_properties", "group_properties", "a field nobody knows"]) {
        assert.deepStrictEqual(ingestEvents([event({ [field]: nested(40) })]).kept[0]?.[field], nested(40))
        for (const tooDeep of [nested(41), nested(40, []), nested(39, [{}])]) {
          assert.deepStrictEqual(bodyAnswered(bodyOf([event({ [field]: tooDeep })])), {
            code: 400,
            error: "Invalid field values on some events",
            events_with_invalid_fields: { [field]: [0] }
          })
        }
      }
    })

    it("no depth is too much to be refused", () => {
      for (const field of ["event_properties", "__proto__"]) {
        const depth = 200_000
        const text = `{"api_key":"key","events":[{"event_type":"a","device_id":"device-1","${field}":${
          "{\"a\":".repeat(depth)
        }0${"}".repeat(depth)}}]}`
        assert.strictEqual(ingestText(text, { path: batch }).answer.status, 400)
      }
    })
  })

  describe("ids", () => {
    const short = (field: string) => ({
      code: 400,
      error: "Invalid id length for user_id or device_id",
      events_with_invalid_id_lengths: { [field]: [1] }
    })

    it.each<[field: string, id: string, minIdLength: number | null | undefined, taken: boolean]>([
      ["user_id", "abcde", undefined, true],
      ["user_id", "abcd", undefined, false],
      ["device_id", "abcd", undefined, false],
      ["device_id", "abcd", null, false],
      ["device_id", "abcd", 4, true],
      ["device_id", "abcd", 0, true],
      ["user_id", "abcdefg", 8, false],
      ["user_id", "abcdefgh", 8, true]
    ])("%s %s with a min_id_length of %s: %s", (field, id, minIdLength, taken) => {
      const first = event({ device_id: "a-long-device" })
      const answered = bodyAnswered(
        bodyOf([first, event({ device_id: "a-long-device", [field]: id })], { options: { min_id_length: minIdLength } })
      )
      if (taken) {
        assert.deepInclude(answered, { code: 200 })
      } else {
        assert.deepStrictEqual(answered, short(field))
      }
    })

    it.each([
      "anonymous",
      "nil",
      "none",
      "null",
      "n/a",
      "na",
      "undefined",
      "unknown",
      "",
      "00000000-0000-0000-0000-000000000000",
      "{}",
      "lmy47d",
      "0",
      "-1",
      "Anonymous",
      "LMY47D",
      "NULL"
    ])("\"%s\" is refused, and not which event has it", (id) => {
      for (const field of ["user_id", "device_id"]) {
        for (const options of [{}, { min_id_length: 0 }]) {
          assert.deepStrictEqual(
            bodyAnswered(bodyOf([event(), event({ device_id: "device-1", [field]: id })], { options })),
            { code: 400, error: "Invalid user_id or device_id" }
          )
        }
      }
    })
  })

  describe("faulty events", () => {
    const events = [
      event(),
      event({ time: "now", user_id: "abc" }),
      event({ time: "now", price: "1" }),
      event({ event_type: undefined, user_id: "abc" }),
      event({ event_type: undefined, price: "1", user_id: "anonymous" })
    ]

    it("are listed by HTTP V2 up to the first of each field", () => {
      assert.deepStrictEqual(bodyAnswered(bodyOf(events), { path: v2 }), {
        code: 400,
        error: "Request missing required field",
        events_with_missing_fields: { event_type: [3] },
        events_with_invalid_fields: { time: [1], price: [2] },
        events_with_invalid_id_lengths: { user_id: [1] }
      })
    })

    it("are all listed by Batch", () => {
      assert.deepStrictEqual(bodyAnswered(bodyOf(events), { path: batch }), {
        code: 400,
        error: "Request missing required field",
        events_with_missing_fields: { event_type: [3, 4] },
        events_with_invalid_fields: { time: [1, 2], price: [2, 4] },
        events_with_invalid_id_lengths: { user_id: [1, 3] }
      })
    })

    it("take the whole request with them", () => {
      const outcome = ingestEvents(events)
      assert.deepStrictEqual(outcome.kept, [])
      assert.strictEqual(outcome.state, initial)
    })
  })

  describe("rates", () => {
    const many = (count: number, fields: object = {}): ReadonlyArray<object> => Arr.makeBy(count, () => event(fields))

    it("of a device are 30 events a second on HTTP V2, averaged over 30 seconds", () => {
      const first = ingestEvents(many(900))
      assert.strictEqual(first.answer.status, 200)
      const second = ingestEvents([event({ device_id: "device-2" }), event(), event()], {
        state: first.state,
        now: seconds(29)
      })
      assert.deepStrictEqual(second.answer, {
        status: 429,
        body: {
          code: 429,
          error: "Too many requests for some devices and users",
          eps_threshold: 30,
          throttled_devices: { "device-1": 31 },
          throttled_users: {},
          throttled_events: [1, 2],
          exceeded_daily_quota_users: {},
          exceeded_daily_quota_devices: {}
        }
      })
      assert.deepStrictEqual(second.kept, [])
      // A refused request does not count, so that the pause can end.
      assert.strictEqual(second.state, first.state)
      assert.strictEqual(ingestEvents(many(900), { state: first.state, now: seconds(30) }).answer.status, 200)
    })

    it("of a device are 1000 events a second on Batch, averaged over 30 seconds", () => {
      const full = Arr.makeBy(15, (n) => seconds(n)).reduce((state, now) => {
        const outcome = ingestEvents(many(2000), { path: batch, state, now })
        assert.strictEqual(outcome.answer.status, 200)
        return outcome.state
      }, initial)
      const late = ingestEvents(many(1), { path: batch, state: full, now: seconds(29) })
      assert.strictEqual(late.answer.status, 429)
      assert.deepInclude(late.answer.body, { eps_threshold: 1000, throttled_devices: { "device-1": 1001 } })
      // The oldest 2000 have left the window.
      assert.strictEqual(
        ingestEvents(many(2000), { path: batch, state: full, now: seconds(30) }).answer.status,
        200
      )
      assert.strictEqual(ingestEvents(many(900), { path: v2, state: full, now: seconds(14) }).answer.status, 200)
    })

    it("are measured for users and devices apart", () => {
      const users = Arr.makeBy(901, (n) => event({ device_id: `device-${n}`, user_id: "user-1" }))
      assert.deepInclude(ingestEvents([...users, event({ user_id: "user-2" })]).answer.body, {
        throttled_devices: {},
        throttled_users: { "user-1": 31 },
        throttled_events: Arr.makeBy(901, (n) => n)
      })
      const { state } = ingestEvents(many(900, { device_id: "the same id" }))
      assert.strictEqual(ingestEvents([event({ user_id: "the same id" })], { state }).answer.status, 200)
    })

    it("are measured for ids of any name", () => {
      const devices = Arr.makeBy(1800, (n) => ({ event_type: "a", user_id: `user-${n}`, device_id: "__proto__" }))
      const { throttled_devices, throttled_events } = ingestEvents([event({ device_id: "toString" }), ...devices])
        .answer.body
      assert.deepStrictEqual(Object.entries(throttled_devices as object), [["__proto__", 60]])
      assert.deepStrictEqual(throttled_events, Arr.range(1, 1800))
    })

    it("are free when the limit is off", () => {
      const first = ingestEvents(many(1999), { rateLimit: false })
      assert.strictEqual(first.answer.status, 200)
      assert.strictEqual(ingestEvents(many(1999), { rateLimit: false, state: first.state }).answer.status, 200)
    })

    it("come with a daily quota on Batch", () => {
      const both = many(2000, { user_id: "user-1" })
      const send = (state: State, now: number, path: string = batch) =>
        ingestEvents(both.slice(0, path === batch ? 2000 : 900), { path, state, now })
      const full = Arr.makeBy(250, (n) => seconds(n * 60)).reduce((state, now) => {
        const outcome = send(state, now)
        assert.strictEqual(outcome.answer.status, 200)
        return outcome.state
      }, initial)
      const over = send(full, hours(5))
      assert.deepStrictEqual(over.answer.body, {
        code: 429,
        error: "Too many requests for some devices and users",
        eps_threshold: 1000,
        throttled_devices: {},
        throttled_users: {},
        throttled_events: [],
        exceeded_daily_quota_users: { "user-1": 502_000 },
        exceeded_daily_quota_devices: { "device-1": 502_000 }
      })
      assert.deepStrictEqual(over.kept, [])
      assert.strictEqual(send(full, hours(5), v2).answer.status, 200)
      assert.strictEqual(send(full, hours(24) - 1).answer.status, 429)
      assert.strictEqual(send(full, hours(24)).answer.status, 200)
    }, 30_000)
  })

  describe("an insert_id", () => {
    it("is counted again and kept once on a device", () => {
      const first = ingestEvents([
        event({ insert_id: "a", n: 1 }),
        event({ insert_id: "a", n: 2 }),
        event({ insert_id: "b", n: 3 })
      ])
      assert.deepInclude(first.answer.body, { events_ingested: 3 })
      assert.deepStrictEqual(first.kept.map(({ n }) => n), [1, 3])
      const second = ingestEvents([event({ insert_id: "b", n: 4 }), event({ insert_id: "c", n: 5 })], {
        path: batch,
        state: first.state
      })
      assert.deepInclude(second.answer.body, { events_ingested: 2 })
      assert.deepStrictEqual(second.kept.map(({ n }) => n), [5])
    })

    it.each<[string, object, number, kept: number]>([
      ["after a moment", {}, 1, 0],
      ["shortly before 7 days are over", {}, days(7) - 1, 0],
      ["after 7 days", {}, days(7), 1],
      ["on another device", { device_id: "device-2" }, 1, 1],
      ["by another user of the device", { user_id: "user-1" }, 1, 0],
      ["on a device derived from a user", { device_id: undefined, user_id: "user-1" }, 1, 1],
      ["in another case", { insert_id: "A" }, 1, 1]
    ])("seen again %s", (_, fields, now, kept) => {
      const { state } = ingestEvents([event({ insert_id: "a" })])
      assert.lengthOf(ingestEvents([event({ insert_id: "a", ...fields })], { state, now }).kept, kept)
    })

    it("of a user without a device is known again", () => {
      const own = { event_type: "a", user_id: "user-1", insert_id: "a" }
      const { kept, state } = ingestEvents([own, own])
      assert.lengthOf(kept, 1)
      assert.lengthOf(ingestEvents([own], { state }).kept, 0)
      assert.lengthOf(ingestEvents([{ ...own, user_id: "user-2" }], { state }).kept, 1)
    })

    it("that is absent is never seen again", () => {
      assert.lengthOf(ingestEvents([event(), event()]).kept, 2)
    })

    it("that is seen again counts from the first time", () => {
      const first = ingestEvents([event({ insert_id: "a" })])
      const second = ingestEvents([event({ insert_id: "a" })], { state: first.state, now: days(6) })
      assert.lengthOf(ingestEvents([event({ insert_id: "a" })], { state: second.state, now: days(8) }).kept, 1)
    })
  })

  describe("what is kept", () => {
    const keptOf = (fields: object, given: Given = {}) => ingestEvents([event(fields)], given).kept[0]

    it("is the event with its times", () => {
      assert.deepStrictEqual<unknown>(keptOf({ time: 5, a: { b: [1, null, false] } }, { now: 7 }), {
        event_type: "Button Clicked",
        device_id: "device-1",
        time: 5,
        a: { b: [1, null, false] },
        server_upload_time: 7
      })
    })

    it.each<[string, object, number]>([
      ["the upload's when absent", {}, 7],
      ["its own when it is 0", { time: 0 }, 0],
      ["its own when it is negative", { time: -1 }, -1]
    ])("has a time: %s", (_, fields, expected) => {
      assert.strictEqual(keptOf(fields, { now: 7 })?.time, expected)
    })

    it("has the address of the request for $remote", () => {
      assert.strictEqual(keptOf({ ip: "$remote" }, { remoteAddress: "10.0.0.1" })?.ip, "10.0.0.1")
      assert.strictEqual(keptOf({ ip: "1.2.3.4" }, { remoteAddress: "10.0.0.1" })?.ip, "1.2.3.4")
      assert.strictEqual(keptOf({}, { remoteAddress: "10.0.0.1" })?.ip, undefined)
    })

    it("has one device for each user who gave none", () => {
      const devices = ingestEvents(
        ["user-1", "user-1", "user-2"].map((user_id) => ({ event_type: "a", user_id }))
      ).kept.map(({ device_id }) => device_id)
      assert.isString(devices[0])
      assert.strictEqual(devices[0], devices[1])
      assert.notStrictEqual(devices[0], devices[2])
      assert.strictEqual(keptOf({ user_id: "user-1" })?.device_id, "device-1")
      assert.notProperty(ingestEvents([{ event_type: "$groupidentify" }]).kept[0], "device_id")
    })

    const text = (length: number): string => "x".repeat(length)

    it.each<[string, string, string]>([
      ["1024", text(1024), text(1024)],
      ["1025", text(1025), text(1024)],
      ["a pair that fits", `${text(1022)}😀`, `${text(1022)}😀`],
      ["a pair that does not fit", `${text(1023)}😀`, text(1023)],
      ["a pair behind the cut", `${text(1024)}😀`, text(1024)]
    ])("has strings of at most 1024 characters: %s", (_, given, expected) => {
      const fields = { event_type: given, user_agent: given, event_properties: { a: [{ b: given }] }, c: given }
      const properties = { event_type: expected, user_agent: expected, event_properties: { a: [{ b: expected }] } }
      assert.deepInclude(keptOf(fields), { ...properties, c: expected })
    })

    it.each<[string, object, object]>([
      ["few groups", { a: "1", b: ["2", "3"], c: [] }, { a: "1", b: ["2", "3"] }],
      [
        "5 types",
        { a: "1", b: "2", c: "3", d: "4", e: "5", f: "6" },
        { a: "1", b: "2", c: "3", d: "4", e: "5" }
      ],
      [
        "10 values",
        { a: ["1", "2", "3", "4", "5", "6"], b: ["7", "8", "9", "10", "11"], c: "12", d: ["13"] },
        { a: ["1", "2", "3", "4", "5", "6"], b: ["7", "8", "9", "10"] }
      ],
      ["cut names", { a: text(1025) }, { a: text(1024) }]
    ])("has tracked groups alone: %s", (_, groups, expected) => {
      assert.deepStrictEqual(keptOf({ groups })?.groups, expected)
    })
  })

  it("leaves its state alone", () => {
    const { state } = ingestEvents([event({ insert_id: "a" })])
    const again = () => ingestEvents(Arr.makeBy(899, (n) => event({ insert_id: `${n}` })), { state })
    assert.deepStrictEqual(again().kept, again().kept)
    assert.lengthOf(again().kept, 899)
  })

  const anyEvent = FastCheck.record({
    event_type: FastCheck.oneof(FastCheck.string(), FastCheck.jsonValue()),
    user_id: FastCheck.oneof(FastCheck.string(), FastCheck.jsonValue()),
    device_id: FastCheck.oneof(FastCheck.constantFrom("device-1", "unknown", "abc"), FastCheck.jsonValue()),
    insert_id: FastCheck.oneof(FastCheck.constantFrom("a", "b"), FastCheck.jsonValue()),
    time: FastCheck.oneof(FastCheck.nat(), FastCheck.jsonValue()),
    groups: FastCheck.jsonValue(),
    event_properties: FastCheck.oneof(FastCheck.object(), FastCheck.jsonValue())
  }, { requiredKeys: [] })

  const anyBody = FastCheck.oneof(
    FastCheck.json(),
    FastCheck.array(FastCheck.oneof({ weight: 9, arbitrary: anyEvent }, FastCheck.jsonValue())).map((events) =>
      JSON.stringify(bodyOf(events))
    )
  )

  it.prop("answers whatever it is given", [anyBody, FastCheck.constantFrom(v2, batch)], ([text, path]) => {
    const { answer, kept } = ingestText(text, { path })
    assert.include([200, 400], answer.status)
    assert.strictEqual(answer.body.code, answer.status)
    assert.isAtMost(kept.length, answer.status === 200 ? RequestBody.eventCount(RequestBody.readBody(text)) : 0)
  })
})

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" || body instanceof Uint8Array ? body as BodyInit : JSON.stringify(body)
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text }
  })

const get = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(url)
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

const portOf = (server: DevServer.Service): number => Number(new URL(server.url).port)

describe("DevServer", () => {
  it.scoped("ingests at both endpoints", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1396381378123)
      const server = yield* DevServer.make()
      assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/)

      const body = bodyOf([event({ insert_id: "a", ip: "$remote" }), event({ insert_id: "b" })])
      const first = yield* post(server.urlV2, body)
      assert.strictEqual(first.status, 200)
      assert.strictEqual(first.headers.get("content-type"), "application/json")
      assert.deepStrictEqual(JSON.parse(first.text), {
        code: 200,
        events_ingested: 2,
        payload_size_bytes: JSON.stringify(body).length,
        server_upload_time: 1396381378123
      })

      yield* TestClock.adjust("1 minute")
      const more = bodyOf([event({ insert_id: "b" }), event({ insert_id: "ç" })])
      const second = yield* post(server.urlBatch, more)
      assert.strictEqual(second.status, 200)

      const times = { time: 1396381378123, server_upload_time: 1396381378123 }
      const later = { time: 1396381438123, server_upload_time: 1396381438123 }
      const expected: ReadonlyArray<unknown> = [
        { ...event({ insert_id: "a", ip: "127.0.0.1" }), ...times },
        { ...event({ insert_id: "b" }), ...times },
        { ...event({ insert_id: "ç" }), ...later }
      ]
      assert.deepStrictEqual<unknown>(yield* server.events, expected)
      assert.deepStrictEqual(JSON.parse((yield* get(`${server.url}/events`)).text), expected)
      assert.deepStrictEqual(yield* server.requests, [
        { path: v2, status: 200, events: 2, bytes: JSON.stringify(body).length, receivedAt: 1396381378123 },
        {
          path: batch,
          status: 200,
          events: 2,
          bytes: Buffer.byteLength(JSON.stringify(more)),
          receivedAt: 1396381438123
        }
      ])
    }))

  it.scoped("refuses what the service refuses", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ apiKeys: ["another key"] })
      const answers = yield* Effect.all([
        post(server.urlV2, ""),
        post(server.urlV2, "{"),
        post(server.urlV2, bodyOf([event()])),
        post(`${server.url}/httpapi`, bodyOf([event()])),
        post(`${server.urlV2}?query=1`, bodyOf([event()], { api_key: "another key" }))
      ])
      assert.deepStrictEqual(answers.map(({ status, text }) => [status, JSON.parse(text).error]), [
        [400, "Missing request body"],
        [400, "Invalid JSON request body"],
        [400, "Invalid API key: key"],
        [400, "Invalid request path"],
        [200, undefined]
      ])
      assert.deepStrictEqual((yield* server.requests).map(({ events, path, status }) => [path, status, events]), [
        [v2, 400, 0],
        [v2, 400, 0],
        [v2, 400, 1],
        ["/httpapi", 400, 1],
        [v2, 200, 1]
      ])
      assert.lengthOf(yield* server.events, 1)
    }))

  it.scoped("has nothing to GET but the events", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      for (const path of ["/nothing", v2, batch]) {
        const answer = yield* get(`${server.url}${path}`)
        assert.strictEqual(answer.status, 400)
        assert.deepStrictEqual(JSON.parse(answer.text), { code: 400, error: "Invalid request path" })
      }
      const events = yield* get(`${server.url}/events`)
      assert.strictEqual(events.status, 200)
      assert.strictEqual(events.headers.get("content-type"), "application/json")
      assert.strictEqual(events.text, "[]")
      assert.deepStrictEqual(yield* server.requests, [])
    }))

  it.scoped("reads gzip, and limits what comes out of it", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const gzip = { "content-encoding": "gzip" }
      const text = JSON.stringify(bodyOf([event({ long: "x".repeat(5000) })]))
      assert.strictEqual((yield* post(server.urlV2, Zlib.gzipSync(text), gzip)).status, 200)

      const large = Zlib.gzipSync(text + " ".repeat(1_000_000))
      assert.isBelow(large.length, 10_000)
      assert.strictEqual((yield* post(server.urlV2, large, gzip)).status, 413)
      assert.strictEqual((yield* post(server.urlBatch, large, gzip)).status, 200)

      const broken = yield* post(server.urlV2, text, gzip)
      assert.deepStrictEqual(JSON.parse(broken.text), { code: 400, error: "Invalid JSON request body" })

      assert.deepStrictEqual(
        (yield* server.requests).map(({ bytes, contentEncoding, events }) => [bytes, contentEncoding, events]),
        [
          [text.length, "gzip", 1],
          [text.length + 1_000_000, "gzip", 1],
          [text.length + 1_000_000, "gzip", 1],
          [text.length, "gzip", 0]
        ]
      )
    }))

  it.scoped("answers a payload that is too large once it has come in whole", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const padded = (length: number) => JSON.stringify(bodyOf([event()])).padEnd(length)
      assert.strictEqual((yield* post(server.urlV2, padded(1_000_000))).status, 200)
      const refused = yield* post(server.urlV2, padded(1_000_001))
      assert.deepStrictEqual(JSON.parse(refused.text), { code: 413, error: "Payload too large" })
      assert.strictEqual((yield* post(server.urlBatch, padded(20_000_000))).status, 200)
      assert.strictEqual((yield* post(server.urlBatch, padded(20_000_001))).status, 413)
    }), 30_000)

  it.scoped("throttles by its clock, unless told otherwise", () =>
    Effect.gen(function*() {
      const body = bodyOf(Arr.makeBy(600, () => event()))
      const server = yield* DevServer.make()
      assert.strictEqual((yield* post(server.urlV2, body)).status, 200)
      const throttled = yield* post(server.urlV2, body)
      assert.strictEqual(throttled.status, 429)
      assert.deepInclude(JSON.parse(throttled.text), { throttled_devices: { "device-1": 40 } })
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* post(server.urlV2, body)).status, 200)
      assert.lengthOf(yield* server.events, 1200)

      const free = yield* DevServer.make({ rateLimit: false })
      assert.strictEqual((yield* post(free.urlV2, body)).status, 200)
      assert.strictEqual((yield* post(free.urlV2, body)).status, 200)
    }))

  it.scoped("answers what it is told to, and ingests nothing of it", () =>
    Effect.gen(function*() {
      const seen: Array<DevServer.InterceptedRequest> = []
      const answers: ReadonlyArray<Option.Option<DevServer.Answer>> = [
        Option.some({ status: 500 }),
        Option.some({ status: 429, body: { code: 429 }, headers: { "retry-after": "7" } }),
        Option.some({ status: 503, body: "<html>", headers: { "content-type": "text/html" } }),
        Option.some({ status: 204 })
      ]
      const server = yield* DevServer.make({
        intercept: (request) => {
          seen.push(request)
          return answers[request.index] ?? Option.none()
        }
      })
      const body = bodyOf([event({ insert_id: "a" })])
      const [failed, throttled, page, empty] = yield* Effect.replicateEffect(post(server.urlV2, body), 4)
      assert.deepStrictEqual([failed?.status, failed?.text], [500, ""])
      assert.deepStrictEqual([throttled?.status, throttled?.text], [429, "{\"code\":429}"])
      assert.strictEqual(throttled?.headers.get("retry-after"), "7")
      assert.deepStrictEqual([page?.status, page?.text], [503, "<html>"])
      assert.strictEqual(page?.headers.get("content-type"), "text/html")
      assert.deepStrictEqual([empty?.status, empty?.text], [204, ""])
      assert.deepStrictEqual(yield* server.events, [])

      // An event that was not ingested is no duplicate later.
      const zipped = Zlib.gzipSync(JSON.stringify(body))
      assert.strictEqual((yield* post(server.urlBatch, zipped, { "content-encoding": "gzip" })).status, 200)
      assert.lengthOf(yield* server.events, 1)
      assert.deepStrictEqual((yield* server.requests).map(({ status }) => status), [500, 429, 503, 204, 200])
      assert.deepStrictEqual(seen.map(({ index }) => index), [0, 1, 2, 3, 4])
      assert.deepStrictEqual(seen[4], {
        index: 4,
        path: batch,
        events: 1,
        bytes: JSON.stringify(body).length,
        contentEncoding: "gzip",
        receivedAt: 0,
        body: JSON.stringify(body)
      })
    }))

  it.scoped("answers 500 when the interception fails, and goes on", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({
        intercept: ({ path }) => path === batch ? Option.none() : (undefined as any)
      })
      assert.strictEqual((yield* post(server.urlV2, bodyOf([event()]))).status, 500)
      assert.strictEqual((yield* post(server.urlBatch, bodyOf([event()]))).status, 200)
      assert.lengthOf(yield* server.requests, 1)
    }))

  it.scoped("forgets everything", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const body = bodyOf(Arr.makeBy(900, (n) => event({ insert_id: `${n}` })))
      yield* post(server.urlV2, body)
      yield* server.clear
      assert.deepStrictEqual(yield* server.events, [])
      assert.deepStrictEqual(yield* server.requests, [])
      assert.strictEqual((yield* post(server.urlV2, body)).status, 200)
      assert.lengthOf(yield* server.events, 900)
    }))

  it.scoped("keeps the uploads of many clients at once", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* Effect.forEach(
        Arr.range(1, 50),
        (n) => post(server.urlV2, bodyOf([event({ device_id: `device-${n}`, n })])),
        { concurrency: "unbounded" }
      )
      const numbers = (yield* server.events).map(({ n }) => n as number)
      assert.deepStrictEqual(numbers.sort((a, b) => a - b), Arr.range(1, 50))
    }))

  it.scoped("lets browsers in", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const preflight = yield* Effect.promise(() =>
        fetch(server.urlV2, {
          method: "OPTIONS",
          headers: {
            "origin": "http://example.com",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type"
          }
        })
      )
      assert.strictEqual(preflight.status, 204)
      assert.strictEqual(preflight.headers.get("access-control-allow-headers"), "content-type")
      for (const answer of [yield* post(server.urlV2, bodyOf([event()])), yield* post(server.urlV2, "")]) {
        assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*")
      }
    }))

  it.scoped("shares nothing with another one", () =>
    Effect.gen(function*() {
      const one = yield* DevServer.make()
      const other = yield* DevServer.make()
      assert.notStrictEqual(one.url, other.url)
      yield* post(one.urlV2, bodyOf([event()]))
      assert.lengthOf(yield* one.events, 1)
      assert.deepStrictEqual(yield* other.events, [])
    }))

  it.effect("is a service", () =>
    Effect.gen(function*() {
      const server = yield* DevServer
      yield* post(server.urlV2, bodyOf([event()]))
      assert.lengthOf(yield* DevServer.events, 1)
      assert.lengthOf(yield* DevServer.requests, 1)
      yield* DevServer.clear
      assert.deepStrictEqual(yield* DevServer.events, [])
    }).pipe(Effect.provide(DevServer.layer())))

  it.effect.each([-1, 1.5, 65_536, Number.NaN])(
    "cannot listen on a port that is none: %s",
    (port) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(DevServer.make({ port }))
        assert.strictEqual(error._tag, "ServeError")
        assert.include(String(error.cause), `port: expected a number from 0 to 65535, got ${port}`)
      }).pipe(Effect.scoped)
  )

  it.scoped("cannot listen on a port that is taken", () =>
    Effect.gen(function*() {
      const port = portOf(yield* DevServer.make())
      const error = yield* Effect.flip(DevServer.make({ port }))
      assert.strictEqual(error._tag, "ServeError")
    }))

  it.scoped("listens where it is told to", () =>
    Effect.gen(function*() {
      const all = yield* DevServer.make({ host: "0.0.0.0" })
      assert.match(all.url, /^http:\/\/127\.0\.0\.1:/)
      assert.strictEqual((yield* get(`${all.url}/events`)).status, 200)
    }))

  it.effect("is quiet: no logs, no spans", () =>
    Effect.gen(function*() {
      const logs: Array<unknown> = []
      const spans: Array<string> = []
      const native = yield* Effect.tracer
      const tracer = Tracer.make({
        context: native.context,
        span: (name, ...rest) => {
          spans.push(name)
          return native.span(name, ...rest)
        }
      })
      const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => logs.push(message)))
      const observed = Layer.mergeAll(logger, Logger.minimumLogLevel(LogLevel.All), Layer.setTracer(tracer))
      yield* Effect.gen(function*() {
        const server = yield* DevServer
        yield* post(server.urlV2, bodyOf([event()]), { traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01` })
        yield* post(server.urlV2, "")
        yield* post(server.url, "")
        yield* get(`${server.url}/events`)
      }).pipe(Effect.provide(Layer.provide(DevServer.layer(), observed)))
      assert.deepStrictEqual(logs, [])
      assert.deepStrictEqual(spans, [])
    }))

  it.live("closes at once, whatever connections are open", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const server = yield* Scope.extend(DevServer.make(), scope)
      // fetch keeps its connection; the second client has an answer, the third one is in the middle of a request.
      assert.strictEqual((yield* post(server.urlV2, bodyOf([event()]))).status, 200)
      const idle = yield* connect(portOf(server), "GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
      yield* Deferred.await(idle.answered)
      const writing = yield* connect(portOf(server), "POST /batch HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
      const silent = yield* connect(portOf(server), "")

      const [time] = yield* Effect.timed(Scope.close(scope, Exit.void))
      assert.isBelow(Duration.toMillis(time), 1000)
      yield* Effect.forEach([idle, writing, silent], ({ closed }) => Deferred.await(closed))
      const refused = yield* Effect.exit(Effect.tryPromise(() => fetch(server.url)))
      assert.isTrue(Exit.isFailure(refused))
    }))
})

const connect = (port: number, request: string) =>
  Effect.gen(function*() {
    const answered = yield* Deferred.make<void>()
    const closed = yield* Deferred.make<void>()
    const socket = Net.connect(port, "127.0.0.1")
    socket.on("data", () => Deferred.unsafeDone(answered, Exit.void))
    socket.on("error", () => {})
    socket.on("close", () => Deferred.unsafeDone(closed, Exit.void))
    yield* Effect.async<void>((resume) => {
      socket.on("connect", () => socket.write(request, () => resume(Effect.void)))
    })
    return { answered, closed }
  })

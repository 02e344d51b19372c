/** The parts of the page that need no document. */
import { afterAll, assert, beforeAll, describe, it, vi } from "@effect/vitest"
import type * as CopiesModule from "../../src/page/copies.js"
import * as Filter from "../../src/page/filter.js"
import * as Format from "../../src/page/format.js"
import type * as LogModule from "../../src/page/log.js"
import type * as RouterModule from "../../src/page/router.js"
import { snippets } from "../../src/page/snippets.js"
import type { ReceivedEvent } from "../../src/page/wire.js"

let Copies: typeof CopiesModule
let Log: typeof LogModule
let Router: typeof RouterModule

const address = { hash: "#/events?q=type%3AA&project=one" }
const listeners: Array<() => void> = []

beforeAll(async () => {
  vi.stubGlobal("location", address)
  vi.stubGlobal("history", {
    pushState: (_: null, __: string, to: string) => address.hash = to,
    replaceState: (_: null, __: string, to: string) => address.hash = to
  })
  vi.stubGlobal("addEventListener", (_: string, listener: () => void) => listeners.push(listener))
  Router = await import("../../src/page/router.js")
  Log = await import("../../src/page/log.js")
  Copies = await import("../../src/page/copies.js")
})

afterAll(() => vi.unstubAllGlobals())

const received = (id: string, event: object, fields: Partial<ReceivedEvent> = {}): ReceivedEvent => ({
  id,
  project: "dev-",
  receivedAt: Number(id),
  request: "1",
  library: "python",
  verdict: "kept",
  reasons: [],
  alterations: [],
  violations: [],
  event: { event_type: "A", user_id: "ada", ...event },
  ...fields
})

describe("the filter", () => {
  const subject: Filter.Subject = {
    type: "Song Played",
    user: "ada",
    device: "device-1",
    library: "amplitude-python/1",
    marks: ["fault", "rejected"],
    properties: { plan: "pro", "a.b": 1, a: { c: [true, "x"] } },
    text: () => "song played nocturne"
  }
  it.each([
    ["", true],
    ["type:song", true],
    ["type:\"song played\" user:ADA lib:python", true],
    ["user:device-1", true],
    ["user:grace", false],
    ["is:fault is:rejected", true],
    ["is:kept", false],
    ["-is:kept", true],
    ["prop.plan=pro", true],
    ["prop.plan:pro", true],
    ["prop.plan=free", false],
    ["prop.a.b=1", true],
    ["prop.a.c=true", true],
    ["prop.a.d.e=1", false],
    ["prop.toString=1", false],
    ["NOCTURNE", true],
    ["prelude", false]
  ])("%s", (query, holds) => assert.strictEqual(Filter.parse(query)(subject), holds))

  it("finds a quoted value as it is", () => {
    for (const type of ["Played", "Song Played", `He said "hi"`, String.raw`C:\dir "x\"`, "a\nb"]) {
      const query = `type:${Filter.quote(type)} is:fault`
      assert.isTrue(Filter.parse(query)({ ...subject, type, marks: ["fault"] }), query)
      assert.isFalse(Filter.parse(query)({ ...subject, type: "another", marks: ["fault"] }), query)
    }
    assert.isTrue(Filter.parse(String.raw`type:"C:\dir"`)({ ...subject, type: String.raw`C:\dir` }))
  })

  it("adds and removes a word", () => {
    assert.strictEqual(Filter.toggle("a", "is:fault"), "a is:fault")
    assert.strictEqual(Filter.toggle("a is:fault b", "is:fault"), "a b")
  })
})

describe("text for people", () => {
  it.each([
    [Format.duration(12.4), "12 ms"],
    [Format.duration(1500), "1.5 s"],
    [Format.duration(30_000), "30 s"],
    [Format.duration(60_000), "1 min"],
    [Format.duration(59_999), "1 min"],
    [Format.duration(61_000), "1 min 1 s"],
    [Format.plural(1, "event"), "1 event"],
    [Format.plural(1200, "event"), "1,200 events"],
    [Format.bytes(999), "999 B"],
    [Format.bytes(1300), "1.3 kB"],
    [Format.bytes(2_500_000), "2.5 MB"],
    [Format.percent(0.256), "26 %"],
    [Format.brief(undefined), "nothing"],
    [Format.brief("abcdef", 4), "\"abc…"],
    [Format.inline({ a: 1 }), "{\"a\":1}"],
    [Format.inline(undefined), "nothing"],
    [Format.dateTime(Number.NaN), "NaN"]
  ])("%s", (given, wanted) => assert.strictEqual(given, wanted))

  it("times have milliseconds", () => assert.match(Format.dateTime(0), /^19(69|70)-\d\d-\d\d \d\d:\d\d:\d\d\.000$/))
})

describe("addresses", () => {
  it("are read", () => {
    const { path, query, tab } = Router.parse("#/users/a%2Fb/%E0?q=1")
    assert.deepStrictEqual([tab, path, query.get("q")], ["users", ["a/b", "%E0"], "1"])
    assert.strictEqual(Router.parse("#/nothing").tab, "events")
  })

  it("keep the project, and the filter among the events", () => {
    assert.strictEqual(Router.href("users", ["a/b"]), "#/users/a%2Fb?project=one")
    assert.strictEqual(Router.href("users", ["a\ud800"]), "#/users/a%EF%BF%BD?project=one")
    assert.strictEqual(Router.href("events"), "#/events?project=one&q=type%3AA")
    Router.go("#/events")
    assert.strictEqual(Router.query.value, "")
    address.hash = "#/plan"
    for (const listener of listeners) listener()
    assert.strictEqual(Router.route.value.tab, "plan")
    Router.go("#/events", true)
    assert.isTrue(Router.isNamed.value)
  })
})

describe("the log", () => {
  it("shows nothing new while it is held, and holds each event once", () => {
    Log.clear()
    Log.prepend([received("2", {}), received("1", {})])
    Log.append([received("2", {}), received("3", {})])
    assert.deepStrictEqual([0, 1, 2, 3].map((index) => Log.at(index)?.event.id), ["3", "2", "1", undefined])
    assert.strictEqual(Log.length.value, 3)
    Log.hold()
    Log.append([received("4", {})])
    assert.deepStrictEqual([Log.length.value, Log.waiting.value, Log.indexOf("4"), Log.indexOf("3")], [3, 1, -1, 0])
    Log.advance()
    assert.deepStrictEqual([Log.waiting.value, Log.isHeld.value, Log.at(0)?.event.id], [0, true, "4"])
    Log.follow()
    Log.append([received("5", {})])
    assert.deepStrictEqual([Log.length.value, Log.indexOf("1"), Log.indexOf("none"), Log.find("5")?.id], [
      5,
      4,
      -1,
      "5"
    ])
  })

  it("keeps the order of arrival, whether the stream or the answer of the server is first", () => {
    Log.clear()
    Log.append([received("3", {})])
    Log.prepend([received("4", {}), received("3", {}), received("2", {})])
    Log.append([received("4", {})])
    Log.prepend([received("1", {})])
    assert.deepStrictEqual([0, 1, 2, 3].map((index) => Log.at(index)?.event.id), ["4", "3", "2", "1"])
  })

  it("forgets the oldest beyond what it may hold", () => {
    Log.clear()
    Log.append(Array.from({ length: 10_050 }, (_, index) => received(String(index), {})))
    assert.deepStrictEqual([Log.size.value, Log.find("49"), Log.find("50")?.id], [10_000, undefined, "50"])
    assert.isFalse(Log.hasRoom())
    Log.prepend([received("older", {})])
    assert.strictEqual(Log.size.value, 10_000)
  })

  it("tells the reason in a row, and the most frequent reasons first", () => {
    const reason = { path: "time", given: "now", wanted: "an integer", fix: "", doc: "" }
    const fault = received("1", {}, { verdict: "fault", reasons: [reason, reason] })
    assert.strictEqual(Log.reasonOf(fault), "time: given \"now\", wanted an integer (and 1 more)")
    const { given: _, ...absent } = reason
    assert.strictEqual(
      Log.reasonOf(received("1", {}, { verdict: "fault", reasons: [absent] })),
      "time: given nothing, wanted an integer"
    )
    assert.match(Log.reasonOf(received("1", {}, { verdict: "duplicate", of: "7" })), /event 7/)
    assert.strictEqual(Log.reasonOf(received("1", {}, { verdict: "refused", because: "why" })), "why")
    assert.match(
      Log.reasonOf(received("1", {}, { violations: [{ path: "p", wanted: "w" }] })),
      /^Against the plan: p: w/
    )
    assert.match(Log.reasonOf(received("1", {}, { alterations: [{ path: "p", what: "cut" }] })), /^Altered: p: cut/)
    assert.strictEqual(Log.reasonOf(received("1", {})), "")
    Log.clear()
    const refused = { verdict: "refused", because: "why" } as const
    Log.append([
      received("1", {}, refused),
      received("2", {}, refused),
      fault,
      received("3", {}, { verdict: "fault", reasons: [reason] })
    ])
    assert.deepStrictEqual(Log.troubles().map(({ count, verdict }) => [verdict, count]), [["fault", 1], ["refused", 2]])
  })

  it("names and previews events, whatever they hold", () => {
    assert.strictEqual(Log.typeOf(received("1", { event_type: " " })), "(no event_type)")
    assert.strictEqual(Log.userOf(received("1", { user_id: undefined, device_id: 7 })), "7")
    assert.strictEqual(
      Log.preview(received("1", { event_properties: { a: "x".repeat(40), b: null } })),
      `a ${"x".repeat(32)}…  ·  b null`
    )
    assert.strictEqual(
      Log.preview(received("1", { event_type: "$identify", user_properties: { $set: { a: 1 } } })),
      "$set {\"a\":1}"
    )
    assert.strictEqual(Log.preview(received("1", { event_properties: 1 })), "")
  })
})

describe("copies", () => {
  const event = received("1", {
    event_type: "it's 2",
    event_properties: JSON.parse(
      `{"__proto__":1,"a b":[1,"x"],"list":[true,false],"none":null,"deep":{"at":1.5},"empty":[]}`
    )
  })

  it("a fixture and a definition keep a property of the name __proto__", () => {
    assert.include(Copies.fixture(event), "[\"__proto__\"]: 1")
    const definition = Copies.define(event)
    for (
      const part of [
        "const EventIt",
        "[\"__proto__\"]: Schema.Number",
        "\"a b\": Schema.Array(Schema.Unknown)",
        "list: Schema.Array(Schema.Boolean)",
        "none: Schema.Null",
        "at: Schema.Number"
      ]
    ) {
      assert.include(definition.replace("const It", "const EventIt"), part)
    }
    assert.strictEqual(
      Copies.define(received("1", { event_type: "2", event_properties: 1 })),
      "const Event2 = Event.define(\"2\", {})"
    )
  })

  it("a curl command quotes what a shell would read", () =>
    assert.include(Copies.curl(event, "http://localhost:1"), "it'\\''s 2"))

  it("JSON is the event as it was sent", () => assert.deepStrictEqual(JSON.parse(Copies.json(event)), event.event))
})

describe("snippets", () => {
  it.each(snippets.map((snippet) => [snippet.name, snippet] as const))(
    "%s names the server URL",
    (_, { code }) => assert.include(code("http://localhost:8267/2/httpapi"), "http://localhost:8267/2/httpapi")
  )
})

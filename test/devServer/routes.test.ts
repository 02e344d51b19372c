/** The routes of the server, and their client. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Stream, TestClock } from "effect"
import { readFileSync } from "node:fs"
import { DevServer } from "../../src/DevServer.js"
import { connect } from "../../src/DevServerClient.js"
import * as Body from "../../src/internal/devServer/body.js"
import { changes, expect } from "../../src/internal/devServer/changes.js"
import { Store } from "../../src/internal/devServer/store.js"
import { ask, get, json, post, upload } from "./support.js"

const event = (fields: object = {}) => ({ event_type: "Played", user_id: "user-1", ...fields })

const rejection = (promise: Promise<unknown>) =>
  Effect.promise(() => promise.then(() => "no rejection", (error: unknown) => String(error)))

const emptyStore = () => new Store({ apiKeys: undefined, rateLimit: false, maxEvents: 10_000, violations: () => [] })

/** Gives a store an upload. */
const receive = (store: Store, events: ReadonlyArray<object>, apiKey = "key") => {
  const text = JSON.stringify({ api_key: apiKey, events })
  const body = Body.parse(text, "/2/httpapi")
  store.receive(
    { path: "/2/httpapi", body, text, bytes: text.length, headers: {}, remoteAddress: Option.none(), now: 1 },
    undefined
  )
}

describe("the description of the API", () => {
  it.scopedLive("is an OpenAPI 3 document that lists every route", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const api = yield* get(server, "/api/openapi.json")
      assert.match(api.openapi, /^3\.1\.\d+$/)
      assert.isString(api.info.title)
      const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
      assert.strictEqual(api.info.version, manifest.version)
      const listed = Object.entries<object>(api.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
      )
      assert.sameMembers(listed, [
        "GET /api/events",
        "GET /api/events/{id}",
        "GET /api/users",
        "GET /api/users/{id}",
        "GET /api/groups",
        "GET /api/groups/{type}/{name}",
        "GET /api/requests",
        "GET /api/requests/{id}",
        "GET /api/stats",
        "GET /api/plan",
        "GET /api/stream",
        "GET /api/faults",
        "POST /api/faults",
        "DELETE /api/faults",
        "POST /api/expect",
        "POST /api/clear",
        "GET /api/export",
        "GET /events",
        "GET /api/openapi.json"
      ])
      const operations = Object.entries<object>(api.paths).flatMap(([path, methods]) =>
        Object.values<any>(methods as any).map((operation) => ({ path, operation }))
      )
      const ids = operations.map(({ operation }) => operation.operationId)
      assert.strictEqual(new Set(ids).size, ids.length)
      for (const { operation, path } of operations) {
        // every parameter of a path is described, and every answer says what it is
        const inPath = operation.parameters.filter((one: any) => one.in === "path").map(({ name }: any) => name)
        assert.sameMembers(inPath, Array.from(path.matchAll(/\{(\w+)\}/g), ([_, name]) => name!))
        for (const one of operation.parameters) {
          assert.include(["path", "query", "header", "cookie"], one.in)
          assert.isObject(one.schema)
          assert.isTrue(one.in !== "path" || one.required)
        }
        assert.isNotEmpty(Object.keys(operation.responses))
        for (const [status, answer] of Object.entries<any>(operation.responses)) {
          assert.match(status, /^\d{3}$/)
          assert.isString(answer.description)
        }
      }
      // no reference leads nowhere
      const text = JSON.stringify(api)
      for (const [_, reference] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
        const found = reference!.split("/").reduce((inner, key) => inner?.[key.replace(/~1/g, "/")], api)
        assert.isObject(found, reference)
      }
      // each of them answers
      for (const route of listed.filter((route) => route.startsWith("GET ") && !/[{]|stream/.test(route))) {
        assert.strictEqual((yield* ask(`${server.url}${route.slice(4)}`)).status, 200, route)
      }
    }))
})

describe("the routes", () => {
  it.scopedLive("answer one project, all, or those without a key", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* upload(server, [event({ insert_id: "1" })], { key: "key-of-one" })
      yield* upload(server, [event({ insert_id: "2" })], { key: "key-of-two" })
      yield* post(server, "/2/httpapi", { events: [event({ insert_id: "3" })] })
      const idsOf = (events: ReadonlyArray<any>) => events.map((one) => (one.event ?? one).insert_id)
      assert.deepStrictEqual(idsOf(yield* get(server, "/events")), ["1", "2"])
      assert.deepStrictEqual(idsOf(yield* get(server, "/events?project=key-of-two")), ["2"])
      assert.deepStrictEqual(idsOf((yield* get(server, "/api/events")).events), ["3", "2", "1"])
      assert.deepStrictEqual(idsOf((yield* get(server, "/api/events?project=key-of-one")).events), ["1"])
      assert.deepStrictEqual(idsOf((yield* get(server, "/api/events?project=")).events), ["3"])
      // events of another project cannot be read by their ids either
      const [two] = (yield* get(server, "/api/events?project=key-of-two")).events
      for (const path of [`events/${two.id}`, `requests/${two.request}`, "users/user-2", "groups/a/b", "events/x"]) {
        const { status, text } = yield* ask(`${server.url}/api/${path}?project=key-of-one`)
        assert.strictEqual(status, 404, path)
        assert.match(JSON.parse(text).message, /^There is no such /)
      }
      assert.strictEqual((yield* ask(`${server.url}/api/nothing`)).status, 404)
    }))

  it.scopedLive("select events by each filter, page by page", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* upload(server, [
        event({ insert_id: "1" }),
        event({ insert_id: "2", library: "a/1", event_type: "Paused", event_properties: { title: "Für Elise" } }),
        event({ insert_id: "3", user_id: "user-2", device_id: "device-2" })
      ])
      yield* upload(server, [event({ insert_id: "1" }), event({ insert_id: "4" })])
      const ids = (query: string) =>
        Effect.map(get(server, `/api/events?${query}`), ({ events }) => events.map((one: any) => one.event.insert_id))
      const [first] = (yield* server.received).map(({ receivedAt }) => receivedAt)
      for (
        const [query, found] of [
          ["type=Paused", ["2"]],
          ["user=user-2", ["3"]],
          ["user=device-2", ["3"]],
          ["library=a%2F1", ["2"]],
          ["verdict=duplicate", ["1"]],
          [`since=${first! + 3_600_000}`, []],
          [`since=${first}&verdict=kept`, ["4", "3", "2", "1"]],
          ["q=f%C3%BCr%20elise", ["2"]],
          ["q=the%20same%20insert_id", ["1"]],
          ["limit=0", ["4"]]
        ] as const
      ) {
        assert.deepStrictEqual(yield* ids(query), found, query)
      }
      const pages: Array<ReadonlyArray<string>> = []
      let cursor: string | undefined = ""
      while (cursor !== undefined) {
        const page: any = yield* get(server, `/api/events?limit=2${cursor}`)
        pages.push(page.events.map((one: any) => one.event.insert_id))
        cursor = page.cursor === undefined ? undefined : `&cursor=${page.cursor}`
      }
      assert.deepStrictEqual(pages, [["4", "1"], ["3", "2"], ["1"]])
    }))

  it.scopedLive("export what the filter selects as NDJSON, CSV or a fixture", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* upload(server, [event({ event_type: "=HYPERLINK(1)" }), event({ event_properties: { text: "a,\"b\"" } })])
      const exported = (query: string) => ask(`${server.url}/api/export?${query}`)
      const ndjson = yield* exported("format=ndjson&type=Played")
      assert.strictEqual(ndjson.headers["content-type"], "application/x-ndjson")
      assert.deepStrictEqual(ndjson.text.trim().split("\n").map((line) => JSON.parse(line)), [
        event({ event_properties: { text: "a,\"b\"" } })
      ])
      assert.strictEqual((yield* exported("type=Played")).text, ndjson.text)
      const csv = yield* exported("format=csv")
      assert.strictEqual(csv.headers["content-type"], "text/csv; charset=utf-8")
      const [head, first, second, end] = csv.text.split("\r\n")
      assert.strictEqual(head, "receivedAt,verdict,event_type,user,insert_id,library,why,event")
      assert.match(first!, /^\d+,kept,'=HYPERLINK\(1\),user-1,,,,/)
      assert.include(second!, `"{""event_type"":""Played""`)
      assert.strictEqual(end, "")
      const fixture = yield* exported("format=fixture&type=Played")
      assert.strictEqual(fixture.headers["content-type"], "text/plain")
      assert.match(fixture.text, /^export const events = \[\n[^]*"event_type": "Played"[^]*\] as const\n$/)
      assert.strictEqual((yield* exported("format=xml")).status, 400)
    }))

  it.scopedLive("say how near each user is to the limits, and each device that has no user", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const many = (count: number, fields: object) => Array.from({ length: count }, () => event(fields))
      yield* upload(server, many(60, { device_id: "phone" }))
      yield* upload(server, many(30, { user_id: undefined, device_id: "watch" }), { path: "/batch" })
      yield* upload(server, [event({ event_type: "$identify", user_properties: { $set: { plan: "pro" } } })])
      const { limits } = yield* get(server, "/api/stats?project=key-of-one")
      assert.deepStrictEqual(limits, [
        { user: "user-1", limit: "events per second, HTTP V2", used: 3, of: 30 },
        { user: "watch", limit: "events per second, Batch", used: 1, of: 1000 },
        { user: "watch", limit: "events per day, Batch", used: 30, of: 500_000 },
        { user: "user-1", limit: "property updates per hour", used: 1, of: 1800 }
      ])
      assert.deepStrictEqual((yield* get(server, "/api/stats?project=key-of-two")).limits, [])
    }))

  it.scopedLive("find users and groups by long and odd names", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      for (const name of ["x".repeat(1000), "a/b", "a%2Fb", "a b?c#d", "ü☃"]) {
        const id = `${name}-user`
        yield* upload(server, [event({ user_id: id, groups: { [name]: name } })])
        assert.strictEqual((yield* get(server, `/api/users/${encodeURIComponent(id)}`)).id, id)
        const path = `/api/groups/${encodeURIComponent(name)}/${encodeURIComponent(name)}`
        assert.strictEqual((yield* get(server, path)).name, name)
      }
    }))

  it.scopedLive("switch faults on and off, of one project or all", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const armed = (text: string) => JSON.parse(text).faults.filter((one: any) => one.armed).length
      assert.strictEqual(armed((yield* post(server, "/api/faults?project=one", { answer: { status: 503 } })).text), 1)
      assert.strictEqual(armed((yield* post(server, "/api/faults?project=two", { answer: "reset" })).text), 1)
      assert.strictEqual(armed((yield* ask(`${server.url}/api/faults`)).text), 2)
      const disarm = (query: string) =>
        ask(`${server.url}/api/faults${query}`, { method: "DELETE", headers: json, body: "{}" })
      assert.strictEqual(armed((yield* disarm("?project=one")).text), 0)
      assert.strictEqual(armed((yield* ask(`${server.url}/api/faults?project=two`)).text), 1)
      assert.strictEqual(armed((yield* disarm("")).text), 0)
      assert.strictEqual((yield* post(server, "/api/faults", { answer: { status: 7 } })).status, 400)
    }))
})

describe("the stream of changes", () => {
  it.effect("looks every 250 ms, and says when a project was cleared", () =>
    Effect.gen(function*() {
      const store = emptyStore()
      const fiber = yield* changes(store, "key", Effect.sync(() => store.last)).pipe(
        Stream.take(5),
        Stream.runCollect,
        Effect.fork
      )
      const steps = [
        () => receive(store, [event(), event()]),
        () => receive(store, [event()], "another"),
        () => {
          store.clear("another")
          store.arm({ answer: { status: 503 } }, undefined, 0)
        },
        () => store.clear("key")
      ]
      yield* TestClock.adjust(0)
      for (const step of steps) {
        step()
        yield* TestClock.adjust(250)
      }
      assert.deepStrictEqual(
        Array.from(yield* Fiber.join(fiber), ({ cleared, events, faultsChanged, requests }) =>
          [events.length, requests.length, cleared, faultsChanged] as const),
        [
          [0, 0, false, false],
          [2, 1, false, false],
          [0, 0, false, false],
          [0, 0, false, true],
          [0, 0, true, true]
        ]
      )
    }))

  it.effect("says to each project when it was cleared, however many are cleared at once", () =>
    Effect.gen(function*() {
      const store = emptyStore()
      const watch = (key: string | undefined) =>
        changes(store, key, Effect.sync(() => store.last)).pipe(Stream.take(2), Stream.runCollect, Effect.fork)
      const fibers = yield* Effect.forEach(["one", "two", "three", undefined], watch)
      yield* TestClock.adjust(0)
      store.clear("one")
      store.clear("two")
      yield* TestClock.adjust(250)
      const seen = yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      assert.deepStrictEqual(seen.map((batches) => Array.from(batches, ({ cleared }) => cleared)), [
        [false, true],
        [false, true],
        [false, false],
        [false, true]
      ])
    }))

  it.scoped("has a comment after 15 seconds in which nothing came, so that nobody in between closes it", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const abort = new AbortController()
      yield* Effect.addFinalizer(() => Effect.sync(() => abort.abort()))
      const answer = yield* Effect.promise(() => fetch(`${server.url}/api/stream`, { signal: abort.signal }))
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
      const read = Effect.promise(() => reader.read())
      assert.match((yield* read).value!, /^retry: 1000\nid: /)
      const next = yield* Effect.fork(read)
      let waited = 0
      for (; next.unsafePoll() === null; waited += 250) {
        yield* TestClock.adjust(250)
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      assert.strictEqual((yield* Fiber.join(next)).value, ": \n\n")
      // the first of its looks is at once
      assert.isAtLeast(waited, 15_000 - 250)
    }))
})

describe("expect", () => {
  it.effect("waits for as many as are wanted, and forgets what was cleared", () =>
    Effect.gen(function*() {
      const store = emptyStore()
      receive(store, [event()])
      const fiber = yield* Effect.fork(expect(store, { type: "Played", count: 2 }, "key"))
      yield* TestClock.adjust(1000)
      store.clear("key")
      receive(store, [event()])
      yield* TestClock.adjust(1000)
      assert.isNull(fiber.unsafePoll())
      receive(store, [event({ event_type: "Paused" }), event()])
      yield* TestClock.adjust(0)
      assert.lengthOf(yield* Fiber.join(fiber), 2)
    }))

  it.effect("fails when the time is over, by default after 5 seconds", () =>
    Effect.gen(function*() {
      const store = emptyStore()
      const fiber = yield* Effect.fork(Effect.flip(expect(store, {}, undefined)))
      yield* TestClock.adjust(4999)
      assert.isNull(fiber.unsafePoll())
      yield* TestClock.adjust(1)
      const { matches, message, nearest } = yield* Fiber.join(fiber)
      assert.deepStrictEqual([message, matches, nearest], ["1 expected within 5000 ms, 0 came", [], undefined])
    }))

  it.effect("none is wanted: waits to the end, or fails as soon as one comes", () =>
    Effect.gen(function*() {
      const store = emptyStore()
      const quiet = yield* Effect.fork(expect(store, { type: "Played", none: true, within: 100 }, undefined))
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(yield* Fiber.join(quiet), [])
      const loud = yield* Effect.fork(Effect.flip(expect(store, { type: "Played", none: true }, undefined)))
      yield* TestClock.adjust(0)
      receive(store, [event()])
      yield* TestClock.adjust(0)
      assert.strictEqual((yield* Fiber.join(loud)).message, "None was expected, 1 came")
      receive(store, [event({ time: "now" })])
      const { message } = yield* Effect.flip(expect(store, { noneAtFault: true, within: 0 }, undefined))
      assert.strictEqual(message, "1 events are at fault")
    }))
})

describe("the client", () => {
  it.scopedLive("reads, waits and steers", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ token: "let me in" })
      const client = connect(server.url, { project: "key-of-one", token: "let me in" })
      yield* Effect.promise(() => client.inject({ answer: { status: 503 }, times: 1 }))
      assert.strictEqual((yield* upload(server, [event({ insert_id: "1" })])).status, 503)
      assert.strictEqual(
        (yield* upload(server, [event({ insert_id: "1" }), event({ event_type: "Paused" })])).status,
        200
      )
      const verdictsOf = (filter?: Parameters<typeof client.events>[0]) =>
        Effect.map(Effect.promise(() => client.events(filter)), (events) => events.map(({ verdict }) => verdict))
      assert.deepStrictEqual(yield* verdictsOf(), ["kept", "kept", "injected"])
      assert.deepStrictEqual(yield* verdictsOf({ type: "Played", verdict: "kept" }), ["kept"])
      assert.deepStrictEqual(yield* verdictsOf({ limit: 1, type: undefined }), ["kept"])
      yield* Effect.promise(() => client.expectNone({ type: "Stopped", within: 10 }))
      assert.include(yield* rejection(client.expectNone({ type: "Played", within: 10 })), "None was expected, 1 came")
      yield* Effect.promise(() => client.clear())
      assert.deepStrictEqual(yield* verdictsOf(), [])
    }))

  it.scopedLive("rejects where no server answers, and where the URL is none", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.scoped(DevServer.make())
      assert.strictEqual(yield* rejection(connect(url).events()), `Error: No DevServer answers at ${url}`)
      assert.include(yield* rejection(connect("no url").clear()), "Invalid URL")
    }))

  it.scopedLive("says why it is refused, and what is wrong with the event that comes nearest", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ token: "let me in" })
      assert.match(yield* rejection(connect(server.url).events()), /^Error: .*token/i)
      const client = connect(server.url, { token: "let me in" })
      assert.include(yield* rejection(client.expect({ within: 1 })), "1 expected within 1 ms, 0 came")
      assert.match(yield* rejection(client.inject({ answer: { status: 7 } })), /^Error: .*200/s)
      yield* upload(server, [event({ time: "now" })])
      const missed = yield* rejection(client.expect({ type: "Played", where: { ip: "::1" }, within: 1 }))
      assert.include(missed, "\n  ip: got undefined, wanted \"::1\"\n  verdict: got \"fault\", wanted \"kept\"\n")
      assert.include(missed, "time must be an integer. ")
    }))
})

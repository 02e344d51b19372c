/** Amplitude's SDKs, unchanged, against a server. The SDK for browsers has its own file. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import { DevServer } from "../../src/DevServer.js"
import { ask, connection, get } from "./support.js"

interface Tracked {
  readonly promise: Promise<{ readonly code: number }>
}

interface Identify {
  readonly set: (name: string, value: unknown) => Identify
  readonly add: (name: string, value: number) => Identify
}

interface Revenue {
  readonly setProductId: (id: string) => Revenue
  readonly setPrice: (price: number) => Revenue
  readonly setQuantity: (quantity: number) => Revenue
}

interface Client {
  readonly init: (apiKey: string, options: object) => { readonly promise: Promise<unknown> }
  readonly track: (type: string, properties: object, options: object) => Tracked
  readonly identify: (identify: Identify, options: object) => Tracked
  readonly setGroup: (type: string, name: string, options: object) => Tracked
  readonly groupIdentify: (type: string, name: string, identify: Identify, options: object) => Tracked
  readonly revenue: (revenue: Revenue, options: object) => Tracked
}

/** What the tests use of the SDK. Its own types do not pass the checks of this package. */
interface Sdk {
  readonly createInstance: () => Client
  readonly Identify: new() => Identify
  readonly Revenue: new() => Revenue
  readonly Types: { readonly LogLevel: { readonly None: number } }
}

const { createInstance, Identify, Revenue, Types } = createRequire(import.meta.url)("@amplitude/analytics-node") as Sdk

const apiKey = "0123456789abcdef0123456789abcdef"

const verdictsOf = (received: ReadonlyArray<DevServer.ReceivedEvent>) =>
  received.map(({ event, verdict }) => [event["event_type"], verdict])

const valuesOf = (properties: DevServer.User["properties"]) =>
  Object.fromEntries(properties.map(({ name, value }) => [name, value]))

describe("Amplitude's SDK for Node", () => {
  const client = (serverUrl: string, options: object = {}) =>
    Effect.promise(async () => {
      const client = createInstance()
      await client.init(apiKey, {
        serverUrl,
        flushIntervalMillis: 0,
        logLevel: Types.LogLevel.None,
        ...options
      }).promise
      return client
    })

  it.scopedLive.each([["HTTP V2", false], ["Batch", true]] as const)(
    "over %s",
    ([_, useBatch]) =>
      Effect.gen(function*() {
        const server = yield* DevServer.make()
        const amplitude = yield* client(useBatch ? server.urlBatch : server.urlV2, { useBatch })
        const results = yield* Effect.promise(() =>
          Promise.all([
            amplitude.track("Song Played", { title: "Für Elise", seconds: 177 }, { user_id: "user-12345" }).promise,
            amplitude.identify(new Identify().set("plan", "pro").add("plays", 1), { user_id: "user-12345" }).promise,
            amplitude.setGroup("company", "Analytical Engines", { user_id: "user-12345" }).promise,
            amplitude.groupIdentify("company", "Analytical Engines", new Identify().set("seats", 12), {
              user_id: "user-12345"
            }).promise,
            amplitude.revenue(new Revenue().setProductId("tea").setPrice(4.5).setQuantity(2), {
              user_id: "user-12345",
              device_id: "device-1"
            }).promise
          ])
        )
        assert.deepStrictEqual(results.map(({ code }) => code), [200, 200, 200, 200, 200])
        const received = yield* server.received
        assert.deepStrictEqual(verdictsOf(received), [
          ["Song Played", "kept"],
          ["$identify", "kept"],
          ["$identify", "kept"],
          ["$groupidentify", "kept"],
          ["revenue_amount", "kept"]
        ])
        for (const { library, project } of received) {
          assert.match(library, /^amplitude-node-ts\//)
          assert.strictEqual(project, "0123")
        }
        const user = Option.getOrThrow(yield* server.user("user-12345"))
        assert.deepStrictEqual(valuesOf(user.properties), { plan: "pro", plays: 1, company: "Analytical Engines" })
        assert.strictEqual(user.revenue, 9)
        const group = yield* get(server, "/api/groups/company/Analytical%20Engines")
        assert.deepStrictEqual(valuesOf(group.properties), { seats: 12 })
      })
  )

  it.scopedLive("learns which event is at fault, and sends the others again", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const amplitude = yield* client(server.urlV2, { flushQueueSize: 2, flushIntervalMillis: 500 })
      const [good, bad] = yield* Effect.promise(() =>
        Promise.all([
          amplitude.track("Song Played", {}, { user_id: "user-12345" }).promise,
          amplitude.track("Song Played", {}, { user_id: "abc" }).promise
        ])
      )
      assert.deepStrictEqual([good.code, bad.code], [200, 400])
      const received = yield* server.received
      assert.deepStrictEqual(received.map(({ because = "", reasons, verdict }) => [verdict, because, reasons]), [
        ["refused", "Event 2 of the request is at fault (user_id): the service refuses all of them", []],
        ["fault", "", [{
          path: "user_id",
          given: "abc",
          wanted: "at least 5 characters",
          fix: "Send a longer id, or set options.min_id_length of the request",
          doc: "events_with_invalid_id_lengths"
        }]],
        ["kept", "", []]
      ])
      const [resent, refused] = (yield* get(server, "/api/requests")).requests
      assert.deepStrictEqual((yield* get(server, `/api/requests/${refused.id}`)).resends, [resent.id])
    }))

  it.scopedLive("sends again what a fault refused, once", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* server.inject({ answer: { status: 503 }, times: 1 })
      const amplitude = yield* client(server.urlV2)
      const { code } = yield* Effect.promise(() =>
        amplitude.track("Song Played", {}, { user_id: "user-12345" }).promise
      )
      assert.strictEqual(code, 200)
      assert.deepStrictEqual(verdictsOf(yield* server.received), [
        ["Song Played", "injected"],
        ["Song Played", "kept"]
      ])
      const { deliveries, faults } = yield* get(server, "/api/faults")
      assert.deepStrictEqual(faults.map(({ armed, fired }: any) => ({ armed, fired })), [{ armed: false, fired: 1 }])
      assert.deepStrictEqual(deliveries.map(({ returns }: any) => returns.length), [1])
    }))
})

/** See `recordings/README.md`. */
const recording = (name: string) => readFileSync(fileURLToPath(new URL(`recordings/${name}.http`, import.meta.url)))

/** Sends the bytes of a recording, and gives the body of the answer. */
const replay = (server: DevServer.Service, name: string) =>
  Effect.gen(function*() {
    const { closed, write } = yield* connection(server)
    yield* write(recording(name))
    const [head = "", body = ""] = (yield* closed).split("\r\n\r\n")
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), body: JSON.parse(body) }
  }).pipe(Effect.scoped)

describe("recorded requests of Amplitude's SDK for Python", () => {
  it.scopedLive.each(["python-v2", "python-batch"])("%s", (name) =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const { body, status } = yield* replay(server, name)
      assert.deepStrictEqual([status, body.events_ingested], [200, 5])
      const received = yield* server.received
      assert.deepStrictEqual(verdictsOf(received), [
        ["Song Played", "kept"],
        ["$identify", "kept"],
        ["$identify", "kept"],
        ["$groupidentify", "kept"],
        ["revenue_amount", "kept"]
      ])
      assert.deepStrictEqual(new Set(received.map(({ library }) => library)), new Set(["amplitude-python/1.2.3"]))
      assert.deepStrictEqual(received[0]?.event["event_properties"], {
        seconds: 177,
        tags: ["piano", "solo"],
        title: "Für Elise"
      })
      const user = Option.getOrThrow(yield* server.user("user-12345"))
      assert.deepStrictEqual(valuesOf(user.properties), {
        company: "Analytical Engines",
        plan: "pro",
        plays: 1,
        genres: ["classical"]
      })
      assert.strictEqual(user.revenue, 9)
      const group = yield* get(server, "/api/groups/company/Analytical%20Engines")
      assert.deepStrictEqual(valuesOf(group.properties), { seats: 12 })
      // The same bytes once more are duplicates, each of the event that came first.
      yield* replay(server, name)
      assert.deepStrictEqual(
        (yield* server.received).slice(5).map(({ of, verdict }) => [verdict, of]),
        received.map(({ id }) => ["duplicate", id])
      )
    }))

  it.scopedLive("a refused one, and what it sends after the answer", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      assert.deepStrictEqual(yield* replay(server, "python-refused-1"), {
        status: 400,
        body: {
          code: 400,
          error: "Invalid id length for user_id or device_id",
          events_with_invalid_id_lengths: { user_id: [1] }
        }
      })
      assert.strictEqual((yield* replay(server, "python-refused-2")).status, 200)
      assert.deepStrictEqual(verdictsOf(yield* server.received), [
        ["Song Played", "refused"],
        ["Song Played", "fault"],
        ["Song Played", "kept"]
      ])
      const { curl, headers, resends } = yield* get(server, "/api/requests/1")
      assert.strictEqual(headers["user-agent"], "Python-urllib/3.11")
      assert.deepStrictEqual(resends, ["4"])
      assert.notInclude(curl, apiKey)
      assert.include(curl, "$AMPLITUDE_API_KEY")
      assert.notInclude((yield* ask(`${server.url}/api/requests/1`)).text, apiKey)
    }))
})

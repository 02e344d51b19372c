import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DevServer } from "../../src/DevServer.js"
import { connect } from "../../src/DevServerClient.js"
import { ask, get, json, upload } from "./support.js"

const send = (server: DevServer.Service, events: ReadonlyArray<unknown>, key = "key-of-one") =>
  upload(server, events, { key })

const event = (fields: object = {}) => ({ event_type: "Played", user_id: "user-1", ...fields })

describe("D1: verdicts and projects", () => {
  it.scopedLive("every event has a verdict and its reasons", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* send(server, [event({ insert_id: "a" })])
      yield* send(server, [
        event({ insert_id: "a" }),
        event({ insert_id: "b", event_properties: { text: "x".repeat(1100) } })
      ])
      yield* send(server, [event({ time: "now", price: "1" }), event()])
      yield* server.inject({ answer: { status: 503 }, times: 1 })
      yield* send(server, [event({ insert_id: "c" })])
      yield* send(server, [event({ insert_id: "c" })])
      const all = yield* server.received
      assert.deepStrictEqual(all.map(({ verdict }) => verdict), [
        "kept",
        "duplicate",
        "kept",
        "fault",
        "refused",
        "injected",
        "kept"
      ])
      assert.strictEqual(all[1]?.of, all[0]?.id)
      assert.deepStrictEqual(all[2]?.alterations, [
        { path: "event_properties.text", what: "cut from 1100 to 1024 characters" }
      ])
      assert.deepStrictEqual(all[3]?.reasons.map(({ given, path, wanted }) => [path, given, wanted]), [
        ["time", "now", "an integer"],
        ["price", "1", "a number"]
      ])
      assert.include(all[4]?.because ?? "", "Event 1 of the request is at fault (time)")
      const faults = yield* get(server, "/api/faults")
      assert.deepStrictEqual([faults.faults[0].fired, faults.faults[0].armed], [1, false])
      assert.strictEqual(faults.deliveries[0].returns[0].event, all[6]?.id)
      const [, request] = (yield* get(server, "/api/requests")).requests
      assert.deepStrictEqual(
        (yield* get(server, `/api/requests/${request.id}`)).resends,
        [all[6]?.request]
      )
      assert.strictEqual(all[0]?.project, "key-")
    }))

  it.scopedLive("projects do not meet, and one is cleared alone", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* send(server, [event({ insert_id: "a" })], "one-key")
      yield* send(server, [event({ insert_id: "a" })], "two-key")
      assert.lengthOf((yield* get(server, "/api/events?project=one-key")).events, 1)
      assert.strictEqual((yield* get(server, "/api/stats?project=two-key")).verdicts.kept, 1)
      yield* ask(`${server.url}/api/clear?project=one-key`, { method: "POST", headers: json, body: "{}" })
      assert.lengthOf((yield* get(server, "/api/events?project=one-key")).events, 0)
      assert.lengthOf((yield* get(server, "/api/events?project=two-key")).events, 1)
    }))
})

describe("D1: all projects together", () => {
  it.scopedLive("a user or group of several projects is one, with all of its events", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const send1 = (plan: string, key: string) =>
        send(server, [
          event({ event_type: "$identify", user_properties: { $set: { plan, [key]: 1 } } }),
          event({ groups: { team: "red" }, price: 2 }),
          { event_type: "$groupidentify", groups: { team: "red" }, group_properties: { $set: { plan } } }
        ], key)
      yield* send1("free", "one-key")
      yield* send1("pro", "two-key")
      const { users } = yield* get(server, "/api/users")
      assert.deepStrictEqual(users.map(({ events, id, revenue }: any) => ({ id, events, revenue })), [
        { id: "user-1", events: 4, revenue: 4 }
      ])
      const properties = (detail: any) =>
        Object.fromEntries(detail.properties.map(({ name, value }: any) => [name, value]))
      const user = yield* get(server, "/api/users/user-1")
      assert.strictEqual(user.events, 4)
      assert.lengthOf(user.sessions.flatMap(({ events }: any) => events), 4)
      // of two that have the same name, the last one
      assert.deepStrictEqual(properties(user), { plan: "pro", "one-key": 1, "two-key": 1 })
      const { groups } = yield* get(server, "/api/groups")
      assert.deepStrictEqual(groups, [{ type: "team", name: "red", events: 4 }])
      assert.deepStrictEqual(properties(yield* get(server, "/api/groups/team/red")), { plan: "pro" })
      // and each project has its own
      const ofOne = yield* get(server, "/api/users/user-1?project=one-key")
      assert.strictEqual(ofOne.events, 2)
      assert.deepStrictEqual(properties(ofOne), { plan: "free", "one-key": 1 })
    }))
})

describe("D2: bounds", () => {
  it.scopedLive("the oldest events are pushed out and counted", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ maxEvents: 3 })
      yield* send(server, [event(), event(), event(), event(), event()])
      const page = yield* get(server, "/api/events")
      assert.deepStrictEqual([page.events.length, page.dropped], [3, 2])
    }))
})

describe("D3: properties", () => {
  it.scopedLive("operations are applied in the server's order, with the change of each event", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* send(server, [
        event({ event_type: "$identify", user_properties: { $set: { plan: "free", seats: 1 } } }),
        event({
          event_type: "$identify",
          user_properties: { $add: { seats: 2 }, $set: { plan: "pro" }, $unset: { plan: "-" }, $append: { tags: "a" } }
        })
      ])
      const user = Option.getOrThrow(yield* server.user("user-1"))
      assert.deepStrictEqual(
        user.properties.map(({ name, value }) => [name, value]).sort(),
        [["plan", "pro"], ["seats", 3], ["tags", ["a"]]]
      )
      const [second] = (yield* get(server, "/api/events")).events
      assert.deepStrictEqual((yield* get(server, `/api/events/${second.id}`)).changes, [
        { property: "plan", before: "free", after: "pro" },
        { property: "seats", before: 1, after: 3 },
        { property: "tags", after: ["a"] }
      ])
    }))

  it.scopedLive("the revenue of a user is price and quantity where all three are sent", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const cases: ReadonlyArray<readonly [fields: { readonly [name: string]: number }, revenue: number]> = [
        [{ price: 2, quantity: 3, revenue: 100 }, 6],
        [{ price: 2, quantity: 3 }, 6],
        [{ price: 2, revenue: 100 }, 100],
        [{ quantity: 3, revenue: 100 }, 100],
        [{ price: -2 }, -2],
        [{ quantity: 3 }, 0],
        [{ price: 1e308, quantity: 10 }, Number.MAX_VALUE]
      ]
      for (const [index, [fields, revenue]] of cases.entries()) {
        yield* send(server, [event({ ...fields, user_id: `fields-${index}` })])
        const event_properties = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`$${name}`, value]))
        yield* send(server, [event({ event_type: "revenue_amount", event_properties, user_id: `properties-${index}` })])
        for (const user of [`fields-${index}`, `properties-${index}`]) {
          assert.strictEqual((yield* get(server, `/api/users/${user}`)).revenue, revenue, JSON.stringify(fields))
        }
      }
    }))

  it.scopedLive("the form-encoded endpoints set properties of users and groups", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const form = (path: string, identification: object) =>
        ask(`${server.url}${path}`, {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: new URLSearchParams({ api_key: "key", identification: JSON.stringify(identification) }).toString()
        })
      assert.strictEqual((yield* form("/identify", [{ user_id: "user-1", user_properties: { a: 1 } }])).text, "success")
      yield* form("/groupidentify", { group_type: "org", group_value: "Acme", group_properties: { size: 2 } })
      assert.strictEqual(Option.getOrThrow(yield* server.user("user-1")).properties[0]?.value, 1)
      assert.strictEqual((yield* get(server, "/api/groups/org/Acme")).properties[0].value, 2)
    }))
})

describe("expect", () => {
  it.scopedLive("waits for what comes, and names the nearest miss", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const client = connect(server.url, { project: "key-of-one" })
      const waiting = client.expect({ type: "Played", where: { event_properties: { title: "Help" } } })
      yield* send(server, [event({ event_properties: { title: "Help", length: 3 } })])
      assert.lengthOf(yield* Effect.promise(() => waiting), 1)
      const missed = yield* Effect.flip(Effect.tryPromise({
        try: () => client.expect({ type: "Played", where: { "event_properties.title": "Yesterday" }, within: 10 }),
        catch: String
      }))
      assert.include(missed, "event_properties.title: got \"Help\", wanted \"Yesterday\"")
      yield* Effect.promise(() => client.expectNone({ type: "Paused", within: 10 }))
      yield* Effect.promise(() => client.clear())
      assert.lengthOf(yield* server.received, 0)
    }))
})

describe("the stream", () => {
  it.scopedLive("sends what arrives, and resumes after Last-Event-ID", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const until = (headers: { readonly [name: string]: string }, wanted: RegExp) =>
        Effect.async<string, unknown>((resume) => {
          const sent = request(`${server.url}/api/stream`, { headers }, (response) => {
            let text = ""
            response.on("data", (chunk: Buffer) => {
              text += chunk.toString()
              if (wanted.test(text)) {
                resume(Effect.succeed(text))
                sent.destroy()
              }
            })
          })
          sent.on("error", (error) => resume(Effect.fail(error)))
          sent.end()
          return Effect.sync(() => sent.destroy())
        })
      const fiber = yield* Effect.fork(until({}, /event: event\nid: \S+\ndata: .*First.*\n\n/))
      yield* Effect.iterate(fiber.unsafePoll(), {
        while: (exit) => exit === null,
        body: () =>
          Effect.as(
            Effect.zipRight(send(server, [event({ event_type: "First" })]), Effect.sleep(100)),
            fiber.unsafePoll()
          )
      })
      const [, id = ""] = /event: event\nid: (\S+)/.exec(yield* fiber) ?? []
      yield* send(server, [event({ event_type: "Second" })])
      assert.include(yield* until({ "last-event-id": id }, /Second/), "event: request")
      // who leaves before anything came has an id to resume from as well
      const [, start = ""] = /^id: (\S+)$/m.exec(yield* until({}, /id: .*\n\n/)) ?? []
      yield* send(server, [event({ event_type: "Third" })])
      const resumed = yield* until({ "last-event-id": start }, /Third/)
      assert.notInclude(resumed, "Second")
      // the counts say up to which event they go
      const { last, verdicts } = yield* get(server, "/api/stats")
      assert.strictEqual(last, (yield* server.received).at(-1)?.id)
      assert.strictEqual(verdicts.kept, (yield* server.received).length)
    }))
})

describe("the stream in a program", () => {
  it.scopedLive("has every event, also those that the server drops, and ends with the server", () =>
    Effect.gen(function*() {
      const stop = yield* Scope.make()
      const server = yield* DevServer.make({ maxEvents: 2 }).pipe(Scope.extend(stop))
      const seen = yield* Effect.fork(Stream.runCollect(server.stream))
      yield* Effect.yieldNow()
      yield* send(server, ["a", "b", "c"].map((insert_id) => event({ insert_id })))
      yield* send(server, [event({ time: "now" })], "key-of-two")
      yield* server.clear
      yield* Scope.close(stop, Exit.void)
      assert.deepStrictEqual(
        Array.from(yield* Fiber.join(seen), ({ event: { insert_id }, verdict }) => [insert_id, verdict]),
        [["a", "kept"], ["b", "kept"], ["c", "kept"], [undefined, "fault"]]
      )
      assert.lengthOf(yield* Stream.runCollect(server.stream), 0)
    }))
})

describe("a file", () => {
  it.live("keeps what arrived across restarts, for its owner alone", () =>
    Effect.gen(function*() {
      const folder = mkdtempSync(join(tmpdir(), "dev-server-"))
      const file = join(folder, "kept.ndjson")
      yield* Effect.scoped(
        Effect.flatMap(DevServer.make({ file }), (server) => send(server, [event({ insert_id: "a" })]))
      )
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      const again = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* DevServer.make({ file })
        yield* send(server, [event({ insert_id: "a" })])
        return yield* server.received
      }))
      assert.deepStrictEqual(again.map(({ verdict }) => verdict), ["kept", "duplicate"])
      rmSync(folder, { recursive: true })
    }))
})

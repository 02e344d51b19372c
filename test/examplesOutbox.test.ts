/** The examples of `SqlEventStorage` in separate processes, which are killed and replaced. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { join } from "node:path"
import { start } from "./support/example.js"
import * as HeldServer from "./support/heldServer.js"
import { postgres } from "./support/postgres.js"
import { temporaryFolder } from "./support/processes.js"
import { shared } from "./support/sqlContract.js"

/** A service that takes a request, and never answers it. */
const silent = Effect.tap(HeldServer.make, ({ hold }) => hold)

const whenArrived = (count: number) =>
  Effect.repeat(Effect.zipRight(Effect.sleep(20), DevServer.events), { until: (events) => events.length >= count })
    .pipe(Effect.timeout("30 seconds"))

const insertIds = (events: ReadonlyArray<{ readonly insert_id?: string | undefined }>) =>
  events.map(({ insert_id }) => insert_id)

describe("the example of events in SQLite", { timeout: 60_000 }, () => {
  it.scopedLive("what a process that was killed had tracked is sent by the next one, in order", () =>
    Effect.gen(function*() {
      const service = yield* silent
      const env = { OUTBOX_FILE: join(yield* temporaryFolder, "amplitude.db") }
      const killed = yield* start("durable", { env: { ...env, AMPLITUDE_SERVER_URL: service.url } })
      // the request is under way: nobody knows whether the service has the events
      yield* service.until((events) => events.length === 2)
      yield* killed.signal("SIGKILL")
      assert.strictEqual((yield* killed.ended).signal, "SIGKILL")

      const next = yield* start("durable", { env })
      const { code, stderr } = yield* next.ended
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      const events = yield* DevServer.events
      assert.deepStrictEqual(events.map(({ event_type }) => event_type), [
        "Import Started",
        "Import Finished",
        "Import Started",
        "Import Finished"
      ])
      assert.deepStrictEqual(insertIds(events.slice(0, 2)), insertIds(service.events()))
      assert.lengthOf(new Set(insertIds(events)), 4)
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("without a network the events stay in the file", () =>
    Effect.gen(function*() {
      const env = { OUTBOX_FILE: join(yield* temporaryFolder, "amplitude.db") }
      const offline = yield* start("durable", { env: { ...env, AMPLITUDE_SERVER_URL: "http://127.0.0.1:1/" } })
      yield* offline.printed(/tracked/)
      yield* offline.signal("SIGTERM")
      assert.isNull((yield* offline.ended).signal)
      const online = yield* start("durable", { env })
      assert.strictEqual((yield* online.ended).code, 0)
      assert.lengthOf(yield* DevServer.events, 4)
    }).pipe(Effect.provide(DevServer.layer())))
})

describe("the examples of an outbox in Postgres", { timeout: 60_000 }, () => {
  const server = shared(postgres(18))

  it.scopedLive("an order and its event are stored together, or neither is", () =>
    Effect.gen(function*() {
      const { layer, port } = yield* server
      const env = { DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/postgres` }
      const example = yield* start("transactional-outbox", { env })
      const { code, stderr, stdout } = yield* example.ended
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      assert.match(stdout, /the first order is placed[^]*the second order is rolled back: sku-1 is out of stock/)
      const events = yield* DevServer.events
      assert.deepStrictEqual(events.map(({ event_type, user_id }) => [event_type, user_id]), [
        ["Order Placed", "user-12345"]
      ])
      const sql = Context.get(yield* Layer.build(layer()), PgClient.PgClient)
      assert.deepStrictEqual(yield* sql`SELECT user_id, sku FROM orders`, [{ user_id: "user-12345", sku: "sku-1" }])
      assert.deepStrictEqual(yield* sql`SELECT seq FROM amplitude_outbox`, [])
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("web processes store and a worker delivers; what a killed one left is sent by its replacement", () =>
    Effect.gen(function*() {
      const { port } = yield* server
      const env = {
        DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/postgres`,
        AMPLITUDE_FLUSH_INTERVAL: "50 millis",
        LEASE_DURATION: "1 second"
      }
      const web = yield* start("worker-fleet", { args: ["web"], env })
      const address = (yield* web.printed(/http:\/\/[\d.]+:\d+/)).replace("0.0.0.0", "127.0.0.1")
      const click = (user: string) =>
        Effect.map(
          Effect.promise(() => fetch(`${address}/clicks/${user}`, { method: "POST" })),
          ({ status }) => assert.strictEqual(status, 202)
        )
      const users = Array.from({ length: 5 }, (_, index) => `user-1234${index}`)
      yield* Effect.forEach(users, click)
      // it only stores
      assert.deepStrictEqual(yield* DevServer.events, [])

      const service = yield* silent
      const killed = yield* start("worker-fleet", {
        args: ["worker"],
        env: { ...env, AMPLITUDE_SERVER_URL: service.url }
      })
      yield* service.until((events) => events.length === users.length)
      yield* killed.signal("SIGKILL")
      yield* click(users[0]!)
      yield* web.signal("SIGKILL")

      const worker = yield* start("worker-fleet", { args: ["worker"], env })
      const events = yield* whenArrived(users.length + 1)
      assert.deepStrictEqual(events.map(({ user_id }) => user_id), [...users, users[0]])
      assert.deepStrictEqual(insertIds(events).slice(0, users.length), insertIds(service.events()))
      yield* worker.signal("SIGTERM")
      assert.strictEqual((yield* worker.ended).stderr, "")
    }).pipe(Effect.provide(DevServer.layer())))
})

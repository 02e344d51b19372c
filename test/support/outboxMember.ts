/**
 * A process of a fleet that shares an outbox. It stores events, sends them, or both, and prints a line for each
 * accepted event. Tests stop and kill it.
 */
import { MysqlClient } from "@effect/sql-mysql2"
import { PgClient } from "@effect/sql-pg"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect, Layer, Option, Schedule, Stream } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { RedisEventStorage } from "effect-amplitude/RedisEventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { randomUUID } from "node:crypto"
import { eventOf } from "../storage/contract.js"

export interface MemberOptions {
  readonly name: string
  readonly dialect: "sqlite" | "pg" | "mysql" | "redis"
  readonly filename?: string
  readonly port?: number
  readonly table: string
  readonly leaseDuration: number
  /** How many events it stores. */
  readonly events: number
  readonly users: number
  /** Where it sends events; undefined where it only stores them. */
  readonly url: string | undefined
}

/** The body of a request. */
export interface Batch {
  readonly sender: string
  readonly events: ReadonlyArray<{ readonly insert_id: string; readonly user_id: string; readonly place: number }>
}

const options = JSON.parse(process.argv[2]!) as MemberOptions

const client = options.dialect === "sqlite"
  ? SqliteClient.layer({ filename: options.filename! })
  : options.dialect === "pg"
  ? PgClient.layer({
    host: "127.0.0.1",
    port: options.port!,
    username: "postgres",
    database: "postgres",
    maxConnections: 3
  })
  : MysqlClient.layer({
    host: "127.0.0.1",
    port: options.port!,
    username: "root",
    database: "mysql",
    maxConnections: 3
  })

const settings = { leaseDuration: options.leaseDuration, pollInterval: 100 }

const storage: Layer.Layer<EventStorage, unknown> = options.dialect === "redis"
  ? RedisEventStorage.layer({ url: `redis://127.0.0.1:${options.port}`, prefix: options.table, ...settings })
  : SqlEventStorage.layer({ table: options.table, ...settings }).pipe(Layer.provide(client))

const store = Effect.gen(function*() {
  const { append } = yield* EventStorage
  const clientId = randomUUID()
  const one = (place: number) => {
    const user = `user-${Math.floor(Math.random() * options.users)}`
    const json = JSON.stringify({ insert_id: `${clientId} ${place}`, user_id: user, place })
    // while the database does not answer an event is not accepted, and the process goes on
    return Effect.ignore(Effect.map(
      append([eventOf(place, { clientId, lane: user, json })], { capacity: 10_000_000, whenFull: "refuse" }),
      ({ _tag }) => {
        if (_tag === "Accepted") process.stdout.write(`accepted ${clientId} ${place}\n`)
      }
    ))
  }
  // one fiber tracks, since the order is only promised for tracks that happen one after the other
  yield* Effect.forEach(Array.from({ length: options.events }, (_, place) => place), one, { discard: true })
  process.stdout.write("stored\n")
})

const post = (events: ReadonlyArray<string>) =>
  Effect.tryPromise((signal) =>
    fetch(options.url!, {
      method: "POST",
      body: `{"sender":${JSON.stringify(options.name)},"events":[${events.join(",")}]}`,
      signal
    }).then((response) => response.text())
  )

const decoder = new TextDecoder()

const deliver = Effect.gen(function*() {
  const { changes, lease } = yield* EventStorage
  const next: Effect.Effect<boolean, unknown, EventStorage> = Effect.scoped(Effect.flatMap(
    lease({ maxEvents: 50, maxBytes: 1_000_000 }),
    Option.match({
      onNone: () => Effect.succeed(false),
      onSome: ({ acknowledge, events }) =>
        post(events.map(({ buffer, end, start }) => decoder.decode(buffer.subarray(start, end)))).pipe(
          Effect.zipRight(acknowledge(events)),
          Effect.as(true)
        )
    })
  ))
  // another process that was stopped can hold the mutex for longer than anybody waits for it
  const drain = Effect.retry(Effect.repeat(next, { while: (found) => found }), Schedule.spaced("100 millis"))
  yield* drain
  yield* Stream.runForEach(changes, () => drain)
})

await Effect.runPromise(
  Effect.all([store, options.url === undefined ? Effect.void : deliver], { concurrency: "unbounded" }).pipe(
    Effect.provide(storage)
  )
)

/**
 * A process of a fleet that shares an outbox: a client that stores events, sends them, or both. It prints a line for each
 * accepted event and for each report. Tests stop and kill it.
 */
import { MysqlClient } from "@effect/sql-mysql2"
import { PgClient } from "@effect/sql-pg"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect, Layer, LogLevel } from "effect"
import { Amplitude } from "effect-amplitude/Amplitude"
import type { EventStorage } from "effect-amplitude/EventStorage"
import { RedisEventStorage } from "effect-amplitude/RedisEventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { randomUUID } from "node:crypto"

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
  /** Where it sends events; undefined where it does not deliver. */
  readonly url: string | undefined
}

/** The body of a request. */
export interface Batch {
  readonly events: ReadonlyArray<{ readonly insert_id: string; readonly user_id: string }>
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

/** A client as an application has it. */
const amplitude = Amplitude.layerStorage({
  apiKey: "a-key",
  serverUrl: options.url ?? "http://127.0.0.1:1",
  deliver: options.url !== undefined,
  flushQueueSize: 50,
  flushInterval: "100 millis",
  flushConcurrency: 2,
  bufferCapacity: 10_000_000,
  overflow: "fail",
  logLevel: LogLevel.None,
  callback: (report) => print(`reported ${report._tag} ${report.event.insert_id}`)
}).pipe(Layer.provide(storage))

const print = (line: string) => Effect.sync(() => process.stdout.write(`${line}\n`))

const store = Effect.gen(function*() {
  const name = randomUUID()
  const one = (place: number) => {
    const id = `${name} ${place}`
    const user = `user-${Math.floor(Math.random() * options.users)}`
    // while the database does not answer an event is not accepted, and the process goes on
    return Effect.ignore(Effect.zipRight(
      Amplitude.trackOrFail({ event_type: "Stored", insert_id: id, user_id: user, event_properties: { place } }),
      print(`accepted ${id}`)
    ))
  }
  // one fiber tracks, since the order is only promised for tracks that happen one after the other
  yield* Effect.forEach(Array.from({ length: options.events }, (_, place) => place), one, { discard: true })
  yield* print("stored")
})

await Effect.runPromise(
  Effect.zipRight(store, options.url === undefined ? Effect.void : Effect.never).pipe(Effect.provide(amplitude))
)

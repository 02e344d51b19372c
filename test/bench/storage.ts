/**
 * What a storage costs beside the statements that nobody can avoid: one INSERT of many rows, and one SELECT and DELETE of as
 * many. Each figure is of one machine; read the ratios.
 *
 *     npm run bench -- storage
 *     npm run bench -- storage --contenders sqlite,postgres
 *
 * This program measures one storage, whose name is its argument.
 */
import { SqlClient } from "@effect/sql"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Context, Effect, Layer, Option } from "effect"
import type { Scope } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { RedisEventStorage } from "effect-amplitude/RedisEventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { eventOf } from "../storage/contract.js"
import { mariadb, missing } from "../support/mariadb.js"
import { postgres } from "../support/postgres.js"
import { temporaryFolder } from "../support/processes.js"
import { clientOf, missing as missingRedis, redis } from "../support/redis.js"
import { median } from "./statistics.js"

const [, , eventCount, name] = process.argv
const events = Number(eventCount ?? 50_000)
const rounds = 3
const groupSize = 500
const batchSize = 200

const json = JSON.stringify({ event_type: "Button Clicked", event_properties: { text: "x".repeat(440) } })
const roomy: EventStorage.AppendOptions = { capacity: 10_000_000, whenFull: "refuse" }
const limits: EventStorage.LeaseOptions = { maxEvents: batchSize, maxBytes: 1_000_000 }

interface Cost {
  /** Microseconds an event. */
  readonly wall: number
  readonly cpu: number
  /** The longest that the event loop stood still, in milliseconds. */
  readonly loop: number
}

const costOf = <E, R>(effect: Effect.Effect<unknown, E, R>, count: number): Effect.Effect<Cost, E, R> =>
  Effect.gen(function*() {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const cpu = process.cpuUsage()
    const start = performance.now()
    yield* effect
    const wall = performance.now() - start
    const { system, user } = process.cpuUsage(cpu)
    // a turn of the loop, so that the last delay is seen
    yield* Effect.sleep(2)
    delay.disable()
    return { wall: wall * 1000 / count, cpu: (system + user) / count, loop: delay.max / 1e6 }
  })

const show = (name: string, { cpu, loop, wall }: Cost, floor?: Cost) =>
  Effect.sync(() =>
    console.log(
      `  ${name.padEnd(34)} ${wall.toFixed(1).padStart(8)} us   ${cpu.toFixed(1).padStart(8)} us CPU   ${
        loop.toFixed(0).padStart(5)
      } ms loop${floor === undefined ? "" : `   ${(wall / floor.wall).toFixed(2)} x the plain statements`}`
    )
  )

/** The median of several rounds, those of different contenders in turns. The first one warms up. */
const race = <E, R>(contenders: ReadonlyArray<Effect.Effect<Cost, E, R>>) =>
  Effect.map(
    Effect.replicateEffect(Effect.all(contenders), 1 + rounds),
    ([, ...samples]) =>
      contenders.map((_, place) => {
        const costs = samples.map((sample) => sample[place]!)
        return {
          wall: median(costs.map(({ wall }) => wall)),
          cpu: median(costs.map(({ cpu }) => cpu)),
          loop: Math.max(...costs.map(({ loop }) => loop))
        }
      })
  )

const encoded = Array.from({ length: events }, (_, place) => eventOf(place, { lane: `user-${place % 1000}`, json }))

const shares = Array.from(
  { length: groupSize },
  (_, fiber) => encoded.filter((_, place) => place % groupSize === fiber)
)

/**
 * Fibers that each append one event after the other, without interruption, as a client does. What forking a fiber costs is no
 * part of an append.
 */
const append = (storage: EventStorage.Service) =>
  Effect.uninterruptible(Effect.forEach(
    shares,
    Effect.forEach((event) => storage.append([event], roomy), { discard: true }),
    { concurrency: "unbounded", discard: true }
  ))

/** What is no part of a storage: as many fibers, each of which waits once for each event. */
const wait = Effect.uninterruptible(Effect.forEach(
  shares,
  Effect.forEach(() =>
    Effect.async<void>((resume) => {
      setImmediate(() => resume(Effect.void))
    }), { discard: true }),
  { concurrency: "unbounded", discard: true }
))

const groups = Array.from(
  { length: Math.ceil(events / groupSize) },
  (_, group) => encoded.slice(group * groupSize, (group + 1) * groupSize)
)

/** The same events in calls of many, as `trackAll` makes them. */
const appendAll = (storage: EventStorage.Service) =>
  Effect.forEach(groups, ([first, ...rest]) => storage.append([first!, ...rest], roomy), { discard: true })

const deliver = (storage: EventStorage.Service) =>
  Effect.repeat(
    Effect.scoped(Effect.flatMap(
      storage.lease(limits),
      Option.match({
        onNone: () => Effect.succeed(0),
        onSome: ({ acknowledge, events }) => Effect.map(acknowledge(events), ({ length }) => length)
      })
    )),
    { until: (delivered) => delivered === 0 }
  )

const plainAppend = (sql: SqlClient.SqlClient, isPostgres: boolean) =>
  Effect.forEach(groups, (rows) =>
    isPostgres
      ? sql.unsafe("INSERT INTO plain (client, lane, json) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])", [
        rows.map(({ clientId }) => clientId),
        rows.map(({ lane }) => lane),
        rows.map(() => json)
      ])
      : sql.unsafe(
        `INSERT INTO plain (client, lane, json) VALUES ${rows.map(() => "(?, ?, ?)").join(", ")}`,
        rows.flatMap(({ clientId, lane }) => [clientId, lane, json])
      ), { discard: true })

const plainDeliver = (sql: SqlClient.SqlClient) =>
  Effect.repeat(
    Effect.flatMap(
      sql.unsafe<{ readonly seq: number }>(`SELECT seq, client, lane, json FROM plain ORDER BY seq LIMIT ${batchSize}`),
      (rows) =>
        rows.length === 0
          ? Effect.succeed(0)
          : Effect.as(
            sql.unsafe(`DELETE FROM plain WHERE seq IN (${rows.map(({ seq }) => seq).join(", ")})`),
            rows.length
          )
    ),
    { until: (delivered) => delivered === 0 }
  )

const seqColumn = {
  pg: "seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
  sqlite: "seq INTEGER PRIMARY KEY AUTOINCREMENT",
  mysql: "seq BIGINT AUTO_INCREMENT PRIMARY KEY"
} as const

const bulk = (storage: EventStorage.Service, count: number, laneOf: (place: number) => string) =>
  Effect.forEach(Array.from({ length: count / 1000 }, (_, group) => group), (group) => {
    const [first, ...rest] = Array.from(
      { length: 1000 },
      (_, place) => eventOf(group * 1000 + place, { lane: laneOf(place), json })
    )
    return storage.append([first!, ...rest], roomy)
  }, { discard: true })

const leases = (storage: EventStorage.Service, name: string) =>
  Effect.flatMap(
    Effect.replicateEffect(costOf(Effect.scoped(storage.lease(limits)), 1000), 5),
    (costs) =>
      Effect.sync(() =>
        console.log(`  ${name.padEnd(34)} ${median(costs.map(({ wall }) => wall)).toFixed(1).padStart(8)} ms a lease`)
      )
  )

/** `hasBadCases` tells whether a lease behind many rows is measured as well. */
const measure = (
  name: string,
  dialect: keyof typeof seqColumn,
  layer: Layer.Layer<SqlClient.SqlClient, unknown>,
  hasBadCases = true
): Effect.Effect<void, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    console.log(name)
    const context = yield* Layer.build(Layer.provideMerge(SqlEventStorage.layer(), layer))
    const storage = Context.get(context, EventStorage)
    const sql = Context.get(context, SqlClient.SqlClient)
    yield* sql.unsafe(`CREATE TABLE plain (${seqColumn[dialect]}, client VARCHAR(100), lane VARCHAR(100), json TEXT)`)
    const inTurns = (appending: Effect.Effect<unknown, unknown>, waiting: Effect.Effect<unknown>) =>
      race<unknown, never>([
        costOf(plainAppend(sql, dialect === "pg"), events),
        costOf(waiting, events),
        costOf(appending, events),
        costOf(plainDeliver(sql), events),
        costOf(deliver(storage), events)
      ])
    // the many fibers come last, since V8 allocates otherwise once they have waited
    for (
      const [calls, appending, waiting] of [
        ["one call of 500", appendAll, Effect.void],
        ["500 calls at a time", append, wait]
      ] as const
    ) {
      const [plainAppended, waited, appended, plainDelivered, delivered] = yield* inTurns(appending(storage), waiting)
      yield* show("plain INSERT of 500", plainAppended!)
      if (waiting === wait) yield* show("500 fibers that wait", waited!)
      yield* show(`append, ${calls}`, appended!, plainAppended)
      yield* show("plain SELECT and DELETE of 200", plainDelivered!)
      yield* show("lease and acknowledge of 200", delivered!, plainDelivered)
    }
    if (!hasBadCases) return
    yield* Effect.scoped(Effect.gen(function*() {
      yield* storage.append([eventOf(0, { lane: "busy", json })], roomy)
      yield* storage.lease(limits)
      yield* bulk(storage, 100_000, () => "busy")
      yield* bulk(storage, 1000, (place) => `free-${place}`)
      yield* leases(storage, "behind 100,000 rows of a busy lane")
    }))
    yield* sql.unsafe("DELETE FROM amplitude_outbox")
    if (dialect !== "pg") return
    const other = Context.get(yield* Layer.build(Layer.fresh(layer)), SqlClient.SqlClient)
    const isOpen = Effect.unsafeMakeLatch(false)
    yield* Effect.forkScoped(other.withTransaction(
      other.unsafe("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").pipe(
        Effect.zipRight(other.unsafe("SELECT count(*) FROM amplitude_outbox")),
        Effect.zipRight(isOpen.open),
        Effect.zipRight(Effect.never)
      )
    ))
    yield* isOpen.await
    yield* bulk(storage, 200_000, (place) => `dead-${place}`)
    yield* sql.unsafe("DELETE FROM amplitude_outbox")
    yield* bulk(storage, 1000, (place) => `alive-${place}`)
    yield* leases(storage, "behind 200,000 dead rows")
  })

const memory = Effect.gen(function*() {
  console.log("in memory")
  const storage = Context.get(yield* Layer.build(EventStorage.layerMemory), EventStorage)
  const [waited, appended, delivered] = yield* race([
    costOf(wait, events),
    costOf(append(storage), events),
    costOf(deliver(storage), events)
  ])
  yield* show("500 fibers that wait", waited!)
  yield* show("append, 500 calls at a time", appended!)
  yield* show("lease and acknowledge of 200", delivered!)
})

const inRedis = Effect.gen(function*() {
  console.log("Redis 7, with an append-only file")
  const { port } = yield* redis()
  const client = yield* clientOf(port)
  const storage = Context.get(yield* Layer.build(RedisEventStorage.layer({ client })), EventStorage)
  const info = (section: string, field: string) =>
    Effect.map(
      Effect.promise(() => client.info(section)),
      (text) => Number(new RegExp(`^${field}:(\\S+)`, "m").exec(text)?.[1])
    )
  const cpu = Effect.zipWith(info("cpu", "used_cpu_user"), info("cpu", "used_cpu_sys"), (user, system) => user + system)
  const before = yield* cpu
  const [appended, delivered] = yield* race([costOf(append(storage), events), costOf(deliver(storage), events)])
  yield* show("append, 500 calls at a time", appended!)
  yield* show("lease and acknowledge of 200", delivered!)
  const used = ((yield* cpu) - before) * 1e6 / (rounds * events)
  console.log(`  CPU of the server, of both together ${used.toFixed(1)} us an event`)
  const empty = yield* info("memory", "used_memory")
  yield* append(storage)
  const bytes = ((yield* info("memory", "used_memory")) - empty) / events
  console.log(
    `  memory of a waiting event           ${bytes.toFixed(0)} bytes, ${(bytes / json.length).toFixed(2)} x its JSON`
  )
})

const onSqlite = Effect.flatMap(
  temporaryFolder,
  (folder) => measure("SQLite", "sqlite", SqliteClient.layer({ filename: join(folder, "bench.db") }))
)

const onPostgres = Effect.flatMap(postgres(18), ({ layer }) => measure("Postgres 18", "pg", layer()))

/** As a server is by default: each commit waits for the disk. */
const onDurablePostgres = Effect.flatMap(
  postgres(18, ["fsync=on"]),
  ({ layer }) => measure("Postgres 18, each commit on the disk", "pg", layer(), false)
)

const onMariaDB = missing.length > 0
  ? Effect.sync(() => console.log(`MariaDB: not measured, ${missing.join(", ")} not found`))
  : Effect.flatMap(mariadb, ({ layer }) => measure("MariaDB", "mysql", layer()))

const onRedis = missingRedis.length > 0
  ? Effect.sync(() => console.log(`Redis: not measured, ${missingRedis.join(", ")} not found`))
  : inRedis

const all = {
  memory,
  sqlite: onSqlite,
  postgres: onPostgres,
  "postgres-durable": onDurablePostgres,
  redis: onRedis,
  mariadb: onMariaDB
}

await Effect.runPromise(Effect.scoped(all[name as keyof typeof all]))

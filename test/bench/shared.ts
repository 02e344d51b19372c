/**
 * The storages that processes share, in one run: memory, Postgres and Redis take turns, round after round. Two that are
 * compared keep the same promise: what they accepted survives a power cut, but for the last second or for nothing.
 *
 *     npm run bench -- shared
 *
 * Beside them is what nobody can be faster than: the plainest queue on each server, without lanes, leases and retries, through
 * the same client.
 */
import { SqlClient } from "@effect/sql"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Option } from "effect"
import type { Scope } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { RedisEventStorage } from "effect-amplitude/RedisEventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { eventOf } from "../storage/contract.js"
import { postgres } from "../support/postgres.js"
import { temporaryFolder } from "../support/processes.js"
import { clientOf, missing, redis } from "../support/redis.js"
import { median } from "./statistics.js"

/** A process that is one client of a fleet gets what it is connected to. The others get what is measured. */
const [, , eventCount = "20000", roundCount = "5", ...only] = process.argv
const events = Number(eventCount)
const rounds = Number(roundCount)

/** How many fibers append one event after the other, and how many lease batches: each storage is busy all the time. */
const appenders = 1000
const leasers = 4
const batchSize = 200
const groupSize = 500
const lanes = 5000
const clients = 4

const json = JSON.stringify({ event_type: "Button Clicked", event_properties: { text: "x".repeat(440) } })
const roomy: EventStorage.AppendOptions = { capacity: 10_000_000, whenFull: "refuse" }
const limits: EventStorage.LeaseOptions = { maxEvents: batchSize, maxBytes: 1_000_000 }

type Events = NonEmptyReadonlyArray<EventStorage.EncodedEvent>

interface Place {
  readonly kind: "postgres" | "redis"
  readonly port: number
}

interface Contender {
  readonly name: string
  readonly storage: EventStorage.Service
  /** Where processes of their own can reach it. */
  readonly place: Place | undefined
  /** What the plainest queue does with as many events. */
  readonly plain: { readonly append: Effect.Effect<unknown>; readonly deliver: Effect.Effect<unknown> } | undefined
  /** What the server has used so far, in seconds. */
  readonly serverCpu: Effect.Effect<number>
  /** The memory in use, in bytes. */
  readonly serverMemory: Effect.Effect<number> | undefined
}

interface Cost {
  /** Events a second. */
  readonly rate: number
  /** CPU in microseconds an event. */
  readonly client: number
  readonly server: number
}

/** `work` answers the CPU of other processes that were clients, in microseconds. */
const costOf = ({ serverCpu }: Contender, work: Effect.Effect<unknown, unknown>): Effect.Effect<Cost, unknown> =>
  Effect.gen(function*() {
    const serverBefore = yield* serverCpu
    const before = process.cpuUsage()
    const start = performance.now()
    const others = yield* work
    const millis = performance.now() - start
    const { system, user } = process.cpuUsage(before)
    const client = typeof others === "number" ? others : system + user
    const server = (yield* serverCpu) - serverBefore
    return { rate: events * 1000 / millis, client: client / events, server: server * 1e6 / events }
  })

const encodedOf = (clientId: string, count: number): ReadonlyArray<EventStorage.EncodedEvent> =>
  Array.from({ length: count }, (_, place) => eventOf(place, { clientId, lane: `user-${place % lanes}`, json }))

/** One event after the other in each of many fibers, as calls of `track` do: without interruption, as a client appends. */
const appendEach = (storage: EventStorage.Service, encoded: ReadonlyArray<EventStorage.EncodedEvent>) =>
  Effect.uninterruptible(Effect.forEach(
    Array.from({ length: appenders }, (_, fiber) => encoded.filter((_, place) => place % appenders === fiber)),
    Effect.forEach((event) => storage.append([event], roomy), { discard: true }),
    { concurrency: "unbounded", discard: true }
  ))

const groupsOf = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from(
    { length: Math.ceil(all.length / groupSize) },
    (_, group) => all.slice(group * groupSize, (group + 1) * groupSize)
  )

/** The same events in calls of many, as `trackAll` makes them. */
const appendAll = (storage: EventStorage.Service, encoded: ReadonlyArray<EventStorage.EncodedEvent>) =>
  Effect.forEach(groupsOf(encoded), (group) => storage.append(group as unknown as Events, roomy), {
    concurrency: leasers,
    discard: true
  })

/** Leases and acknowledges batches until nothing is left. */
const deliver = (storage: EventStorage.Service) => {
  const next = Effect.scoped(Effect.flatMap(
    storage.lease(limits),
    Option.match({
      // the rest is in other leases, or in lanes that are not free
      onNone: () => Effect.delay(Effect.map(storage.count(), (count) => count === 0), 1),
      onSome: ({ acknowledge, events }) => Effect.as(acknowledge(events), false)
    })
  ))
  return Effect.all(
    Array.from({ length: leasers }, () => Effect.repeat(next, { until: (isDone) => isDone })),
    { concurrency: "unbounded", discard: true }
  )
}

const operations = { append: appendEach, "append, calls of 500": appendAll, deliver }

type Operation = keyof typeof operations

const inMemory: Effect.Effect<Contender, unknown, Scope.Scope> = Effect.map(
  Layer.build(EventStorage.layerMemory),
  (context) => ({
    name: "memory",
    storage: Context.get(context, EventStorage),
    place: undefined,
    plain: undefined,
    serverCpu: Effect.succeed(0),
    serverMemory: undefined
  })
)

const ticks = 100

/** The CPU of a process and its children, ended ones included, in seconds. */
const cpuOf = (pid: number): number =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).reduce((sum, name) => {
    let stat: string
    try {
      stat = readFileSync(`/proc/${name}/stat`, "utf8")
    } catch {
      return sum
    }
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number)
    const own = fields[11]! + fields[12]!
    if (Number(name) === pid) return sum + own + fields[13]! + fields[14]!
    return fields[1] === pid ? sum + own : sum
  }, 0) / ticks

const postgresAt = (port: number) =>
  Layer.provideMerge(
    Layer.fresh(SqlEventStorage.layer()),
    PgClient.layer({
      host: "127.0.0.1",
      port,
      username: "postgres",
      database: "postgres",
      maxConnections: leasers + 2
    })
  )

const plainRows = groupsOf(Array.from({ length: events }, () => json))

const inPostgres = (
  name: string,
  settings: ReadonlyArray<string>
): Effect.Effect<Contender, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const { port } = yield* postgres(18, settings)
    const context = yield* Layer.build(postgresAt(port))
    const sql = Context.get(context, SqlClient.SqlClient)
    const rows = yield* sql.unsafe<{ readonly pid: number }>("SELECT pg_backend_pid() AS pid")
    const parent = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${rows[0]!.pid}/status`, "utf8"))![1])
    yield* sql.unsafe("CREATE TABLE plain (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, json text)")
    const insert = (texts: ReadonlyArray<string>) =>
      sql.unsafe("INSERT INTO plain (json) SELECT * FROM unnest($1::text[])", [texts])
    const takeSome = sql.unsafe(
      `DELETE FROM plain WHERE seq IN (SELECT seq FROM plain ORDER BY seq LIMIT ${batchSize} FOR UPDATE SKIP LOCKED) ` +
        "RETURNING json"
    )
    return {
      name,
      storage: Context.get(context, EventStorage),
      place: { kind: "postgres", port },
      plain: {
        append: Effect.orDie(Effect.forEach(plainRows, insert, { concurrency: leasers, discard: true })),
        deliver: Effect.orDie(Effect.all(
          Array.from({ length: leasers }, () => Effect.repeat(takeSome, { while: ({ length }) => length > 0 })),
          { concurrency: "unbounded" }
        ))
      },
      serverCpu: Effect.sync(() => cpuOf(parent)),
      serverMemory: undefined
    }
  })

const inRedis = (name: string, appendfsync: string): Effect.Effect<Contender, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const { port } = yield* redis(["--appendonly", "yes", "--appendfsync", appendfsync, "--dir", folder])
    const client = yield* clientOf(port)
    const info = (section: string, field: string) =>
      Effect.map(
        Effect.promise(() => client.info(section)),
        (text) => Number(new RegExp(`^${field}:(\\S+)`, "m").exec(text)![1])
      )
    const take = Effect.promise(() => client.lpopBuffer("plain", batchSize) as Promise<ReadonlyArray<Buffer> | null>)
    return {
      name,
      storage: Context.get(yield* Layer.build(RedisEventStorage.layer({ client })), EventStorage),
      place: { kind: "redis", port },
      plain: {
        append: Effect.forEach(plainRows, (texts) => Effect.promise(() => client.rpush("plain", ...texts)), {
          concurrency: leasers,
          discard: true
        }),
        deliver: Effect.all(
          Array.from({ length: leasers }, () => Effect.repeat(take, { while: (texts) => texts !== null })),
          { concurrency: "unbounded" }
        )
      },
      serverCpu: Effect.zipWith(info("cpu", "used_cpu_user"), info("cpu", "used_cpu_sys"), (user, sys) => user + sys),
      serverMemory: info("memory", "used_memory")
    }
  })

/** Clients of a storage, each in a process of its own. What it runs answers the CPU that they used, in microseconds. */
const fleetOf = (place: Place) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const children = await Promise.all(Array.from({ length: clients }, async (_, index) => {
        const args = [
          process.argv[1]!,
          "client",
          place.kind,
          String(place.port),
          String(events / clients),
          String(index)
        ]
        const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] })
        const lines = createInterface({ input: child.stdout })
        await once(lines, "line")
        return { child, lines }
      }))
      return {
        children,
        run: async (operation: Operation) => {
          const answers = children.map(({ lines }) => once(lines, "line") as Promise<[string]>)
          for (const { child } of children) child.stdin.write(`${operation}\n`)
          return (await Promise.all(answers)).reduce((sum, [cpu]) => sum + Number(cpu), 0)
        }
      }
    }),
    ({ children }) => Effect.sync(() => children.forEach(({ child }) => child.kill()))
  )

/** One of the clients of a fleet: it does what it is told, and answers the CPU that it took. */
const client = (kind: string, port: number, count: number, name: string) =>
  Effect.gen(function*() {
    const layer: Layer.Layer<EventStorage, unknown> = kind === "postgres"
      ? postgresAt(port)
      : RedisEventStorage.layer({ client: yield* clientOf(port) })
    const storage = Context.get(yield* Layer.build(layer), EventStorage)
    const encoded = encodedOf(`client ${name}`, count)
    const lines = createInterface({ input: process.stdin })
    console.log("ready")
    return yield* Effect.forever(Effect.gen(function*() {
      const [operation] = (yield* Effect.promise(() => once(lines, "line"))) as [Operation]
      const before = process.cpuUsage()
      yield* operations[operation](storage, encoded)
      const { system, user } = process.cpuUsage(before)
      console.log(String(system + user))
    }))
  })

const all: ReadonlyArray<
  readonly [name: string, make: (name: string) => Effect.Effect<Contender, unknown, Scope.Scope>]
> = [
  ["memory", () => inMemory],
  ["postgres, the last second can be lost", (name) => inPostgres(name, ["fsync=on", "synchronous_commit=off"])],
  ["redis, the last second can be lost", (name) => inRedis(name, "everysec")],
  ["postgres, nothing can be lost", (name) => inPostgres(name, ["fsync=on"])],
  ["redis, nothing can be lost", (name) => inRedis(name, "always")]
]

const show = (operation: string, name: string, costs: ReadonlyArray<Cost>, other: ReadonlyArray<Cost> | undefined) => {
  const of = (field: keyof Cost) => median(costs.map((cost) => cost[field]))
  const ratio = other === undefined ? NaN : of("rate") / median(other.map(({ rate }) => rate))
  console.log(
    `  ${operation.padEnd(34)} ${name.padEnd(38)} ${of("rate").toFixed(0).padStart(8)} a second   ` +
      `${of("client").toFixed(1).padStart(6)} us CPU of the clients   ${
        of("server").toFixed(1).padStart(6)
      } us of the server` +
      (Number.isNaN(ratio) ? "" : `   ${ratio.toFixed(2)} x Postgres`)
  )
}

const program = Effect.gen(function*() {
  if (missing.length > 0) console.log(`Redis: not measured, ${missing.join(", ")} not found`)
  const wanted = all.filter(([name]) =>
    (missing.length === 0 || !name.startsWith("redis")) &&
    (only.length === 0 || only.some((part) => name.includes(part)))
  )
  const contenders = yield* Effect.forEach(wanted, ([name, make]) => make(name))
  const fleets = new Map(
    yield* Effect.all(
      contenders.flatMap((contender) =>
        contender.place === undefined
          ? []
          : [Effect.map(fleetOf(contender.place), (fleet) => [contender, fleet] as const)]
      )
    )
  )
  const encoded = encodedOf("client", events)
  /** By operation and contender. */
  const figures = new Map<string, Map<string, Array<Cost>>>()
  // the first round warms up
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const take = (operation: string, work: Effect.Effect<unknown, unknown>) =>
        Effect.map(costOf(contender, work), (cost) => {
          if (round === 0) return
          const costs = figures.get(operation) ?? new Map<string, Array<Cost>>()
          figures.set(operation, costs.set(contender.name, [...costs.get(contender.name) ?? [], cost]))
        })
      for (const appending of ["append", "append, calls of 500"] as const) {
        yield* take(appending, operations[appending](contender.storage, encoded))
        yield* take("deliver", deliver(contender.storage))
      }
      const fleet = fleets.get(contender)
      if (fleet !== undefined) {
        const run = (operation: Operation) =>
          take(`${operation}, ${clients} processes`, Effect.promise(() => fleet.run(operation)))
        yield* run("append, calls of 500")
        yield* run("deliver")
      }
      if (contender.plain !== undefined) {
        yield* take("plain queue: append 500", contender.plain.append)
        yield* take("plain queue: take 200", contender.plain.deliver)
      }
    }
  }
  for (const [operation, costs] of figures) {
    for (const [name, taken] of costs) show(operation, name, taken, costs.get(name.replace("redis", "postgres")))
  }
  for (const contender of contenders) {
    if (contender.serverMemory === undefined) continue
    const empty = yield* contender.serverMemory
    yield* appendEach(contender.storage, encoded)
    const bytes = ((yield* contender.serverMemory) - empty) / events
    yield* deliver(contender.storage)
    console.log(
      `  a waiting event in ${contender.name}: ${bytes.toFixed(0)} bytes, ${
        (bytes / json.length).toFixed(2)
      } x its JSON`
    )
  }
})

const [, , mode, kind, port, count, name] = process.argv
await Effect.runPromise(Effect.scoped<unknown, unknown, Scope.Scope>(
  mode === "client" ? client(kind!, Number(port), Number(count), name!) : program
))

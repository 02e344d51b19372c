/**
 * The storages that processes share, in one run: memory, Postgres and Redis take turns, round after round. Two that are
 * compared keep the same promise: what they accepted survives a power cut, but for the last second or for nothing.
 *
 *     npm run bench -- shared
 */
import { SqlClient } from "@effect/sql"
import { Context, Effect, Layer, Option } from "effect"
import type { Scope } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { RedisEventStorage } from "effect-amplitude/RedisEventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { readdirSync, readFileSync } from "node:fs"
import { eventOf } from "../storage/contract.js"
import { postgres } from "../support/postgres.js"
import { temporaryFolder } from "../support/processes.js"
import { clientOf, missing, redis } from "../support/redis.js"
import { median } from "./statistics.js"

const [, , eventCount = "20000", roundCount = "5", ...only] = process.argv
const events = Number(eventCount)
const rounds = Number(roundCount)

/** How many fibers append one event after the other, and how many lease batches: each storage is busy all the time. */
const appenders = 1000
const leasers = 4
const batchSize = 200
const lanes = 1000

const json = JSON.stringify({ event_type: "Button Clicked", event_properties: { text: "x".repeat(440) } })
const roomy: EventStorage.AppendOptions = { capacity: 10_000_000, whenFull: "refuse" }
const limits: EventStorage.LeaseOptions = { maxEvents: batchSize, maxBytes: 1_000_000 }

interface Contender {
  readonly name: string
  readonly storage: EventStorage.Service
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

const costOf = ({ serverCpu }: Contender, work: Effect.Effect<unknown, unknown>): Effect.Effect<Cost, unknown> =>
  Effect.gen(function*() {
    const serverBefore = yield* serverCpu
    const before = process.cpuUsage()
    const start = performance.now()
    yield* work
    const millis = performance.now() - start
    const { system, user } = process.cpuUsage(before)
    const server = (yield* serverCpu) - serverBefore
    return { rate: events * 1000 / millis, client: (system + user) / events, server: server * 1e6 / events }
  })

const encoded = Array.from({ length: events }, (_, place) => eventOf(place, { lane: `user-${place % lanes}`, json }))

const shares = Array.from(
  { length: appenders },
  (_, fiber) => encoded.filter((_, place) => place % appenders === fiber)
)

/** Without interruption, as a client appends. */
const append = ({ storage }: Contender) =>
  Effect.uninterruptible(Effect.forEach(
    shares,
    Effect.forEach((event) => storage.append([event], roomy), { discard: true }),
    { concurrency: "unbounded", discard: true }
  ))

const deliver = ({ storage }: Contender) =>
  Effect.suspend(() => {
    let left = events
    const next = Effect.scoped(Effect.flatMap(
      storage.lease(limits),
      Option.match({
        onNone: () => Effect.yieldNow(),
        onSome: ({ acknowledge, events }) =>
          Effect.map(acknowledge(events), ({ length }) => {
            left -= length
          })
      })
    ))
    return Effect.all(
      Array.from({ length: leasers }, () => Effect.repeat(next, { until: () => left <= 0 })),
      { concurrency: "unbounded", discard: true }
    )
  })

const inMemory: Effect.Effect<Contender, unknown, Scope.Scope> = Effect.map(
  Layer.build(EventStorage.layerMemory),
  (context) => ({
    name: "memory",
    storage: Context.get(context, EventStorage),
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

const inPostgres = (
  name: string,
  settings: ReadonlyArray<string>
): Effect.Effect<Contender, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const { layer } = yield* postgres(18, settings)
    const context = yield* Layer.build(
      Layer.provideMerge(Layer.fresh(SqlEventStorage.layer()), layer({ maxConnections: leasers + 2 }))
    )
    const rows = yield* Context.get(context, SqlClient.SqlClient).unsafe<{ readonly pid: number }>(
      "SELECT pg_backend_pid() AS pid"
    )
    const parent = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${rows[0]!.pid}/status`, "utf8"))![1])
    return {
      name,
      storage: Context.get(context, EventStorage),
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
    return {
      name,
      storage: Context.get(yield* Layer.build(RedisEventStorage.layer({ client })), EventStorage),
      serverCpu: Effect.zipWith(info("cpu", "used_cpu_user"), info("cpu", "used_cpu_sys"), (user, sys) => user + sys),
      serverMemory: info("memory", "used_memory")
    }
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
    `  ${operation.padEnd(8)} ${name.padEnd(38)} ${of("rate").toFixed(0).padStart(8)} a second   ` +
      `${of("client").toFixed(1).padStart(6)} us CPU of the client   ${
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
  const appends = new Map<string, Array<Cost>>()
  const deliveries = new Map<string, Array<Cost>>()
  // the first round warms up
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const appended = yield* costOf(contender, append(contender))
      const delivered = yield* costOf(contender, deliver(contender))
      if (round === 0) continue
      appends.set(contender.name, [...appends.get(contender.name) ?? [], appended])
      deliveries.set(contender.name, [...deliveries.get(contender.name) ?? [], delivered])
    }
  }
  for (const [operation, costs] of [["append", appends], ["deliver", deliveries]] as const) {
    for (const [name, taken] of costs) show(operation, name, taken, costs.get(name.replace("redis", "postgres")))
  }
  for (const contender of contenders) {
    if (contender.serverMemory === undefined) continue
    const empty = yield* contender.serverMemory
    yield* append(contender)
    const bytes = ((yield* contender.serverMemory) - empty) / events
    yield* deliver(contender)
    console.log(
      `  a waiting event in ${contender.name}: ${bytes.toFixed(0)} bytes, ${
        (bytes / json.length).toFixed(2)
      } x its JSON`
    )
  }
})

await Effect.runPromise(Effect.scoped(program))

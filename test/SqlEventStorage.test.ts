/** `SqlEventStorage` without the contract of storages: options, statistics, dead letters, and databases that fail. */
import { SqlClient, SqlError } from "@effect/sql"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert, describe, it } from "@effect/vitest"
import {
  Context,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Metric,
  Option,
  Redacted,
  Scope,
  TestClock
} from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Sql } from "../src/internal/storage/sql/dialect.js"
import { tablesOf } from "../src/internal/storage/sql/dialect.js"
import { mysql } from "../src/internal/storage/sql/mysql.js"
import { eventOf, jsonOf } from "./storage/contract.js"
import { refuseArguments, sendOneAgain } from "./support/deadLetters.js"
import { mariadbWith, missing } from "./support/mariadb.js"
import { postgres } from "./support/postgres.js"
import type { Daemon } from "./support/processes.js"
import { temporaryFolder } from "./support/processes.js"
import { freshTable, shared } from "./support/sqlContract.js"
import type { TestDatabase } from "./support/sqlDatabases.js"
import { onDatabases } from "./support/sqlDatabases.js"

const roomy: EventStorage.AppendOptions = { capacity: 10_000_000, whenFull: "refuse" }
const all: EventStorage.LeaseOptions = { maxEvents: 1000, maxBytes: 10_000_000 }
const rejected: EventStorage.Dropped = { reason: "Rejected", code: 400, message: "Invalid event" }

const clientOf = (layer: Layer.Layer<SqlClient.SqlClient, unknown>) =>
  Effect.map(Layer.build(Layer.fresh(layer)), Context.get(SqlClient.SqlClient))

const storageOn = (client: SqlClient.SqlClient, options: SqlEventStorage.Options) =>
  Layer.build(SqlEventStorage.layer(options).pipe(Layer.provide(Layer.succeed(SqlClient.SqlClient, client))))

const drain = (storage: EventStorage.Service): Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>, unknown> =>
  Effect.flatMap(
    Effect.scoped(Effect.flatMap(
      storage.lease(all),
      Option.match({
        onNone: () => Effect.succeed<ReadonlyArray<EventStorage.EncodedEvent>>([]),
        onSome: ({ acknowledge, events }) => acknowledge(events)
      })
    )),
    (events) =>
      events.length === 0 ? Effect.succeed(events) : Effect.map(drain(storage), (rest) => [...events, ...rest])
  )

const drainOnce = (storage: EventStorage.Service) =>
  Effect.scoped(Effect.flatMap(
    storage.lease(all),
    Option.match({
      onNone: () => Effect.succeed<ReadonlyArray<number>>([]),
      onSome: ({ acknowledge, events }) =>
        Effect.map(acknowledge(events), (ours) => ours.map(({ sequence }) => sequence))
    })
  ))

const manyEvents = (from: number, to: number, json?: string) => {
  const [first, ...rest] = Array.from(
    { length: to - from },
    (_, index) => eventOf(from + index, { lane: `lane ${index % 100}`, ...(json === undefined ? {} : { json }) })
  )
  return [first!, ...rest] as const
}

/** `OUTBOX_BACKLOG=1000000` drains a million events. The default is enough to see that a table shrinks. */
const backlog = process.env["OUTBOX_BACKLOG"] === undefined ? undefined : Number(process.env["OUTBOX_BACKLOG"])

const backlogLimit = 60_000 + (backlog ?? 0)

const tell = (text: string) => backlog === undefined ? Effect.void : Effect.logInfo(text)

const fill = (storage: EventStorage.Service, events: number) =>
  Effect.gen(function*() {
    const json = JSON.stringify("x".repeat(500))
    for (let from = 0; from < events; from += 1000) {
      yield* storage.append(manyEvents(from, Math.min(events, from + 1000), json), roomy)
    }
  })

/** The number of events of a storage. */
const drained = (storage: EventStorage.Service) =>
  Effect.gen(function*() {
    const start = Date.now()
    let events = 0
    let leases = 0
    let longest = 0
    for (let last = -1; last !== 0;) {
      const begin = Date.now()
      last = yield* Effect.scoped(Effect.flatMap(
        storage.lease(all),
        Option.match({
          onNone: () => Effect.succeed(0),
          onSome: ({ acknowledge, events }) => Effect.map(acknowledge(events), ({ length }) => length)
        })
      ))
      longest = Math.max(longest, Date.now() - begin)
      leases++
      events += last
    }
    yield* tell(`${events} events in ${leases} leases and ${Date.now() - start} ms, the longest took ${longest} ms`)
    return events
  })

const tests = ({ database, dialect }: TestDatabase) => {
  const setup = (options: SqlEventStorage.Options = {}) =>
    Effect.gen(function*() {
      const client = yield* clientOf(yield* database)
      const table = yield* freshTable
      const context = yield* storageOn(client, { table, ...options })
      return { client, table, context, storage: Context.get(context, EventStorage) }
    })

  it.scopedLive("the text of ddl creates tables that a storage without `migrate` uses", () =>
    Effect.gen(function*() {
      const client = yield* clientOf(yield* database)
      const table = yield* freshTable
      const error = yield* Effect.flip(storageOn(client, { table, migrate: false }))
      assert.strictEqual(error._tag, "StorageError")
      assert.include(error.message, table)
      assert.include(error.message, "SqlEventStorage.ddl")
      for (const text of SqlEventStorage.ddl(dialect, table).split(";\n").filter((text) => text.trim() !== "")) {
        yield* client.unsafe(text)
      }
      const context = yield* storageOn(client, { table, migrate: false, deadLetters: true })
      const storage = Context.get(context, EventStorage)
      yield* storage.append([eventOf(1)], roomy)
      assert.lengthOf(yield* drain(storage), 1)
    }))

  it.scopedLive("many processes create the tables at the same time", () =>
    Effect.gen(function*() {
      const layer = yield* database
      const table = yield* freshTable
      yield* Effect.forEach(Array.from({ length: 6 }), () =>
        Effect.flatMap(clientOf(layer), (client) => storageOn(client, { table })), { concurrency: "unbounded" })
    }))

  it.scopedLive("a table of another shape is named when the layer is built", () =>
    Effect.gen(function*() {
      const client = yield* clientOf(yield* database)
      const table = yield* freshTable
      yield* client.unsafe(`CREATE TABLE ${table} (seq INTEGER PRIMARY KEY, client VARCHAR(10))`)
      const error = yield* Effect.flip(storageOn(client, { table }))
      assert.strictEqual(error._tag, "StorageError")
      assert.include(error.message, "choose another `table`")
    }))

  it.scopedLive("concurrent appends are committed in groups", () =>
    Effect.gen(function*() {
      const { client, storage } = yield* setup()
      let statements = 0
      const unsafe = client.unsafe
      Object.assign(client, {
        unsafe: (text: string, params?: ReadonlyArray<unknown>) => {
          if (text.startsWith("INSERT")) statements++
          return unsafe(text, params)
        }
      })
      yield* Effect.forEach(manyEvents(0, 1000), (event) => storage.append([event], roomy), {
        concurrency: "unbounded",
        discard: true
      })
      assert.strictEqual(yield* storage.count(), 1000)
      // at most 500 events a group, each in a few statements of fixed sizes
      assert.isAtMost(statements, 30)
    }))

  it.scopedLive("an event that the database refuses fails alone, not the others of its group", () =>
    Effect.gen(function*() {
      const { storage } = yield* setup()
      const impossible = { ...eventOf(3), clientId: null as unknown as string }
      const exits = yield* Effect.forEach(
        [eventOf(1), eventOf(2), impossible, eventOf(4)],
        (event) => Effect.exit(storage.append([event], roomy)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, true, false, true])
      assert.deepStrictEqual((yield* drain(storage)).map(({ sequence }) => sequence), [1, 2, 4])
    }))

  it.scopedLive("an event whose append had no answer is removed after the next append, without a lease", () =>
    Effect.gen(function*() {
      const { client, storage } = yield* setup()
      const unsafe = client.unsafe
      const lost = new SqlError.SqlError({ cause: new Error("the connection broke"), message: "no answer" })
      Object.assign(client, {
        unsafe: (text: string, params?: ReadonlyArray<unknown>) =>
          text.startsWith("INSERT") ? Effect.zipRight(unsafe(text, params), lost) : unsafe(text, params)
      })
      const error = yield* Effect.flip(storage.append([eventOf(1)], roomy))
      assert.strictEqual(error.message, "append: the connection broke")
      assert.strictEqual(yield* storage.count(), 1)
      Object.assign(client, { unsafe })
      yield* storage.append([eventOf(2)], roomy)
      // the removal follows the append, and another append follows it
      yield* storage.append([eventOf(3)], roomy)
      assert.strictEqual(yield* storage.count(), 2)
      assert.deepStrictEqual((yield* drain(storage)).map(({ sequence }) => sequence), [2, 3])
    }))

  it.scopedLive("dead letters are listed, sent again and purged", () =>
    Effect.gen(function*() {
      const { context, storage } = yield* setup({ deadLetters: true })
      const deadLetters = SqlEventStorage.deadLetters
      yield* Effect.gen(function*() {
        yield* storage.append(manyEvents(0, 5), roomy)
        const lease = Option.getOrThrow(yield* storage.lease(all))
        yield* lease.acknowledge(lease.events.slice(0, 1))
        assert.lengthOf(yield* lease.acknowledge(lease.events.slice(1, 4), { dropped: rejected }), 3)
        assert.deepStrictEqual(yield* lease.acknowledge(lease.events.slice(1, 4), { dropped: rejected }), [])
        const dead = yield* deadLetters.list()
        assert.deepStrictEqual(dead.map(({ code, json, message, reason }) => ({ code, json, message, reason })), [
          ...lease.events.slice(1, 4).map((event) => ({ ...rejected, json: jsonOf(event) }))
        ])
        assert.deepStrictEqual(dead.map(({ lane }) => lane), ["lane 1", "lane 2", "lane 3"])
        assert.isTrue(dead.every(({ droppedAt }) => Math.abs(droppedAt - Date.now()) < 60_000))
        assert.deepStrictEqual((yield* deadLetters.list({ after: dead[0]!.id, limit: 1 })).map(({ id }) => id), [
          dead[1]!.id
        ])

        assert.strictEqual(yield* deadLetters.sendAgain([dead[0]!.id, dead[2]!.id, 123_456]), 2)
        assert.strictEqual(yield* deadLetters.sendAgain([dead[0]!.id]), 0)
        yield* lease.acknowledge(lease.events)
        const again = yield* drain(storage)
        assert.deepStrictEqual(again.map(jsonOf), [dead[0]!.json, dead[2]!.json])
        assert.deepStrictEqual(again.map(({ attempts, lane }) => [lane, attempts]), [["lane 1", 0], ["lane 3", 0]])

        assert.strictEqual(yield* deadLetters.purge({ olderThan: "1 hour" }), 0)
        assert.strictEqual(yield* deadLetters.purge({ ids: [123_456] }), 0)
        assert.strictEqual(yield* deadLetters.purge({ olderThan: 0 }), 1)
        assert.deepStrictEqual(yield* deadLetters.list(), [])
      }).pipe(Effect.provide(context))
    }))

  it.scopedLive("events that are sent again are not those of another storage", () =>
    Effect.gen(function*() {
      const sentAgain = Effect.gen(function*() {
        const { context, storage } = yield* setup({ deadLetters: true })
        yield* Effect.provide(sendOneAgain(storage, SqlEventStorage.deadLetters), context)
        return yield* drain(storage)
      })
      const [one, other] = [yield* sentAgain, yield* sentAgain]
      assert.deepStrictEqual(one.map(({ sequence }) => sequence), other.map(({ sequence }) => sequence))
      assert.notDeepEqual(one.map(({ clientId }) => clientId), other.map(({ clientId }) => clientId))
    }))

  it.scopedLive("wrong arguments of dead letters are named, and delete nothing", () =>
    Effect.gen(function*() {
      const { context, storage } = yield* setup({ deadLetters: true })
      yield* Effect.provide(refuseArguments(storage, SqlEventStorage.deadLetters), context)
    }))

  it.scopedLive("dead letters take any message and any duration", () =>
    Effect.gen(function*() {
      const { context, storage } = yield* setup({ deadLetters: true })
      yield* storage.append(manyEvents(0, 2), roomy)
      const lease = Option.getOrThrow(yield* storage.lease(all))
      const message = "a \u0000 and half a pair \ud800"
      assert.lengthOf(yield* lease.acknowledge(lease.events, { dropped: { ...rejected, message } }), 2)
      yield* Effect.gen(function*() {
        const dead = yield* SqlEventStorage.deadLetters.list()
        assert.deepStrictEqual(dead.map(({ message }) => message), Array(2).fill("a \ufffd and half a pair \ufffd"))
        assert.strictEqual(yield* SqlEventStorage.deadLetters.purge({ olderThan: Duration.minutes(1 / 7) }), 0)
        assert.strictEqual(yield* SqlEventStorage.deadLetters.purge({ olderThan: Duration.infinity }), 0)
      }).pipe(Effect.provide(context))
    }))

  it.scopedLive("an event of the longest lane can be paused", () =>
    Effect.gen(function*() {
      const { storage } = yield* setup()
      // text that hardly compresses, three bytes for each character
      const lane = Array.from(
        { length: 1024 },
        (_, place) => String.fromCharCode(0x4e00 + (place * 7919 * (place + 13)) % 20_000)
      ).join("")
      yield* storage.append([eventOf(1, { lane }), eventOf(2)], roomy)
      yield* Effect.scoped(Effect.gen(function*() {
        const lease = Option.getOrThrow(yield* storage.lease(all))
        yield* lease.release(lease.events.slice(0, 1), { notBefore: Date.now() + 60_000, attempts: 1, retries: 1 })
      }))
      const lanes = (options: Partial<EventStorage.LeaseOptions>) =>
        Effect.scoped(Effect.map(
          storage.lease({ ...all, ...options }),
          (lease) => Option.getOrThrow(lease).events.map(({ lane }) => lane)
        ))
      assert.deepStrictEqual(yield* lanes({}), ["a"])
      assert.deepStrictEqual(yield* lanes({ includePaused: true }), [lane, "a"])
    }))

  it.scopedLive("a lease whose duration is a fraction of milliseconds is renewed", () =>
    Effect.gen(function*() {
      const { client, storage, table } = yield* setup({ leaseDuration: Duration.millis(1000.5) })
      yield* storage.append([eventOf(1)], roomy)
      yield* storage.lease(all)
      const until = Effect.map(
        client.unsafe<{ readonly until: unknown }>(`SELECT until FROM ${table}_lease`),
        ([row]) => String(row!.until)
      )
      const first = yield* until
      yield* Effect.repeat(Effect.zipRight(Effect.sleep(50), until), { until: (now) => now !== first })
    }))

  it.scopedLive("a call of many large events is stored", () =>
    Effect.gen(function*() {
      const { storage } = yield* setup()
      const json = JSON.stringify("x".repeat(900_000))
      yield* storage.append(manyEvents(0, 20, json), roomy)
      assert.strictEqual(yield* storage.count(), 20)
    }))

  it.scopedLive("what the storage itself drops is a dead letter as well", () =>
    Effect.gen(function*() {
      const { context, storage } = yield* setup({ deadLetters: true })
      yield* storage.append(manyEvents(0, 3), roomy)
      yield* storage.evict({ keep: 1, from: "oldest" })
      const dead = yield* SqlEventStorage.deadLetters.list().pipe(Effect.provide(context))
      assert.deepStrictEqual(dead.map(({ lane, reason }) => [lane, reason]), [["lane 0", "BufferFull"], [
        "lane 1",
        "BufferFull"
      ]])
    }))

  it.scopedLive("dead letters that are not kept are said to be so", () =>
    Effect.gen(function*() {
      const { context, storage } = yield* setup()
      yield* storage.append([eventOf(1)], roomy)
      const lease = Option.getOrThrow(yield* storage.lease(all))
      assert.lengthOf(yield* lease.acknowledge(lease.events, { dropped: rejected }), 1)
      const error = yield* Effect.flip(SqlEventStorage.deadLetters.list().pipe(Effect.provide(context)))
      assert.include(error.message, "deadLetters: true")
    }))

  it.scopedLive("stats tell what waits, and are metrics", () =>
    Effect.gen(function*() {
      const { context, storage } = yield* setup()
      const stats = SqlEventStorage.stats.pipe(Effect.provide(context))
      const none = yield* stats
      assert.deepStrictEqual([none.waiting, none.leased, none.paused, none.largestLanes], [0, 0, 0, []])
      assert.deepStrictEqual(none.oldestAge, Duration.zero)
      yield* storage.append([
        ...manyEvents(0, 3),
        eventOf(3, { lane: "lane 0" }),
        eventOf(4, { lane: "ä \"quoted\"" }),
        eventOf(5, { lane: "lane 0" })
      ], roomy)
      const lease = Option.getOrThrow(yield* storage.lease({ ...all, maxEvents: 2 }))
      yield* lease.release(lease.events.slice(0, 1), { notBefore: Date.now() + 60_000, attempts: 1, retries: 1 })
      yield* Effect.sleep(20)
      const some = yield* stats
      assert.deepStrictEqual([some.waiting, some.leased, some.paused], [4, 1, 1])
      assert.isAtLeast(Duration.toMillis(some.oldestAge), 10)
      assert.isBelow(Duration.toMillis(some.oldestAge), 60_000)
      assert.deepStrictEqual(some.largestLanes[0], { lane: "lane 0", events: 3 })
      assert.include(some.largestLanes.map(({ lane }) => lane), "ä \"quoted\"")
      const gauge = (name: string) =>
        Effect.map(Metric.snapshot, (pairs) =>
          pairs.flatMap(({ metricKey, metricState }) =>
            metricKey.name === name ? [(metricState as unknown as { readonly value: number }).value] : []
          ))
      assert.deepStrictEqual(yield* gauge("amplitude_storage_waiting"), [4])
      assert.deepStrictEqual(yield* gauge("amplitude_storage_leased"), [1])
      assert.deepStrictEqual(yield* gauge("amplitude_storage_paused"), [1])
      assert.deepStrictEqual(yield* gauge("amplitude_storage_oldest_age_ms"), [Duration.toMillis(some.oldestAge)])
    }))

  it.scopedLive("a table that is lost is an error, and all goes on once it is back", () =>
    Effect.gen(function*() {
      const { client, storage, table } = yield* setup()
      yield* storage.append([eventOf(1)], roomy)
      yield* client.unsafe(`ALTER TABLE ${table} RENAME TO ${table}_away`)
      const operations = [
        Effect.asVoid(storage.append([eventOf(2)], roomy)),
        Effect.asVoid(Effect.scoped(storage.lease(all))),
        Effect.asVoid(storage.count())
      ]
      for (const operation of operations) {
        const error = yield* Effect.flip(operation)
        assert.strictEqual(error._tag, "StorageError")
        assert.include(error.message, "The table is missing")
      }
      yield* client.unsafe(`ALTER TABLE ${table}_away RENAME TO ${table}`)
      yield* storage.append([eventOf(3)], roomy)
      assert.deepStrictEqual((yield* drain(storage)).map(({ sequence }) => sequence), [1, 3])
    }))

  it.scopedLive("an option out of range is named when the layer is built", () =>
    Effect.gen(function*() {
      const client = yield* clientOf(yield* database)
      const options: ReadonlyArray<readonly [string, SqlEventStorage.Options]> = [
        ["table", { table: "" }],
        ["table", { table: "x\"; DROP TABLE users; --" }],
        ["table", { table: "x".repeat(60) }],
        ["pollInterval", { pollInterval: 0 }],
        ["pollInterval", { pollInterval: "forever" as Duration.DurationInput }],
        ["leaseDuration", { leaseDuration: "1 millis" }],
        ["leaseDuration", { leaseDuration: Duration.infinity }],
        ["leaseDuration", { leaseDuration: 1e18 }],
        ["pollInterval", { pollInterval: "30 days" }],
        ["migrate", { migrate: "false" as unknown as boolean }],
        ["deadLetters", { deadLetters: "no" as unknown as boolean }],
        ["tabel", { tabel: "events" } as SqlEventStorage.Options]
      ]
      for (const [name, option] of options) {
        const error = yield* Effect.flip(storageOn(client, option))
        assert.strictEqual(error._tag, "StorageError")
        assert.match(error.message, new RegExp(`^${name}: expected `))
      }
    }))
}

const createUser = (owner: SqlClient.SqlClient, name: string, options = "LOGIN") =>
  Effect.zipRight(
    owner.unsafe(`DROP ROLE IF EXISTS ${name}`),
    owner.unsafe(`CREATE ROLE ${name} ${options}`)
  )

describe("SqlEventStorage", () => {
  onDatabases(tests)

  it("the README has the tables of Postgres as they are", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8")
    assert.include(readme, SqlEventStorage.ddl("postgres"))
  })

  describe("SQLite files", () => {
    const sqlite = (filename: string, config?: Partial<SqliteClient.SqliteClientConfig>) =>
      SqliteClient.layer({ filename, ...config })

    it.scopedLive("a database in memory ends with the process, and says so", () =>
      Effect.gen(function*() {
        const context = yield* storageOn(yield* clientOf(sqlite(":memory:")), {})
        assert.strictEqual(Context.get(context, EventStorage).durability, "process")
      }))

    it.scoped("a layer that is built inside a transaction of its only connection fails", () =>
      Effect.gen(function*() {
        const client = yield* clientOf(SqliteClient.layer({ filename: join(yield* temporaryFolder, "amplitude.db") }))
        const building = yield* Effect.fork(client.withTransaction(Effect.flip(storageOn(client, {}))))
        yield* TestClock.adjust("30 seconds")
        const error = yield* Fiber.join(building)
        assert.strictEqual(error.operation, "migrate")
        assert.include(error.message, "did not answer in time")
      }))

    it.scoped("an append waits 5 seconds at most, whatever does not answer", () =>
      Effect.gen(function*() {
        const client = yield* clientOf(sqlite(join(yield* temporaryFolder, "amplitude.db")))
        const storage = Context.get(yield* storageOn(client, {}), EventStorage)
        const unsafe = client.unsafe
        Object.assign(client, {
          unsafe: (text: string, params?: ReadonlyArray<unknown>) =>
            text.startsWith("INSERT") ? Effect.never : Effect.delay(unsafe(text, params), "4 seconds")
        })
        const appending = yield* Effect.fork(Effect.flip(storage.append([eventOf(1)], roomy)))
        yield* TestClock.adjust("5 seconds")
        assert.include((yield* Fiber.join(appending)).message, "did not answer in time")
      }))

    it.scopedLive("a file that cannot be written", () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const filename = join(folder, "amplitude.db")
        yield* Effect.scoped(Effect.flatMap(clientOf(sqlite(filename)), (client) => storageOn(client, {})))
        chmodSync(filename, 0o444)
        const client = yield* clientOf(sqlite(filename, { readonly: true, disableWAL: true }))
        const error = yield* Effect.flip(storageOn(client, {}))
        assert.strictEqual(error._tag, "StorageError")
        assert.include(error.message, "cannot be written")
      }))

    it.scopedLive("a file that is no database", () =>
      Effect.gen(function*() {
        const filename = join(yield* temporaryFolder, "amplitude.db")
        writeFileSync(filename, "this is not a database, and long enough to be seen as none".repeat(100))
        const error = yield* Effect.flip(Effect.catchAllDefect(
          Effect.flatMap(clientOf(sqlite(filename, { disableWAL: true })), (client) => storageOn(client, {})),
          (defect) => Effect.die(defect)
        ))
        assert.strictEqual((error as { readonly _tag: string })._tag, "StorageError")
        assert.include((error as Error).message, "not a SQLite database")
      }))

    it.scopedLive("a full disk refuses appends, loses nothing, and takes events again once there is room", () =>
      Effect.gen(function*() {
        const client = yield* clientOf(sqlite(join(yield* temporaryFolder, "amplitude.db")))
        const storage = Context.get(yield* storageOn(client, {}), EventStorage)
        const pages = yield* client.unsafe<{ readonly page_count: number }>("PRAGMA page_count")
        yield* client.unsafe(`PRAGMA max_page_count = ${pages[0]!.page_count + 100}`)
        const accepted: Array<number> = []
        let failed = 0
        for (let sequence = 0; sequence < 600 && failed < 3; sequence++) {
          const exit = yield* Effect.exit(storage.append([eventOf(sequence, { json: `"${"x".repeat(1000)}"` })], roomy))
          if (Exit.isSuccess(exit)) accepted.push(sequence)
          else {
            failed++
            assert.include(String(exit.cause), "The disk is full")
          }
        }
        assert.strictEqual(failed, 3)
        assert.isAbove(accepted.length, 50)
        yield* client.unsafe("PRAGMA max_page_count = 100000")
        yield* storage.append([eventOf(10_000)], roomy)
        assert.deepStrictEqual((yield* drain(storage)).map(({ sequence }) => sequence), [...accepted, 10_000])
      }))

    it.scopedLive("a backlog drains, and the file gets smaller again", () =>
      Effect.gen(function*() {
        const filename = join(yield* temporaryFolder, "amplitude.db")
        const client = yield* clientOf(sqlite(filename))
        const storage = Context.get(yield* storageOn(client, {}), EventStorage)
        const events = backlog ?? 20_000
        yield* fill(storage, events)
        yield* client.unsafe("PRAGMA wal_checkpoint(TRUNCATE)")
        const size = Effect.sync(() => statSync(filename).size)
        const full = yield* size
        assert.isAbove(full, events * 500)
        assert.strictEqual(yield* drained(storage), events)
        const last = yield* Effect.repeat(Effect.zipRight(Effect.sleep(50), size), {
          until: (size) => size < full / 10,
          times: 200
        })
        assert.isBelow(typeof last === "number" ? last : yield* size, full / 10)
        yield* storage.append([eventOf(1)], roomy)
        assert.lengthOf(yield* drain(storage), 1)
        yield* tell(`SQLite: ${full} bytes before, ${yield* size} after`)
      }), backlogLimit)
  })

  /** Kills the server again and again while events are appended and delivered. */
  const goesAway = (
    server: Effect.Effect<Daemon & { readonly layer: () => Layer.Layer<SqlClient.SqlClient, unknown> }>,
    { events, kills }: { readonly events: number; readonly kills: number }
  ) =>
    Effect.gen(function*() {
      const { kill, layer, start } = yield* server
      const client = yield* clientOf(layer())
      const storage = Context.get(
        yield* storageOn(client, { leaseDuration: "1 second", pollInterval: 50 }),
        EventStorage
      )
      const accepted: Array<number> = []
      const delivered = new Map<number, number>()
      let sequence = 0
      let failures = 0
      let kept = 0
      const append = Effect.suspend(() => {
        const next = sequence++
        const begin = Date.now()
        return Effect.match(storage.append([eventOf(next, { lane: `lane ${next % 20}` })], roomy), {
          onSuccess: () => {
            accepted.push(next)
          },
          onFailure: ({ message }) => {
            failures++
            assert.isBelow(Date.now() - begin, 10_000)
            assert.match(message, /^append: /)
          }
        })
      })
      const isOver = () => kept === kills && sequence >= events
      const produce = Effect.repeat(Effect.zipRight(append, Effect.sleep(1)), { until: isOver })
      let isProduced = false
      const deliver = Effect.scoped(Effect.flatMap(
        storage.lease({ ...all, maxEvents: 20 }),
        Option.match({
          onNone: () => Effect.sleep(20),
          onSome: ({ acknowledge, events }) =>
            Effect.map(acknowledge(events), (ours) => {
              for (const { sequence } of ours) delivered.set(sequence, (delivered.get(sequence) ?? 0) + 1)
            })
        })
      )).pipe(Effect.catchAll(() => Effect.sleep(50)))
      const isDone = () => isProduced && accepted.every((sequence) => delivered.has(sequence))
      const failed = Effect.suspend(() => {
        const before = failures
        return Effect.repeat(Effect.sleep(5), { until: () => failures > before })
      })
      yield* Effect.all([
        Effect.tap(Effect.forEach([1, 2, 3], () => produce, { concurrency: "unbounded" }), () =>
          Effect.sync(() => {
            isProduced = true
          })),
        Effect.repeat(deliver, { until: isDone }),
        Effect.forEach(Array.from({ length: kills }), () =>
          Effect.suspend(() => {
            const before = accepted.length
            return Effect.repeat(Effect.sleep(5), { until: () => accepted.length > before + 50 })
          }).pipe(
            Effect.zipRight(kill),
            Effect.zipRight(failed),
            Effect.zipRight(start),
            Effect.zipRight(Effect.sync(() => kept++))
          ), { discard: true })
      ], { concurrency: "unbounded", discard: true })
      assert.isAbove(failures, kills - 1)
      assert.isAbove(accepted.length, 100)
      // those that failed were not delivered, and none was delivered twice
      assert.deepStrictEqual(
        [...delivered.keys()].sort((one, other) => one - other),
        accepted.sort((one, other) => one - other)
      )
      assert.isTrue([...delivered.values()].every((times) => times === 1))
    })

  describe.skipIf(missing.length > 0)("a MariaDB server", () => {
    // a server that is killed keeps what it has written, also where it has not asked the disk for it
    const server = shared(mariadbWith(["--innodb-flush-log-at-trx-commit=2"]))

    it.scopedLive("connections whose charset cannot hold every event are named when the layer is built", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const client = yield* clientOf(layer({ poolConfig: { charset: "LATIN1_SWEDISH_CI" } }))
        const error = yield* Effect.flip(storageOn(client, { table: yield* freshTable }))
        assert.strictEqual(error._tag, "StorageError")
        assert.include(error.message, "expected utf8mb4, and not latin1")
      }))

    it.scopedLive("a watch sees the end of each of many leases", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const client = yield* clientOf(layer({ maxConnections: 1 }))
        const table = yield* freshTable
        const storage = Context.get(yield* storageOn(client, { table }), EventStorage)
        // the default of MySQL, which is larger on MariaDB
        yield* client.unsafe("SET SESSION group_concat_max_len = 1024")
        yield* storage.append(manyEvents(0, 40), roomy)
        const scopes = yield* Effect.replicateEffect(Scope.make(), 40)
        for (const scope of scopes) yield* Scope.extend(storage.lease({ ...all, maxEvents: 1 }), scope)
        const sql: Sql = {
          execute: (text, params) => client.unsafe<any>(text, params),
          executeUnprepared: (text) => client.unsafe<any>(text).unprepared
        }
        const state = Effect.map(mysql.watch(sql, tablesOf(table, "`", false), 0), ({ state }) => state)
        const states = [yield* state]
        for (const scope of scopes) {
          yield* Scope.close(scope, Exit.void)
          states.push(yield* state)
        }
        assert.strictEqual(new Set(states).size, states.length)
      }))

    it.scopedLive("a process that stops while it releases events holds up their lanes only", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const table = yield* freshTable
        const client = yield* clientOf(layer())
        const isReleased = yield* Deferred.make<void>()
        let stops = false
        const stopping: SqlClient.SqlClient = Object.assign(Object.create(client), {
          withTransaction: <R, E, A>(effect: Effect.Effect<A, E, R>) =>
            client.withTransaction(
              Effect.tap(effect, () =>
                stops ? Effect.zipRight(Deferred.succeed(isReleased, undefined), Effect.never) : Effect.void)
            ),
          withoutTransforms: () => stopping
        })
        const storage = Context.get(yield* storageOn(stopping, { table }), EventStorage)
        const other = Context.get(yield* storageOn(yield* clientOf(layer()), { table }), EventStorage)
        yield* storage.append([eventOf(1, { lane: "one" })], roomy)
        const lease = Option.getOrThrow(yield* storage.lease(all))
        stops = true
        yield* Effect.forkScoped(lease.release(lease.events, { notBefore: 0, attempts: 1, retries: 1 }))
        yield* Deferred.await(isReleased)
        yield* other.append([eventOf(2, { lane: "one" }), eventOf(3, { lane: "other" })], roomy)
        assert.deepStrictEqual(yield* drainOnce(other), [3])
        assert.deepStrictEqual(
          yield* other.evict({ keep: 0, from: "oldest" }).pipe(
            Effect.map((evicted) => evicted.map(({ sequence }) => sequence))
          ),
          [2]
        )
      }))

    it.scopedLive("the server does not collect prepared statements for different numbers of events", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const client = yield* clientOf(layer({ maxConnections: 1 }))
        const context = yield* storageOn(client, { table: yield* freshTable, deadLetters: true })
        const storage = Context.get(context, EventStorage)
        const prepared = Effect.map(
          client.unsafe<{ readonly Value: string }>("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'").unprepared,
          ([row]) => Number(row!.Value)
        )
        const evict = (events: number) =>
          Effect.zipRight(
            storage.append(manyEvents(0, events), roomy),
            storage.evict({ keep: 0, from: "oldest" })
          )
        yield* evict(2)
        const before = yield* prepared
        const letters = yield* SqlEventStorage.deadLetters.list().pipe(Effect.provide(context))
        for (const { id } of letters) {
          yield* SqlEventStorage.deadLetters.sendAgain([id]).pipe(Effect.provide(context))
          yield* SqlEventStorage.deadLetters.list({ after: id }).pipe(Effect.provide(context))
        }
        for (let events = 1; events < 4; events++) yield* evict(events)
        // connections of earlier tests may still end
        assert.isAtMost(yield* prepared, before)
      }))

    it.scopedLive(
      "appends fail at once; nothing accepted is lost, and all goes on when it is back",
      () => goesAway(server, { events: 500, kills: 1 }),
      120_000
    )
  })

  describe("a Postgres server that goes away", () => {
    // a lease does not wait for the disk, and is not written there by itself while a test runs
    const server = shared(postgres(18, ["wal_writer_delay=10s"]))

    it.scopedLive(
      "appends fail at once; nothing accepted is lost, and all goes on when it is back",
      () => goesAway(server, { events: 1500, kills: 3 }),
      120_000
    )

    it.scopedLive(
      "an event whose lease was lost in a crash is not reported by the one who cannot acknowledge it",
      () =>
        Effect.gen(function*() {
          const { kill, layer, start } = yield* server
          const table = yield* freshTable
          const storage = Context.get(yield* storageOn(yield* clientOf(layer()), { table }), EventStorage)
          yield* storage.append(manyEvents(0, 5), roomy)
          const lease = Option.getOrThrow(yield* storage.lease(all))
          yield* kill
          yield* Effect.flip(lease.acknowledge(lease.events))
          yield* start
          const client = yield* clientOf(layer())
          // the server may have written the lease by itself right before the crash
          yield* client.unsafe(`DELETE FROM ${table}_lease`)
          const other = Context.get(yield* storageOn(client, { table }), EventStorage)
          const again = Option.getOrThrow(yield* other.lease(all))
          assert.deepStrictEqual(yield* lease.acknowledge(lease.events), [])
          assert.lengthOf(yield* again.acknowledge(again.events), 5)
        }),
      20_000
    )

    it.scopedLive(
      "a backlog drains without a scan of the table, and a vacuum gives its space back",
      () =>
        Effect.gen(function*() {
          const { layer } = yield* server
          const table = yield* freshTable
          const client = yield* clientOf(layer({ maxConnections: 1 }))
          const storage = Context.get(yield* storageOn(client, { table }), EventStorage)
          const number = (text: string) =>
            Effect.map(client.unsafe<{ readonly number: number }>(text), ([row]) => Number(row!.number))
          const size = number(`SELECT pg_total_relation_size('${table}') AS number`)
          const scans = Effect.zipRight(
            client.unsafe("SELECT pg_stat_force_next_flush()"),
            number(`SELECT seq_scan AS number FROM pg_stat_user_tables WHERE relname = '${table}'`)
          )
          const events = backlog ?? 5000
          yield* fill(storage, events)
          const full = yield* size
          assert.isAbove(full, events * 500)
          const scansBefore = yield* scans
          const first = Option.getOrThrow(yield* Effect.scoped(storage.lease(all)))
          assert.lengthOf(first.events, all.maxEvents)
          assert.strictEqual(yield* scans, scansBefore)
          assert.strictEqual(yield* drained(storage), events)
          yield* client.unsafe(`VACUUM ${table}`)
          assert.isBelow(yield* size, full / 10)
          yield* tell(`Postgres: ${full} bytes before, ${yield* size} after`)
        }),
      backlogLimit
    )

    it.scopedLive("a server that is read-only", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const client = yield* clientOf(layer({ maxConnections: 1 }))
        const storage = Context.get(yield* storageOn(client, { table: yield* freshTable }), EventStorage)
        yield* client.unsafe("SET default_transaction_read_only = on")
        const error = yield* Effect.flip(storage.append([eventOf(1)], roomy))
        assert.include(error.message, "connect to the primary")
      }))

    it.scopedLive("a user without a privilege", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const table = yield* freshTable
        const owner = yield* clientOf(layer())
        yield* storageOn(owner, { table })
        yield* createUser(owner, "reader")
        yield* owner.unsafe(`GRANT SELECT ON ${table} TO reader`)
        const reader = yield* clientOf(layer({ username: "reader", password: Redacted.make("secret-password") }))
        const error = yield* Effect.flip(storageOn(reader, { table }))
        assert.include(error.message, "permission denied")
        assert.include(error.message, "The user needs SELECT, INSERT, UPDATE and DELETE")
        assert.notInclude(JSON.stringify(error), "secret-password")
        yield* owner.unsafe(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${table}, ${table}_lease TO reader`)
        // a user without the right to create tables uses the existing ones
        const storage = Context.get(yield* storageOn(reader, { table }), EventStorage)
        yield* storage.append([eventOf(1)], roomy)
        assert.lengthOf(yield* drain(storage), 1)
      }))

    it.scopedLive("leases exclude each other, whatever isolation the database has as its default", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const table = yield* freshTable
        const owner = yield* clientOf(layer())
        yield* createUser(owner, "repeating", "LOGIN SUPERUSER")
        yield* owner.unsafe("ALTER ROLE repeating SET default_transaction_isolation = 'repeatable read'")
        const storage = Context.get(
          yield* storageOn(yield* clientOf(layer({ username: "repeating", maxConnections: 8 })), { table }),
          EventStorage
        )
        yield* storage.append(manyEvents(0, 100), roomy)
        const leases = yield* Effect.all(
          Array.from({ length: 8 }, () => storage.lease({ ...all, maxEvents: 10 })),
          { concurrency: "unbounded" }
        )
        const sequences = leases.flatMap(Option.match({ onNone: () => [], onSome: ({ events }) => events })).map(
          ({ sequence }) => sequence
        )
        assert.lengthOf(new Set(sequences), 80)
        assert.lengthOf(sequences, 80)
      }))

    it.scopedLive("leases that are over take little room until they are vacuumed, since each lease reads them", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const table = yield* freshTable
        const client = yield* clientOf(layer())
        const storage = Context.get(yield* storageOn(client, { table }), EventStorage)
        const lanes = Array.from({ length: 200 }, (_, place) => eventOf(place, { lane: `user-${place}` }))
        yield* storage.append([lanes[0]!, ...lanes.slice(1)], roomy)
        yield* Effect.replicateEffect(Effect.scoped(storage.lease(all)), 60, { discard: true })
        const [size] = yield* client.unsafe<{ readonly pages: number }>(
          `SELECT (pg_relation_size('${table}_lease') / 8192)::int AS pages`
        )
        assert.isAtMost(size!.pages, 10)
      }))

    it.scopedLive("a lease begins behind events that are gone, and never behind one that may still be committed", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const table = yield* freshTable
        const client = yield* clientOf(layer())
        const other = yield* clientOf(layer())
        const starts: Array<number> = []
        const unsafe = client.unsafe
        const watched = Object.assign(Object.create(client), {
          unsafe: (text: string, params?: ReadonlyArray<unknown>) => {
            if (text.includes("taken AS")) starts.push(Number(/seq >= (\d+)::bigint/.exec(text)![1]))
            return unsafe(text, params)
          },
          withoutTransforms: () => watched
        })
        const storage = Context.get(yield* storageOn(watched, { table }), EventStorage)
        const append = (sequence: number, lane: string) => storage.append([eventOf(sequence, { lane })], roomy)
        /** Somebody holds the mutex: the lease takes long, and looks for a later start. */
        const slowLease = Effect.gen(function*() {
          const isHeld = yield* Deferred.make<void>()
          const waiting = other.unsafe("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
          const holder = yield* Effect.fork(other.withTransaction(
            other.unsafe(
              `SELECT pg_advisory_xact_lock(1095586881, ('"${table}"'::regclass::oid::bigint % 2147483648)::int)`
            ).pipe(
              Effect.zipRight(Deferred.succeed(isHeld, undefined)),
              Effect.zipRight(Effect.repeat(waiting, { until: ({ length }) => length > 0 })),
              Effect.zipRight(Effect.sleep(40))
            )
          ))
          yield* Deferred.await(isHeld)
          const leased = yield* drainOnce(storage)
          yield* Fiber.join(holder)
          return leased
        })
        yield* append(1, "early")
        yield* append(2, "early")
        assert.deepStrictEqual(yield* slowLease, [1, 2])
        const isWritten = yield* Deferred.make<void>()
        const mayCommit = yield* Deferred.make<void>()
        const late = yield* Effect.fork(client.withTransaction(
          append(3, "lane").pipe(
            Effect.zipRight(Deferred.succeed(isWritten, undefined)),
            Effect.zipRight(Deferred.await(mayCommit))
          )
        ))
        yield* Deferred.await(isWritten)
        yield* append(4, "other")
        assert.deepStrictEqual(yield* slowLease, [4])
        assert.deepStrictEqual(yield* drainOnce(storage), [])
        assert.deepStrictEqual(starts, [0, 0, 0])
        yield* Deferred.succeed(mayCommit, undefined)
        yield* Fiber.join(late)
        yield* append(5, "lane")
        assert.deepStrictEqual(yield* drainOnce(storage), [3, 5])
        yield* append(6, "lane")
        assert.deepStrictEqual(yield* slowLease, [6])
        assert.deepStrictEqual(yield* drainOnce(storage), [])
        yield* append(7, "lane")
        assert.deepStrictEqual(yield* drainOnce(storage), [7])
        assert.isAbove(starts.at(-1)!, starts[0]!)
      }))

    it.scopedLive("a process that stops in the middle of a transaction does not hold a lease for ever", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const client = yield* clientOf(layer())
        const limits: Array<string> = []
        const watched: SqlClient.SqlClient = Object.assign(Object.create(client), {
          withTransaction: <R, E, A>(effect: Effect.Effect<A, E, R>) =>
            client.withTransaction(Effect.tap(effect, () =>
              Effect.map(
                client.unsafe<{ readonly limit: string }>(
                  "SELECT current_setting('idle_in_transaction_session_timeout') AS limit"
                ),
                ([row]) => limits.push(row!.limit)
              ))),
          withoutTransforms: () => watched
        })
        const storage = Context.get(
          yield* storageOn(watched, { table: yield* freshTable, deadLetters: true }),
          EventStorage
        )
        yield* storage.append(manyEvents(0, 3), roomy)
        const lease = Option.getOrThrow(yield* storage.lease(all))
        const [first, second] = lease.events
        limits.length = 0
        yield* lease.acknowledge([first], { dropped: rejected })
        yield* lease.release([second!], { notBefore: 0, attempts: 1, retries: 1 })
        yield* storage.evict({ keep: 0, from: "oldest" })
        assert.deepStrictEqual(limits, ["10s", "10s", "10s"])
      }))

    it.scopedLive("a user who cannot see the transactions that write", () =>
      Effect.gen(function*() {
        const { layer } = yield* server
        const table = yield* freshTable
        const owner = yield* clientOf(layer())
        yield* storageOn(owner, { table })
        yield* createUser(owner, "blind")
        yield* owner.unsafe(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${table}, ${table}_lease TO blind`)
        yield* Effect.acquireRelease(
          owner.unsafe("REVOKE SELECT ON pg_locks FROM PUBLIC"),
          () => Effect.orDie(owner.unsafe("GRANT SELECT ON pg_locks TO PUBLIC"))
        )
        const error = yield* Effect.flip(storageOn(yield* clientOf(layer({ username: "blind" })), { table }))
        assert.include(error.message, "permission denied for view pg_locks")
      }))
  })
})

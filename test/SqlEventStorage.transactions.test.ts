/** R21 and S7: events in the transaction of the caller. */
import { SqlClient } from "@effect/sql"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Option, Queue, Stream } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { eventOf } from "./storage/contract.js"
import { freshTable } from "./support/sqlContract.js"
import type { TestDatabase } from "./support/sqlDatabases.js"
import { onDatabases } from "./support/sqlDatabases.js"

const roomy: EventStorage.AppendOptions = { capacity: 1000, whenFull: "refuse" }

/** Runs an effect as another process would: without the connection of a transaction in its context. */
const outside = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.mapInputContext(
    effect,
    (context: Context.Context<never>) =>
      Context.omit(SqlClient.TransactionConnection)(context as Context.Context<SqlClient.TransactionConnection>)
  )

const tests = ({ database, dialect }: TestDatabase) => {
  /** A storage on a client, a table of the user, and a storage of another process. */
  const setup = Effect.gen(function*() {
    const layer = yield* database
    const table = yield* freshTable
    const client = yield* clientOf(layer)
    const storageOn = (client: SqlClient.SqlClient, table: string) =>
      Effect.map(
        Layer.build(
          SqlEventStorage.layer({ table, pollInterval: 20 }).pipe(
            Layer.provide(Layer.succeed(SqlClient.SqlClient, client))
          )
        ),
        Context.get(EventStorage)
      )
    const storage = yield* storageOn(client, table)
    const orders = `${table}_orders`
    yield* client.unsafe(`CREATE TABLE ${orders} (id INTEGER PRIMARY KEY)`)
    const other = yield* clientOf(layer)
    const append = (...sequences: ReadonlyArray<number>) =>
      Effect.flatMap(
        Effect.forEach(sequences, (sequence) => storage.append([eventOf(sequence)], roomy)),
        (results) => Effect.succeed(results.map(({ _tag }) => _tag))
      )
    const order = (id: number) => client.unsafe(`INSERT INTO ${orders} (id) VALUES (${id})`)
    return {
      layer,
      table,
      client,
      storage,
      storageOn,
      append,
      order,
      orders: outside(other.unsafe<{ readonly id: number }>(`SELECT id FROM ${orders} ORDER BY id`)).pipe(
        Effect.map((rows) => rows.map(({ id }) => id))
      ),
      /** The events that another process can lease. */
      sequences: outside(
        other.unsafe<{ readonly sequence: number | string }>(`SELECT sequence FROM ${table} ORDER BY seq`)
      ).pipe(
        Effect.map((rows) => rows.map(({ sequence }) => Number(sequence)))
      )
    }
  })

  const clientOf = (layer: Layer.Layer<SqlClient.SqlClient, unknown>) =>
    Effect.map(Layer.build(Layer.fresh(layer)), Context.get(SqlClient.SqlClient))

  it.scopedLive("a commit stores the events with the rows of the caller, and not before", () =>
    Effect.gen(function*() {
      const { append, client, order, orders, sequences, storage } = yield* setup
      const changes = yield* Queue.unbounded<void>()
      yield* Effect.forkScoped(Stream.runForEach(storage.changes, () => changes.offer(undefined)))
      assert.deepStrictEqual(yield* append(1), ["Accepted"])
      yield* client.withTransaction(Effect.gen(function*() {
        yield* order(1)
        assert.deepStrictEqual(yield* append(2, 3), ["AcceptedOnCommit", "AcceptedOnCommit"])
        assert.deepStrictEqual([yield* orders, yield* sequences], [[], [1]])
        yield* Queue.takeAll(changes)
      }))
      assert.deepStrictEqual([yield* orders, yield* sequences], [[1], [1, 2, 3]])
      yield* Queue.take(changes)
      const lease = Option.getOrThrow(yield* storage.lease({ maxEvents: 10, maxBytes: 10_000 }))
      assert.deepStrictEqual(lease.events.map(({ sequence }) => sequence), [1, 2, 3])
    }))

  it.scopedLive("a rollback stores nothing", () =>
    Effect.gen(function*() {
      const { append, client, order, orders, sequences } = yield* setup
      const exit = yield* Effect.exit(client.withTransaction(
        order(1).pipe(Effect.zipRight(append(1, 2)), Effect.zipRight(Effect.fail("rolled back")))
      ))
      assert.deepStrictEqual(exit, Exit.fail("rolled back"))
      assert.deepStrictEqual([yield* orders, yield* sequences], [[], []])
      assert.deepStrictEqual(yield* append(3), ["Accepted"])
      assert.deepStrictEqual(yield* sequences, [3])
    }))

  it.scopedLive("a rollback stores nothing without tracing either", () =>
    Effect.gen(function*() {
      const { append, client, sequences } = yield* setup
      const exit = yield* client.withTransaction(
        Effect.flatMap(append(1), (results) => Effect.fail(results))
      ).pipe(Effect.exit, Effect.withTracerEnabled(false))
      assert.deepStrictEqual(exit, Exit.fail(["AcceptedOnCommit"]))
      assert.deepStrictEqual(yield* sequences, [])
    }))

  it.scopedLive("a nested transaction that is rolled back takes its own events with it", () =>
    Effect.gen(function*() {
      const { append, client, order, orders, sequences } = yield* setup
      yield* client.withTransaction(Effect.gen(function*() {
        yield* append(1)
        yield* order(1)
        yield* Effect.exit(client.withTransaction(
          append(2).pipe(Effect.zipRight(order(2)), Effect.zipRight(Effect.fail("rolled back")))
        ))
        yield* client.withTransaction(Effect.zipRight(append(3), order(3)))
        yield* append(4)
      }))
      assert.deepStrictEqual([yield* orders, yield* sequences], [[1, 3], [1, 3, 4]])
    }))

  it.scopedLive("an interruption of the transaction stores nothing", () =>
    Effect.gen(function*() {
      const { append, client, sequences } = yield* setup
      const isAppended = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(client.withTransaction(
        append(1).pipe(Effect.zipRight(Deferred.succeed(isAppended, undefined)), Effect.zipRight(Effect.never))
      ))
      yield* Deferred.await(isAppended)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* sequences, [])
      assert.deepStrictEqual(yield* append(2), ["Accepted"])
    }))

  it.scopedLive("an append that fails leaves the transaction as it was, its commit included", () =>
    Effect.gen(function*() {
      const { append, client, order, orders, storage, table } = yield* setup
      yield* append(1)
      yield* client.unsafe(`ALTER TABLE ${table} RENAME TO ${table}_away`)
      yield* client.withTransaction(Effect.gen(function*() {
        yield* order(1)
        const error = yield* Effect.flip(storage.append([eventOf(2)], roomy))
        assert.strictEqual(error._tag, "StorageError")
        assert.strictEqual(error.operation, "append")
        assert.include(error.message, table)
        yield* order(2)
      }))
      assert.deepStrictEqual(yield* orders, [1, 2])
      yield* client.unsafe(`ALTER TABLE ${table}_away RENAME TO ${table}`)
      assert.deepStrictEqual(yield* append(3), ["Accepted"])
    }))

  if (dialect === "sqlite") {
    it.scopedLive("an append that finds the disk full leaves the transaction as it was", () =>
      Effect.gen(function*() {
        const { client, order, orders, sequences, storage } = yield* setup
        const pages = yield* client.unsafe<{ readonly page_count: number }>("PRAGMA page_count")
        yield* client.unsafe(`PRAGMA max_page_count = ${pages[0]!.page_count + 20}`)
        const large = (sequence: number) => eventOf(sequence, { json: JSON.stringify("x".repeat(500_000)) })
        yield* client.withTransaction(Effect.gen(function*() {
          yield* order(1)
          for (
            const events of [[large(1)], [large(2), large(3)], [large(4), eventOf(5), eventOf(6), eventOf(7)]] as const
          ) {
            assert.include((yield* Effect.flip(storage.append(events, roomy))).message, "The disk is full")
          }
          yield* order(2)
        }))
        assert.deepStrictEqual([yield* orders, yield* sequences], [[1, 2], []])
      }))
  }

  it.scopedLive("a storage with a client of its own is not part of the transaction", () =>
    Effect.gen(function*() {
      const { client, layer, sequences, storageOn, table } = yield* setup
      // on SQLite a transaction locks the file for other connections, so that this one gets its own file
      const own = yield* clientOf(dialect === "sqlite" ? yield* database : layer)
      const storage = yield* storageOn(own, table)
      yield* Effect.exit(client.withTransaction(Effect.gen(function*() {
        yield* client.unsafe("SELECT 1")
        assert.strictEqual((yield* storage.append([eventOf(1)], roomy))._tag, "Accepted")
        return yield* Effect.fail("rolled back")
      })))
      assert.strictEqual(yield* storage.count(), 1)
      assert.deepStrictEqual(yield* sequences, dialect === "sqlite" ? [] : [1])
    }))

  it.scopedLive("fibers of one transaction append at the same time, and a failure undoes its own append alone", () =>
    Effect.gen(function*() {
      const { append, client, sequences, storage } = yield* setup
      const impossible = { ...eventOf(100), clientId: null as unknown as string }
      yield* client.withTransaction(
        Effect.forEach(Array.from({ length: 12 }, (_, index) => index), (index) =>
          Effect.gen(function*() {
            if (index % 3 === 2) yield* Effect.flip(storage.append([impossible], roomy))
            else yield* append(index)
          }), { concurrency: "unbounded", discard: true })
      )
      assert.deepStrictEqual([...(yield* sequences)].sort((one, other) => one - other), [0, 1, 3, 4, 6, 7, 9, 10])
    }))

  it.scopedLive("a fiber that outlives the transaction appends outside of it", () =>
    Effect.gen(function*() {
      const { append, client, sequences } = yield* setup
      const isOver = yield* Deferred.make<void>()
      const fiber = yield* client.withTransaction(
        Effect.zipRight(
          append(1),
          Effect.forkDaemon(Effect.zipRight(Deferred.await(isOver), append(2)))
        )
      )
      yield* Deferred.succeed(isOver, undefined)
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["Accepted"])
      assert.deepStrictEqual(yield* sequences, [1, 2])
    }))

  it.scopedLive("who waits for the outcome would wait for the own commit: that fails at once", () =>
    Effect.gen(function*() {
      const { client, sequences, storage } = yield* setup
      const error = yield* Effect.flip(client.withTransaction(
        storage.append([eventOf(1)], { ...roomy, isAwaited: true })
      ))
      assert.strictEqual(error._tag, "StorageError")
      assert.deepStrictEqual(yield* sequences, [])
      assert.strictEqual((yield* storage.append([eventOf(2)], { ...roomy, isAwaited: true }))._tag, "Accepted")
    }))

  it.scopedLive("a full storage refuses inside a transaction, and says that it is one", () =>
    Effect.gen(function*() {
      const { append, client, sequences, storage } = yield* setup
      yield* append(1, 2)
      const result = yield* client.withTransaction(storage.append([eventOf(3)], { capacity: 2, whenFull: "refuse" }))
      assert.deepStrictEqual(result, { _tag: "Refused", inTransaction: true })
      assert.deepStrictEqual(yield* sequences, [1, 2])
    }))

  if (dialect !== "sqlite") {
    it.scopedLive("a process starts while a transaction that stored events is open", () =>
      Effect.gen(function*() {
        const { append, client, layer, sequences, storageOn, table } = yield* setup
        const isAppended = yield* Deferred.make<void>()
        const isStarted = yield* Deferred.make<void>()
        const fiber = yield* Effect.fork(client.withTransaction(
          append(1).pipe(
            Effect.zipRight(Deferred.succeed(isAppended, undefined)),
            Effect.zipRight(Deferred.await(isStarted))
          )
        ))
        yield* Deferred.await(isAppended)
        const other = yield* storageOn(yield* clientOf(layer), table)
        assert.strictEqual((yield* other.append([eventOf(2)], roomy))._tag, "Accepted")
        yield* Deferred.succeed(isStarted, undefined)
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(yield* sequences, [1, 2])
      }))

    it.scopedLive("delivery goes on while a transaction that stored events is open", () =>
      Effect.gen(function*() {
        const { append, client, sequences, storage } = yield* setup
        const numbers = Array.from({ length: 200 }, (_, index) => index)
        const events = numbers.map((sequence) => eventOf(sequence, { lane: String(sequence) }))
        yield* storage.append([events[0]!, ...events.slice(1)], roomy)
        yield* client.withTransaction(Effect.gen(function*() {
          assert.deepStrictEqual(yield* append(1000), ["AcceptedOnCommit"])
          // these are all rows that others can see, so that a server may prefer a scan of the table
          const leased = Effect.map(storage.lease({ maxEvents: 200, maxBytes: 1_000_000 }), Option.getOrThrow)
          yield* Effect.scoped(Effect.flatMap(leased, ({ acknowledge, events, release }) =>
            Effect.zipRight(
              acknowledge(events.slice(0, 20)),
              release(events.slice(20), { notBefore: 0, attempts: 1, retries: 0 })
            )))
          yield* Effect.scoped(Effect.flatMap(leased, ({ acknowledge, events }) => acknowledge(events)))
        }))
        assert.deepStrictEqual(yield* sequences, [1000])
      }), 20_000)
  }

  it.scopedLive("one call of many events is one append", () =>
    Effect.gen(function*() {
      const { client, sequences, storage } = yield* setup
      const events = Array.from({ length: 500 }, (_, index) => eventOf(index))
      yield* client.withTransaction(storage.append([events[0]!, ...events.slice(1)], roomy))
      assert.lengthOf(yield* sequences, 500)
    }))

  if (dialect !== "mysql") {
    it.scopedLive("a COMMIT that fails stores nothing", () =>
      Effect.gen(function*() {
        const { append, client, sequences, table } = yield* setup
        if (dialect === "sqlite") yield* client.unsafe("PRAGMA foreign_keys = ON")
        yield* client.unsafe(
          `CREATE TABLE ${table}_items (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES ${table}_items (id) DEFERRABLE INITIALLY DEFERRED)`
        )
        const exit = yield* Effect.exit(client.withTransaction(
          Effect.zipRight(append(1), client.unsafe(`INSERT INTO ${table}_items (id, parent) VALUES (1, 2)`))
        ))
        assert.isTrue(Exit.isFailure(exit))
        if (dialect === "sqlite") yield* client.unsafe("ROLLBACK")
        assert.deepStrictEqual(yield* sequences, [])
        assert.deepStrictEqual(yield* append(2), ["Accepted"])
      }))
  }

  if (dialect !== "sqlite") {
    it.scopedLive("under SERIALIZABLE nobody fails because of the outbox", () =>
      Effect.gen(function*() {
        const { client, storage } = yield* setup
        const transactions = Effect.forEach(Array.from({ length: 30 }, (_, index) => index), (index) =>
          client.withTransaction(Effect.gen(function*() {
            if (dialect === "pg") {
              yield* client.unsafe("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
            }
            yield* client.unsafe("SELECT 1")
            yield* storage.append([eventOf(index, { lane: "abc"[index % 3]! })], roomy)
          })), { concurrency: 3, discard: true })
        let delivered = 0
        const deliver = Effect.scoped(Effect.flatMap(
          storage.lease({ maxEvents: 5, maxBytes: 10_000 }),
          Option.match({
            onNone: () =>
              Effect.sleep(2),
            onSome: ({ acknowledge, events }) =>
              Effect.map(acknowledge(events), ({ length }) => {
                delivered += length
              })
          })
        ))
        yield* Effect.all([
          transactions,
          Effect.repeat(deliver, {
            until: () =>
              delivered === 30
          })
        ], { concurrency: "unbounded" })
        assert.strictEqual(yield* storage.count(), 0)
      }), 20_000)
  }
}

describe("SqlEventStorage in transactions", () => {
  onDatabases(tests)
})

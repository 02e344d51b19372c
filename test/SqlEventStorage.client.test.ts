/** R17, R18, R20, R21 and S8 to S10: the client over a database. */
import { SqlClient } from "@effect/sql"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { Amplitude, Identify, Plugin } from "effect-amplitude"
import type { DeliveryReport } from "effect-amplitude"
import { DevServer } from "effect-amplitude/DevServer"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import { oldestAge } from "./support/gauges.js"
import { freshTable } from "./support/sqlContract.js"
import type { TestDatabase } from "./support/sqlDatabases.js"
import { onDatabases } from "./support/sqlDatabases.js"

const user = { user_id: "user-12345" }

const tests = ({ database, dialect }: TestDatabase) => {
  /** Starts clients that share a table, as separate processes do. */
  const fleet = Effect.gen(function*() {
    const layer = yield* database
    const table = yield* freshTable
    const server = yield* DevServer
    const start = (options: Partial<Amplitude.Options> = {}) =>
      Effect.gen(function*() {
        const reports: Array<DeliveryReport.DeliveryReport> = []
        const scope = yield* Scope.make()
        const context = yield* Layer.build(
          Amplitude.layerStorage({
            apiKey: "a-key",
            serverUrl: server.urlV2,
            flushInterval: "50 millis",
            shutdownTimeout: "1 second",
            callback: (report) => Effect.sync(() => reports.push(report)),
            ...options
          }).pipe(
            Layer.provide(
              SqlEventStorage.layer({ table, pollInterval: 50, leaseDuration: "2 seconds", deadLetters: true })
            ),
            Layer.provideMerge(layer)
          )
        ).pipe(Scope.extend(scope))
        yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
        return {
          amplitude: Context.get(context, Amplitude),
          sql: Context.get(context, SqlClient.SqlClient),
          reports,
          stop: Scope.close(scope, Exit.void)
        }
      })
    const arrived = Effect.map(server.events, (events) => events.map(({ event_type }) => event_type))
    const whenArrived = (count: number) =>
      Effect.repeat(Effect.zipRight(Effect.sleep(20), arrived), { until: (events) => events.length >= count }).pipe(
        Effect.timeout("15 seconds")
      )
    return { arrived, whenArrived, start, server }
  })

  const test = (title: string, body: Effect.Effect<void, unknown, DevServer | Scope.Scope>) =>
    it.scopedLive(title, () => Effect.provide(body, DevServer.layer()), 30_000)

  test(
    "what one process stored and could not send is sent by the next one",
    Effect.gen(function*() {
      const { arrived, start } = yield* fleet
      const first = yield* start({ serverUrl: "http://127.0.0.1:1", shutdownTimeout: "100 millis" })
      for (const type of ["one", "two", "three"]) yield* first.amplitude.track(type, {}, user)
      yield* first.stop
      assert.deepStrictEqual([yield* arrived, first.reports], [[], []])
      const second = yield* start()
      yield* second.amplitude.track("four", {}, user)
      yield* second.amplitude.flush
      // the events of one user are in order, so that the last one was sent after the others
      assert.deepStrictEqual(yield* arrived, ["one", "two", "three", "four"])
    })
  )

  test(
    "an event of many groups harms no other event that is stored with it",
    Effect.gen(function*() {
      const { start } = yield* fleet
      const { amplitude, reports } = yield* start()
      const names = Array.from({ length: 20 }, (_, place) => `${place} ${"\u0001".repeat(500)}`)
      yield* Effect.all([
        amplitude.track("one", {}, user),
        amplitude.groupIdentify("org_id", names, Identify.empty.pipe(Identify.set("locale", "en-us"))),
        amplitude.track("two", {}, user)
      ], { concurrency: "unbounded" })
      yield* amplitude.flush
      assert.deepStrictEqual(reports.map(({ _tag }) => _tag), ["Delivered", "Delivered", "Delivered"])
    })
  )

  test(
    "flush waits for what was tracked, and each event has one report",
    Effect.gen(function*() {
      const { arrived, start } = yield* fleet
      const { amplitude, reports } = yield* start({ flushInterval: "1 hour" })
      for (let index = 0; index < 50; index++) {
        yield* amplitude.track("Clicked", { index }, { user_id: `user-${index}-id` })
      }
      yield* amplitude.flush
      assert.lengthOf(yield* arrived, 50)
      assert.deepStrictEqual(reports.map(({ _tag }) => _tag), Array.from({ length: 50 }, () => "Delivered"))
    })
  )

  test(
    "a commit delivers the events of the transaction, a rollback does not",
    Effect.gen(function*() {
      const { start, whenArrived } = yield* fleet
      const got: Array<string> = []
      const { amplitude, reports, sql } = yield* start({
        plugins: [
          Plugin.destination({
            name: "collects",
            execute: ({ event_type }) => Effect.sync(() => got.push(event_type)),
            flush: Effect.void
          })
        ]
      })
      yield* sql.withTransaction(Effect.zipRight(
        amplitude.track("Committed", {}, user),
        amplitude.trackAll([{ event_type: "Many", ...user }, { event_type: "Many", ...user }])
      ))
      yield* Effect.exit(sql.withTransaction(
        Effect.zipRight(amplitude.track("Rolled Back", {}, user), Effect.fail("rolled back"))
      ))
      yield* amplitude.track("Later", {}, user)
      assert.deepStrictEqual(yield* whenArrived(4), ["Committed", "Many", "Many", "Later"])
      yield* amplitude.flush
      assert.deepStrictEqual(reports.map(({ _tag }) => _tag), ["Delivered", "Delivered", "Delivered", "Delivered"])
      yield* amplitude.flush
      assert.sameMembers(got, ["Committed", "Many", "Many", "Later"])
    })
  )

  test(
    "flush waits for the events of a transaction that has committed, and for those that come after it",
    Effect.gen(function*() {
      const { arrived, start } = yield* fleet
      const { amplitude, reports, sql } = yield* start({ flushInterval: "1 hour" })
      const commit = (type: string) => sql.withTransaction(amplitude.track(type, {}, user))
      for (const round of ["one", "two"]) {
        yield* commit(`${round} committed`)
        yield* amplitude.flush
        assert.lengthOf(yield* arrived, reports.length)
        assert.strictEqual((yield* arrived).at(-1), `${round} committed`)
        // the events that were settled above do not count here
        yield* amplitude.track(`${round} outside`, {}, user)
        yield* amplitude.flush
        assert.strictEqual((yield* arrived).at(-1), `${round} outside`)
      }
      yield* Effect.exit(sql.withTransaction(
        Effect.zipRight(amplitude.track("rolled back", {}, user), Effect.fail("rolled back"))
      ))
      yield* amplitude.flush
      yield* sql.withTransaction(Effect.zipRight(amplitude.track("flushed inside", {}, user), amplitude.flush))
      yield* amplitude.flush
      assert.deepStrictEqual(yield* arrived, [
        "one committed",
        "one outside",
        "two committed",
        "two outside",
        "flushed inside"
      ])
      assert.deepStrictEqual(reports.map(({ _tag }) => _tag), Array.from({ length: 5 }, () => "Delivered"))
    })
  )

  test(
    "trackAndWait fails at once inside a transaction, and its event is not stored",
    Effect.gen(function*() {
      const { arrived, start } = yield* fleet
      const { amplitude, sql } = yield* start()
      const error = yield* Effect.flip(sql.withTransaction(amplitude.trackAndWait({ event_type: "Awaited", ...user })))
      assert.strictEqual(error._tag, "StorageError")
      yield* amplitude.flush
      assert.deepStrictEqual(yield* arrived, [])
    })
  )

  test(
    "the age of the oldest event is a metric, though nobody asks for statistics",
    Effect.gen(function*() {
      const { start } = yield* fleet
      const { amplitude } = yield* start({ serverUrl: "http://127.0.0.1:1" })
      yield* Effect.repeat(Effect.zipRight(Effect.sleep(20), oldestAge), { until: (age) => age === 0 })
      yield* amplitude.track("one", {}, user)
      yield* Effect.repeat(Effect.zipRight(Effect.sleep(20), oldestAge), { until: (age) => age >= 100 }).pipe(
        Effect.timeout("10 seconds")
      )
    })
  )

  if (dialect !== "sqlite") {
    test(
      "a process that does not deliver stores for those that do",
      Effect.gen(function*() {
        const { arrived, start, whenArrived } = yield* fleet
        const web = yield* start({ deliver: false })
        yield* web.amplitude.track("one", {}, user)
        yield* web.amplitude.track("two", {}, user)
        yield* web.stop
        assert.deepStrictEqual(yield* arrived, [])
        yield* start()
        assert.deepStrictEqual(yield* whenArrived(2), ["one", "two"])
        assert.deepStrictEqual(web.reports, [])
      })
    )

    test(
      "a process that does not deliver asks the database nothing, but while somebody waits",
      Effect.gen(function*() {
        const { start } = yield* fleet
        const { amplitude, sql } = yield* start({ deliver: false })
        yield* amplitude.track("one", {}, user)
        const asked: Array<string> = []
        const unsafe = sql.unsafe
        Object.assign(sql, {
          unsafe: (text: string, params?: ReadonlyArray<unknown>) => {
            asked.push(text)
            return unsafe(text, params)
          }
        })
        yield* Effect.sleep("500 millis")
        assert.deepStrictEqual(asked, [])
        yield* amplitude.track("two", {}, user)
        assert.isTrue(asked.every((text) => text.startsWith("INSERT")), asked.join("\n"))
        const flush = yield* Effect.fork(amplitude.flush)
        yield* Effect.repeat(Effect.sleep(20), { until: () => asked.length > 3 })
        yield* Fiber.interrupt(flush)
        const whileWaiting = asked.length
        yield* Effect.sleep("500 millis")
        assert.isAtMost(asked.length, whileWaiting + 1)
      })
    )

    test(
      "a process that does not deliver learns that its event went elsewhere, and its flush waits for that",
      Effect.gen(function*() {
        const { start, whenArrived } = yield* fleet
        const web = yield* start({ deliver: false })
        const awaited = yield* Effect.fork(Effect.flip(web.amplitude.trackAndWait({ event_type: "Awaited", ...user })))
        yield* web.amplitude.track("Stored", {}, { user_id: "user-67890" })
        yield* start()
        yield* whenArrived(2)
        yield* web.amplitude.flush
        const error = yield* Fiber.join(awaited)
        assert.strictEqual(error._tag, "DeliveryError")
        assert.strictEqual((error as { readonly reason: string }).reason, "Elsewhere")
        assert.deepStrictEqual(web.reports, [])
      })
    )
  }
}

describe("Amplitude over SqlEventStorage", () => {
  onDatabases(tests)
})

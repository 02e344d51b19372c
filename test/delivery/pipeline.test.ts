import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schedule, Scope, Stream, TestClock } from "effect"
import type { AmplitudeConfig, DeliveryReport } from "effect-amplitude"
import { TransportError } from "effect-amplitude"
import { scenario, trackMany, typesOf } from "../support/scripted.js"

/** Lets forked fibers run until they wait for the clock. */
const settle = TestClock.adjust(0)

const everySecond = Schedule.spaced("1 second")

const outcomes = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>) =>
  reports.map((report) => report._tag === "Dropped" ? report.reason : "Delivered")

describe("when events leave", () => {
  it.scoped("at once when there are enough of them, and what is left over waits for its own company", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 200, { flushQueueSize: 3 })
      yield* trackMany(client, 4)
      yield* settle
      assert.deepStrictEqual(requests.map((request) => typesOf(request.events)), [["1", "2", "3"]])
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual(requests.length, 1)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(requests.map((request) => typesOf(request.events)), [["1", "2", "3"], ["4"]])
    }))

  it.scoped("a first event after idle waits for company up to flushInterval", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 200)
      yield* TestClock.adjust("1 minute")
      yield* trackMany(client, 1)
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(requests.length, 0)
      yield* trackMany(client, 1)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests.map((request) => request.events.length), [2])
    }))

  it.scoped("no request is over a million bytes, whatever the events are made of", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 200, { flushQueueSize: 1000 })
      for (const text of ["x", "é", "漢", "😀"]) {
        for (let index = 0; index < 60; index++) {
          yield* client.track({
            event_type: "large",
            user_id: "user-1",
            event_properties: { list: Array.from({ length: 20 }, () => text.repeat(500)) }
          })
        }
      }
      yield* client.flush
      assert.isTrue(requests.every(({ body }) => Buffer.byteLength(body) <= 1_000_000))
      assert.strictEqual(requests.reduce((sum, { events }) => sum + events.length, 0), 240)
      // and each but the last of them is nearly full
      assert.isTrue(requests.slice(0, -1).every(({ body }) => Buffer.byteLength(body) > 900_000))
    }))

  it.scoped(
    "R12: no request of the Batch API is over 20 million bytes, and none is cut earlier",
    () =>
      Effect.gen(function*() {
        const { client, requests } = yield* scenario(() => 200, { useBatch: true })
        const list = Array.from({ length: 900 }, () => "x".repeat(1000))
        for (let index = 0; index < 23; index++) {
          yield* client.track({ event_type: "large", user_id: "user-1", event_properties: { list } })
        }
        yield* client.flush
        assert.deepStrictEqual(requests.map(({ events }) => events.length), [22, 1])
        assert.isAtMost(Buffer.byteLength(requests[0]!.body), 20_000_000)
        assert.deepStrictEqual(requests.map(({ url }) => url), Array(2).fill("https://api2.amplitude.com/batch"))
      }),
    60_000
  )

  it.scoped("R12: a body can have exactly as many bytes as the limit, key and options included", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 200, { apiKey: "clé-🔑\"\\", minIdLength: 12345 })
      const large = (size: number) => ({
        event_type: "large",
        user_id: "u".repeat(1000),
        device_id: "d".repeat(1000),
        event_properties: {
          list: Array.from({ length: 650 }, (_, index) => "x".repeat(Math.floor((size + index) / 650)))
        }
      })
      const trackPair = (size: number) =>
        Effect.gen(function*() {
          yield* client.updateConfig({ minIdLength: 1 })
          yield* client.track(large(400_000))
          yield* client.track(large(size))
          yield* client.updateConfig({ minIdLength: 12345 })
          yield* client.flush
          return requests.splice(0).map(({ body }) => Buffer.byteLength(body))
        })
      const [length] = yield* trackPair(500_000)
      const [full, ...others] = yield* trackPair(590_000)
      assert.deepStrictEqual(others, [])
      assert.isAbove(full!, length!)
      // each byte more of text is one byte more, until the limit is reached
      const left = 1_000_000 - full!
      assert.deepStrictEqual(yield* trackPair(590_000 + left), [1_000_000])
      assert.strictEqual((yield* trackPair(590_000 + left + 1)).length, 2)
    }))

  it.scoped("no request holds 2000 events or more", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 200, { flushQueueSize: 5000 })
      yield* trackMany(client, 4500)
      yield* client.flush
      assert.deepStrictEqual(requests.map((request) => request.events.length), [1999, 1999, 502])
    }))
})

describe("retries", () => {
  it.scoped("carry the identical bytes, and end as the last status says", () =>
    Effect.gen(function*() {
      const { client, reports, requests } = yield* scenario(() => 503, {
        flushMaxRetries: 2,
        retrySchedule: everySecond
      })
      yield* trackMany(client, 2)
      yield* Effect.fork(client.flush)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(requests.length, 3)
      assert.strictEqual(new Set(requests.map(({ body }) => body)).size, 1)
      assert.deepStrictEqual(
        reports.map((report) => [report._tag, report.code, report.attempts, report.event.event_type]),
        [["Dropped", 503, 3, "1"], ["Dropped", 503, 3, "2"]]
      )
      assert.deepStrictEqual(outcomes(reports), ["RetriesExhausted", "RetriesExhausted"])
    }))

  it.scoped("one request at a time probes, whatever flushConcurrency; the others keep their retries", () =>
    Effect.gen(function*() {
      let down = true
      const times: Array<number> = []
      const { client, mostUnderWay, reports, requests } = yield* scenario(
        () =>
          Effect.flatMap(TestClock.currentTimeMillis, (now) => {
            times.push(now)
            return down ? Effect.fail(new TransportError({ message: "down" })) : Effect.succeed(200)
          }),
        { flushConcurrency: 8, flushQueueSize: 10, flushMaxRetries: 100, retrySchedule: everySecond }
      )
      yield* trackMany(client, 10)
      yield* settle
      yield* trackMany(client, 90, (index) => `other-${index}`)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(requests.length, 11)
      assert.strictEqual(mostUnderWay(), 1)
      assert.deepStrictEqual(times, Array.from({ length: 11 }, (_, index) => index * 1000))
      down = false
      yield* TestClock.adjust("1 second")
      assert.strictEqual(reports.length, 100)
      assert.isTrue(reports.every(({ _tag }) => _tag === "Delivered"))
    }))

  it.scoped("an outage of five minutes at default settings loses nothing and takes a handful of probes", () =>
    Effect.gen(function*() {
      const { client, reports, requests } = yield* scenario(() =>
        Effect.map(TestClock.currentTimeMillis, (now) => now < 300_000 ? 502 : 200)
      )
      yield* trackMany(client, 1000)
      const flush = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("15 minutes")
      yield* Fiber.join(flush)
      assert.strictEqual(reports.length, 1000)
      assert.isTrue(reports.every(({ _tag }) => _tag === "Delivered"))
      assert.isBelow(requests.filter((_, index) => index < requests.length - 5).length, 13)
    }))

  it.scoped("a schedule that ends repeats its last delay", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 500, {
        flushMaxRetries: 5,
        retrySchedule: Schedule.intersect(Schedule.spaced("2 seconds"), Schedule.recurs(2))
      })
      yield* trackMany(client, 1)
      yield* Effect.fork(client.flush)
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(requests.length, 5)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(requests.length, 6)
    }))

  it.scoped("R22: a new schedule acts from the next answer that counts a retry, and begins with its first step", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 500, {
        retrySchedule: Schedule.spaced("1 minute"),
        shutdownTimeout: 0
      })
      yield* trackMany(client, 1)
      yield* Effect.fork(client.flush)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(requests.length, 2)
      yield* client.updateConfig({ retrySchedule: Schedule.exponential("1 second") })
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(requests.length, 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(requests.length, 3)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(requests.length, 4)
      // another setting leaves the driver as it is
      yield* client.updateConfig({ flushQueueSize: 7 })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(requests.length, 5)
      yield* TestClock.adjust("3999 millis")
      assert.strictEqual(requests.length, 5)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(requests.length, 6)
      // a schedule that ends at once has no last delay of its own
      yield* client.updateConfig({ retrySchedule: Schedule.stop })
      yield* TestClock.adjust("8 seconds")
      assert.strictEqual(requests.length, 7)
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(requests.length, 7)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(requests.length, 8)
    }))

  it.scoped("R15: a probing batch that is out of retries is dropped, and the next one probes at the current delay", () =>
    Effect.gen(function*() {
      const times: Array<string> = []
      const { client, reports } = yield* scenario(
        ({ events }) =>
          Effect.map(TestClock.currentTimeMillis, (now) => {
            times.push(`${typesOf(events)} at ${now / 1000}`)
            return 500
          }),
        { flushQueueSize: 1, flushMaxRetries: 1, retrySchedule: Schedule.exponential("1 second") }
      )
      yield* trackMany(client, 2)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(times, ["1 at 0", "1 at 1", "2 at 3", "2 at 7"])
      assert.deepStrictEqual(outcomes(reports), ["RetriesExhausted", "RetriesExhausted"])
    }))

  it.scoped("R15: the schedule starts again after an answer that counts no retry for the endpoint", () =>
    Effect.gen(function*() {
      for (const other of [200, 404, 413, { status: 400, body: { missing_field: "api_key" } }]) {
        const times: Array<number> = []
        const began = yield* TestClock.currentTimeMillis
        const { client } = yield* scenario(
          (_, index) =>
            Effect.map(TestClock.currentTimeMillis, (now) => {
              times.push((now - began) / 1000)
              return [500, 500, other][index] ?? 500
            }),
          { flushQueueSize: 1, flushMaxRetries: 2, retrySchedule: Schedule.exponential("1 second"), shutdownTimeout: 0 }
        )
        yield* trackMany(client, 2)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(times, [0, 1, 3, 3, 4, 6])
      }
    }))

  it.scoped("Retry-After is waited for", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(
        (_, index) => index === 0 ? { status: 429, headers: { "Retry-After": "7" } } : 200
      )
      yield* trackMany(client, 1)
      const flush = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("6999 millis")
      assert.strictEqual(requests.length, 1)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(flush)
      assert.strictEqual(requests.length, 2)
    }))

  it.scoped("a transport that hangs, dies or interrupts itself is no answer", () =>
    Effect.gen(function*() {
      const { client, reports, requests } = yield* scenario(
        (_, index) => [Effect.never, Effect.die("bug"), Effect.interrupt, 200][index] ?? 200,
        { retrySchedule: everySecond }
      )
      yield* trackMany(client, 1)
      const flush = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(flush)
      assert.strictEqual(requests.length, 4)
      assert.deepStrictEqual(reports.map(({ attempts }) => attempts), [4])
    }))
})

describe("settings that change", () => {
  it.scoped("R22: a request that is under way keeps its settings, and the next one has the new ones", () =>
    Effect.gen(function*() {
      const answered = yield* Deferred.make<number>()
      const { client, requests } = yield* scenario((_, index) => index === 0 ? Deferred.await(answered) : 200, {
        retrySchedule: everySecond
      })
      yield* trackMany(client, 2)
      const flush = yield* Effect.fork(client.flush)
      yield* settle
      yield* client.updateConfig({
        apiKey: "another-key",
        useBatch: true,
        serverZone: "EU",
        minIdLength: 3,
        flushQueueSize: 1
      })
      yield* Deferred.succeed(answered, 500)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(flush)
      const envelopes = requests.map(({ body, events, url }) => {
        const { api_key, options } = JSON.parse(body) as { readonly api_key: string; readonly options?: unknown }
        return [url, api_key, options, typesOf(events)]
      })
      assert.deepStrictEqual(envelopes, [
        ["https://api2.amplitude.com/2/httpapi", "a-secret-key", undefined, ["1", "2"]],
        ["https://api.eu.amplitude.com/batch", "another-key", { min_id_length: 3 }, ["1"]],
        ["https://api.eu.amplitude.com/batch", "another-key", { min_id_length: 3 }, ["2"]]
      ])
    }))

  it.scoped("R22: flushConcurrency and requestTimeout act from the next request", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => Effect.never, {
        flushConcurrency: 1,
        flushQueueSize: 1,
        requestTimeout: "1 hour",
        shutdownTimeout: 0
      })
      yield* trackMany(client, 10)
      yield* settle
      assert.strictEqual(requests.length, 1)
      yield* client.updateConfig({ flushConcurrency: 4 })
      yield* settle
      assert.strictEqual(requests.length, 4)
      yield* client.updateConfig({
        flushConcurrency: 2,
        requestTimeout: "1 second",
        flushMaxRetries: 0,
        retrySchedule: Schedule.spaced(0)
      })
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(requests.length, 4)
      yield* TestClock.adjust("1 minute")
      // while the endpoint gives no answer, one request at a time is under way
      assert.strictEqual(requests.length, 5)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(requests.length, 6)
    }))
})

describe("after shutdown", () => {
  it.scoped("a change of the settings does not interrupt its caller", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200)
      yield* client.shutdown
      yield* client.updateConfig({ flushConcurrency: 3 })
      assert.strictEqual((yield* client.config).flushConcurrency, 3)
      yield* client.setOptOut(true)
      assert.isFalse(yield* client.remove("none"))
    }))
})

describe("answers that name or refuse events", () => {
  it.scoped("a single culprit among 64 costs at most 13 requests and one drop", () =>
    Effect.gen(function*() {
      for (const culprit of ["1", "33", "64"]) {
        const { client, reports, requests } = yield* scenario(
          ({ events }) => typesOf(events).includes(culprit) ? { status: 400, body: "no" } : 200,
          { flushQueueSize: 64 }
        )
        yield* trackMany(client, 64)
        yield* client.flush
        assert.isAtMost(requests.length, 13)
        assert.deepStrictEqual(
          reports.filter(({ _tag }) => _tag === "Dropped").map(({ event }) => event.event_type),
          [culprit]
        )
        assert.strictEqual(reports.length, 64)
      }
    }))

  it.scoped("20 refusals in a row end a bisection", () =>
    Effect.gen(function*() {
      const { client, reports, requests } = yield* scenario(() => 403)
      yield* trackMany(client, 200)
      yield* client.flush
      assert.strictEqual(requests.length, 20)
      assert.strictEqual(reports.length, 200)
      assert.isTrue(reports.every((report) => report._tag === "Dropped" && report.code === 403))
    }))

  it.scoped("the limit that a 413 met halves, and doubles after each success", () =>
    Effect.gen(function*() {
      let limit = 20
      const { client, reports, requests } = yield* scenario(
        ({ events }) => events.length > limit ? 413 : 200,
        { flushQueueSize: 64 }
      )
      yield* trackMany(client, 64)
      yield* client.flush
      assert.deepStrictEqual(requests.map(({ events }) => events.length), [64, 32, 16, 16, 32, 16, 16])
      limit = 1000
      yield* trackMany(client, 64 * 4)
      yield* client.flush
      assert.strictEqual(requests.at(-1)?.events.length, 64)
      assert.isTrue(reports.every(({ _tag }) => _tag === "Delivered"))
    }))

  it.scoped("one event that is too large even alone is dropped", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(({ events }) => typesOf(events).includes("2") ? 413 : 200)
      yield* trackMany(client, 3)
      yield* client.flush
      assert.deepStrictEqual(outcomes(reports).toSorted(), ["Delivered", "Delivered", "PayloadTooLarge"])
    }))

  it.scoped("a throttled user waits alone, in order, and everybody else goes on", () =>
    Effect.gen(function*() {
      let sent = 0
      const { client, reports, requests } = yield* scenario(({ events }) => {
        const indices = events.flatMap(({ user_id }, index) => user_id === "throttled" ? [index] : [])
        return ++sent < 3 && indices.length > 0
          ? {
            status: 429,
            body: { code: 429, throttled_users: { throttled: 31 }, throttled_events: indices.slice(0, 1) }
          }
          : 200
      }, { flushQueueSize: 4 })
      yield* trackMany(client, 4, (index) => index % 2 === 0 ? "throttled" : "somebody")
      yield* settle
      assert.deepStrictEqual(requests.map(({ events }) => typesOf(events)), [["1", "2", "3", "4"], ["1", "3"]])
      yield* trackMany(client, 4, (index) => index === 1 ? "throttled" : "somebody")
      yield* settle
      assert.deepStrictEqual(typesOf(requests[2]?.events ?? []), ["2", "3", "4"])
      yield* TestClock.adjust("29999 millis")
      assert.strictEqual(requests.length, 3)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(typesOf(requests[3]?.events ?? []), ["2", "4", "1"])
      assert.strictEqual(reports.length, 8)
    }))

  it.scoped("an invalid key drops the batch, and no report holds the key", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => ({
        status: 400,
        body: { code: 400, error: "Invalid API key: a-secret-key" }
      }))
      yield* trackMany(client, 2)
      yield* client.flush
      assert.deepStrictEqual(outcomes(reports), ["InvalidApiKey", "InvalidApiKey"])
      assert.notInclude(JSON.stringify(reports), "a-secret-key")
      assert.include(reports[0]?.message, "Invalid API key")
    }))
})

describe("lanes", () => {
  it.scoped("no two requests under way hold events of one lane", () =>
    Effect.gen(function*() {
      const gates: Array<Deferred.Deferred<number>> = []
      const { client, mostUnderWay, requests } = yield* scenario(() => {
        const gate = Deferred.unsafeMake<number>(Fiber.id(Fiber.void))
        gates.push(gate)
        return Deferred.await(gate)
      }, { flushConcurrency: 8, flushQueueSize: 2 })
      yield* trackMany(client, 8, (index) => index <= 4 ? "first-user" : "second-user")
      yield* settle
      assert.deepStrictEqual(requests.map(({ events }) => typesOf(events)), [["1", "2"], ["5", "6"]])
      yield* Deferred.succeed(gates[1]!, 200)
      yield* settle
      assert.deepStrictEqual(typesOf(requests[2]?.events ?? []), ["7", "8"])
      yield* Deferred.succeed(gates[0]!, 200)
      yield* settle
      assert.deepStrictEqual(typesOf(requests[3]?.events ?? []), ["3", "4"])
      assert.strictEqual(mostUnderWay(), 2)
      yield* Effect.forEach(gates, (gate) => Deferred.succeed(gate, 200))
    }))
})

describe("flush", () => {
  it.scoped("joins, waits for retries and for callbacks, and is over at once when there is nothing", () =>
    Effect.gen(function*() {
      yield* (yield* scenario(() => 200)).client.flush
      const { client, reports, requests } = yield* scenario((_, index) => index === 0 ? 500 : 200, {
        retrySchedule: everySecond
      })
      yield* trackMany(client, 3)
      const flushes = yield* Effect.forEach([1, 2, 3], () => Effect.fork(client.flush))
      yield* settle
      assert.isTrue((yield* Effect.forEach(flushes, Fiber.poll)).every(({ _tag }) => _tag === "None"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(flushes)
      assert.strictEqual(requests.length, 2)
      assert.strictEqual(reports.length, 3)
    }))

  it.scoped("waits for nothing that is tracked after it", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(({ events }) => typesOf(events).includes("1") ? 200 : Effect.never, {
        shutdownTimeout: 0
      })
      yield* client.track({ event_type: "1", user_id: "user-1" })
      const flush = yield* Effect.fork(client.flush)
      yield* settle
      yield* client.track({ event_type: "2", user_id: "user-2" })
      yield* Fiber.join(flush)
      assert.strictEqual(requests.length, 1)
    }))

  it.scoped("inside a callback it waits for the outcomes alone", () =>
    Effect.gen(function*() {
      const flushed = yield* Deferred.make<void>()
      const flush = yield* Deferred.make<Effect.Effect<void>>()
      const { client } = yield* scenario(() => 200, {
        callback: () => Effect.zipRight(Effect.flatten(Deferred.await(flush)), Deferred.succeed(flushed, undefined))
      })
      yield* Deferred.succeed(flush, client.flush)
      yield* trackMany(client, 1)
      yield* client.flush
      yield* Deferred.await(flushed)
    }))

  it.scoped("waits until a slow callback has returned, in the order of the reports", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const { client } = yield* scenario(() => 200, {
        callback: ({ event }) => Effect.delay(Effect.sync(() => seen.push(event.event_type)), "1 second")
      })
      yield* trackMany(client, 3)
      const flush = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.poll(flush))._tag, "None")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(flush)
      assert.deepStrictEqual(seen, ["1", "2", "3"])
    }))

  it.scoped("a callback that dies changes nothing", () =>
    Effect.gen(function*() {
      let calls = 0
      const { client } = yield* scenario(() => 200, {
        callback: () => {
          calls++
          throw new Error("a bug of the user's")
        }
      })
      yield* trackMany(client, 3)
      yield* client.flush
      assert.strictEqual(calls, 3)
    }))
})

describe("shutdown", () => {
  it.scoped("delivers what waits for company, ends deliveries and refuses what comes later", () =>
    Effect.gen(function*() {
      const { client, reports, requests } = yield* scenario(() => 200)
      const deliveries = yield* Effect.fork(Stream.runCollect(client.deliveries))
      yield* settle
      yield* trackMany(client, 3)
      yield* client.shutdown
      yield* client.shutdown
      assert.strictEqual(requests.length, 1)
      assert.strictEqual((yield* Fiber.join(deliveries)).length, 3)
      yield* client.track({ event_type: "late", user_id: "user-1" })
      assert.strictEqual(
        (yield* Effect.flip(client.trackOrFail({ event_type: "late", user_id: "user-1" })))._tag,
        "AmplitudeClosed"
      )
      yield* client.flush
      yield* settle
      assert.deepStrictEqual(outcomes(reports), ["Delivered", "Delivered", "Delivered", "Closed"])
    }))

  it.effect("closing the scope gives every event an outcome within shutdownTimeout", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { client, reports, requests } = yield* Scope.extend(
        scenario(() => Effect.never, { shutdownTimeout: "5 seconds", flushQueueSize: 2 }),
        scope
      )
      yield* trackMany(client, 5)
      yield* settle
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual((yield* Fiber.poll(closing))._tag, "None")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.strictEqual(requests.length, 1)
      assert.deepStrictEqual(outcomes(reports), ["Shutdown", "Shutdown", "Shutdown", "Shutdown", "Shutdown"])
      assert.deepStrictEqual(reports.map(({ attempts }) => attempts).toSorted(), [0, 0, 0, 1, 1])
    }))

  it.effect("shutdownTimeout 0 reports what waits, paused ones too, and its callbacks run", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { client, reports } = yield* Scope.extend(
        scenario(({ events }) => ({ status: 429, body: { throttled_events: events.map((_, index) => index) } }), {
          shutdownTimeout: 0,
          flushQueueSize: 2
        }),
        scope
      )
      yield* trackMany(client, 3)
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(outcomes(reports), ["Shutdown", "Shutdown", "Shutdown"])
    }))

  it.effect("a callback that hangs holds it up no longer than shutdownTimeout", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { client } = yield* Scope.extend(scenario(() => 200, { callback: () => Effect.never }), scope)
      yield* trackMany(client, 3)
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(closing)
    }))

  it.scoped("callers that wait for room are told", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => Effect.never, {
        bufferCapacity: 1,
        overflow: "suspend",
        shutdownTimeout: "1 second"
      })
      yield* client.trackOrFail({ event_type: "1", user_id: "user-1" })
      const waiting = yield* Effect.fork(Effect.flip(client.trackOrFail({ event_type: "2", user_id: "user-1" })))
      yield* settle
      const closing = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "AmplitudeClosed")
      assert.deepStrictEqual(outcomes(reports), ["Shutdown"])
    }))
})

describe("one outcome", () => {
  it.scoped("overflow: each policy gives every event exactly one", () =>
    Effect.gen(function*() {
      for (const overflow of ["dropOldest", "dropNewest"] as const) {
        const { client, reports } = yield* scenario(() => 200, { bufferCapacity: 3, overflow })
        yield* trackMany(client, 5)
        yield* client.flush
        const dropped = reports.filter(({ _tag }) => _tag === "Dropped").map(({ event }) => event.event_type)
        assert.deepStrictEqual(dropped, overflow === "dropOldest" ? ["1", "2"] : ["4", "5"])
        assert.strictEqual(reports.length, 5)
      }
      const { client } = yield* scenario(() => 200, { bufferCapacity: 1, overflow: "fail" })
      yield* client.trackOrFail({ event_type: "1", user_id: "user-1" })
      assert.strictEqual(
        (yield* Effect.flip(client.trackOrFail({ event_type: "2", user_id: "user-1" })))._tag,
        "BufferFull"
      )
    }))

  it.scoped("trackAndWait tells the outcome of its own event", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(({ events }) => typesOf(events).includes("bad") ? 404 : 200, {
        flushQueueSize: 1
      })
      const delivered = yield* client.trackAndWait({ event_type: "good", user_id: "user-1" })
      assert.strictEqual(delivered.event.event_type, "good")
      const error = yield* Effect.flip(client.trackAndWait({ event_type: "bad", user_id: "user-1" }))
      assert.isTrue(error._tag === "DeliveryError" && error.reason === "Rejected" && error.report?.code === 404)
      const invalid = yield* Effect.flip(client.trackAndWait({ event_type: "", user_id: "user-1" }))
      assert.strictEqual(invalid._tag, "InvalidEvent")
      yield* client.flush
      assert.strictEqual(reports.length, 2)
    }))

  it.scoped("trackAndWait at shutdown", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => Effect.never, { shutdownTimeout: 0 })
      const waiting = yield* Effect.fork(Effect.flip(client.trackAndWait({ event_type: "1", user_id: "user-1" })))
      yield* settle
      yield* client.shutdown
      const error = yield* Fiber.join(waiting)
      assert.isTrue(error._tag === "DeliveryError" && error.reason === "Shutdown")
    }))
})

describe("what others do wrong", () => {
  it.effect("an uninterruptible caller under suspend is not held up", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 200, { overflow: "suspend" })
      yield* Effect.uninterruptible(client.track({ event_type: "1", user_id: "user-1" }))
      yield* client.flush
      assert.deepStrictEqual(outcomes(reports), ["Delivered"])
    }).pipe(Effect.scoped))

  it.effect("a callback that hangs does not hang flush after shutdown", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200, { callback: () => Effect.never, shutdownTimeout: "1 second" })
      yield* trackMany(client, 2)
      const before = yield* Effect.fork(client.flush)
      const closing = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll([before, closing])
      yield* client.flush
    }).pipe(Effect.scoped))

  it.effect("a retry schedule that hangs does not hang shutdown", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 503, {
        retrySchedule: Schedule.mapEffect(Schedule.forever, () => Effect.never),
        shutdownTimeout: "1 second"
      })
      yield* trackMany(client, 2)
      const closing = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(outcomes(reports), ["Shutdown", "Shutdown"])
    }).pipe(Effect.scoped))

  it.effect("the retry schedule does not see the key", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const { client } = yield* scenario(
        () => new TransportError({ message: "boom a-secret-key", cause: new Error("a-secret-key") }),
        {
          flushMaxRetries: 1,
          retrySchedule: Schedule.tapInput(
            everySecond,
            (input: AmplitudeConfig.RetryInput) => Effect.sync(() => seen.push(input.code, input.cause))
          )
        }
      )
      yield* trackMany(client, 1)
      const flush = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(flush)
      assert.strictEqual(seen[0], 0)
      assert.instanceOf(seen[1], TransportError)
      assert.notInclude(String(seen[1]) + JSON.stringify(seen), "a-secret-key")
    }).pipe(Effect.scoped))

  it.effect("an answer that is none of its type counts a retry", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(
        () => Effect.succeed({ status: "503" } as unknown as { status: number }),
        { flushMaxRetries: 1, retrySchedule: everySecond }
      )
      yield* trackMany(client, 1)
      const flush = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(flush)
      assert.deepStrictEqual(outcomes(reports), ["RetriesExhausted"])
    }).pipe(Effect.scoped))

  it.effect("a key that was changed meanwhile does not get through either", () =>
    Effect.gen(function*() {
      const answered = yield* Deferred.make<{ status: number; body: string }>()
      const { client, reports } = yield* scenario(() => Deferred.await(answered))
      yield* trackMany(client, 1)
      const flush = yield* Effect.fork(client.flush)
      yield* settle
      yield* client.updateConfig({ apiKey: "another-key" })
      yield* Deferred.succeed(answered, { status: 404, body: "no: a-secret-key" })
      yield* Fiber.join(flush)
      assert.strictEqual(reports[0]?.message, "no: <redacted>")
    }).pipe(Effect.scoped))

  it.effect("a key at the place where a long text is cut does not get through", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => ({ status: 404, body: `${"x".repeat(490)}a-secret-key` }))
      yield* trackMany(client, 1)
      yield* client.flush
      assert.notInclude(reports[0]?.message, "a-secret")
    }).pipe(Effect.scoped))

  it.effect("an event that arrives during a request waits for its own company", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => Effect.delay(Effect.succeed(200), "1 second"), {
        shutdownTimeout: 0
      })
      yield* client.track({ event_type: "1", user_id: "user-1" })
      yield* TestClock.adjust("10500 millis")
      yield* client.track({ event_type: "2", user_id: "user-2" })
      yield* TestClock.adjust("9999 millis")
      assert.strictEqual(requests.length, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(requests.length, 2)
    }).pipe(Effect.scoped))
})

/** Reports wait in bounded queues: a slow callback or subscriber neither delays delivery nor fills the memory. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Metric, Scope, Stream, TestClock } from "effect"
import type { DeliveryReport } from "effect-amplitude"
import { scenario, trackMany, typesOf } from "../support/scripted.js"

const dropped = Effect.map(Metric.value(Metric.counter("amplitude_reports_dropped")), ({ count }) => count)

/** The lines about reports and callbacks. */
const about = (lines: ReadonlyArray<string>): ReadonlyArray<string> => lines.filter((line) => /report/.test(line))

/** Callbacks that each wait for a latch, and the reports that they were called with. */
const gated = () => {
  const called: Array<string> = []
  const returned: Array<string> = []
  const gates = new Map<string, Deferred.Deferred<void>>()
  return {
    called,
    returned,
    open: (name: string) => Deferred.succeed(gates.get(name)!, undefined),
    callback: ({ event }: DeliveryReport.DeliveryReport) =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        gates.set(event.event_type, gate)
        called.push(event.event_type)
        yield* Deferred.await(gate)
        returned.push(event.event_type)
      })
  }
}

/** Lets all fibers run until they wait for the clock. */
const settle = TestClock.adjust(0)

describe("a callback that is slower than delivery", () => {
  it.scoped("gets the newest reports: the oldest are dropped, one line a burst, and counted", () =>
    Effect.gen(function*() {
      const before = yield* dropped
      const { callback, called, open } = gated()
      const { client, lines } = yield* scenario(() => 200, {
        callback,
        reportCapacity: 3,
        flushQueueSize: 10,
        callbackTimeout: "1 hour",
        shutdownTimeout: 0
      })
      yield* trackMany(client, 1)
      const flushing = yield* Effect.fork(client.flush)
      yield* settle
      assert.deepStrictEqual(called, ["1"])
      yield* trackMany(client, 10)
      yield* settle
      assert.strictEqual((yield* dropped) - before, 7)
      assert.deepStrictEqual(about(lines), ["WARN 1 report dropped: the callback is too slow"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(about(lines), [
        "WARN 1 report dropped: the callback is too slow",
        "WARN 6 reports dropped: the callback is too slow"
      ])
      for (const name of ["1", "8", "9", "10"]) {
        yield* open(name)
        yield* settle
      }
      assert.deepStrictEqual(called, ["1", "8", "9", "10"])
      yield* Fiber.join(flushing)
    }))

  it.scoped("holds as many reports as reportCapacity says, however many there are", () =>
    Effect.gen(function*() {
      const before = yield* dropped
      const events = 12_000
      const { callback, called, open } = gated()
      const { client } = yield* scenario(() => 200, {
        callback,
        flushQueueSize: 1000,
        callbackTimeout: "1 hour",
        shutdownTimeout: 0
      })
      yield* trackMany(client, events)
      const flushing = yield* Effect.fork(client.flush)
      yield* settle
      assert.deepStrictEqual(called, ["1"])
      // one is with the callback, and 10,000 are the default
      assert.strictEqual((yield* dropped) - before, events - 10_001)
      yield* client.updateConfig({ reportCapacity: 2 })
      yield* trackMany(client, 1)
      yield* Effect.fork(client.flush)
      yield* settle
      assert.strictEqual((yield* dropped) - before, events - 2)
      yield* open("1")
      yield* settle
      assert.deepStrictEqual(called, ["1", String(events)])
      yield* Fiber.interrupt(flushing)
    }))

  it.scoped("does not keep flush waiting for reports that were dropped", () =>
    Effect.gen(function*() {
      const { callback, called, open } = gated()
      const { client } = yield* scenario(() => 200, {
        callback,
        reportCapacity: 2,
        callbackTimeout: "1 hour",
        shutdownTimeout: 0
      })
      const track = (event_type: string) => client.track({ event_type, user_id: "user-12345" })
      yield* track("1")
      yield* Effect.fork(client.flush)
      yield* settle
      yield* Effect.forEach(["2", "3"], track)
      const first = yield* Effect.fork(client.flush)
      yield* settle
      yield* Effect.forEach(["4", "5", "6"], track)
      const second = yield* Effect.fork(client.flush)
      yield* settle
      assert.isNull(first.unsafePoll())
      yield* open("1")
      yield* settle
      // 2 and 3 were dropped; 5 is with the callback now
      assert.deepStrictEqual(called, ["1", "5"])
      yield* Fiber.join(first)
      assert.isNull(second.unsafePoll())
      yield* open("5")
      yield* settle
      yield* open("6")
      yield* Fiber.join(second)
    }))

  it.effect("leaves the reports that it never took at shutdown, with a line", () =>
    Effect.gen(function*() {
      const before = yield* dropped
      const scope = yield* Scope.make()
      const { called, callback } = gated()
      const { client, lines } = yield* Scope.extend(
        scenario(() => 200, { callback, shutdownTimeout: "1 second" }),
        scope
      )
      yield* trackMany(client, 3)
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(called, ["1"])
      assert.strictEqual((yield* dropped) - before, 2)
      assert.deepStrictEqual(about(lines), [
        "WARN 2 reports dropped: the client was shut down before the callback took it"
      ])
    }))
})

describe("a callback that takes longer than callbackTimeout", () => {
  const givenUp = "the callback took longer than callbackTimeout and was given up for 1 report"

  it.scoped("is given up after 30 seconds and logged, and the next report goes on", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      const { client, lines } = yield* scenario(() => 200, {
        callback: ({ event: { event_type } }) =>
          event_type === "2"
            ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended.push("2 was interrupted")))
            : Effect.sync(() => ended.push(event_type))
      })
      yield* trackMany(client, 3)
      const flushing = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("29999 millis")
      assert.deepStrictEqual(ended, ["1"])
      assert.deepStrictEqual(about(lines), [])
      assert.isNull(flushing.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual([...ended].sort(), ["1", "2 was interrupted", "3"])
      assert.deepStrictEqual(about(lines), [`ERROR ${givenUp}`])
      yield* Fiber.join(flushing)
    }))

  it.scoped("is given up where it cannot be interrupted, and disturbs nobody when it ends after all", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const { client, lines } = yield* scenario(() => 200, {
        callbackTimeout: "2 seconds",
        shutdownTimeout: 0,
        callback: ({ event: { event_type } }) =>
          event_type === "1"
            ? Effect.uninterruptible(Effect.andThen(Deferred.await(gate), () => ended.push(event_type)))
            : Effect.andThen(Effect.sleep("1 second"), () => ended.push(event_type))
      })
      yield* trackMany(client, 3)
      const flushing = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("3500 millis")
      assert.deepStrictEqual(ended, ["2"])
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(ended, ["2", "1"])
      assert.isNull(flushing.unsafePoll())
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(ended, ["2", "1", "3"])
      yield* Fiber.join(flushing)
      assert.deepStrictEqual(about(lines), [`ERROR ${givenUp}`])
    }))

  it.scoped("has the time of the settings as they are", () =>
    Effect.gen(function*() {
      const { client, lines } = yield* scenario(() => 200, { callback: () => Effect.never, shutdownTimeout: 0 })
      yield* client.updateConfig({ callbackTimeout: "1 second" })
      yield* trackMany(client, 2)
      const flushing = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(flushing)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(about(lines), [`ERROR ${givenUp}`, `ERROR ${givenUp}`])
    }))

  it.scoped("has a time that is shortened while it runs", () =>
    Effect.gen(function*() {
      const { client, lines } = yield* scenario(() => 200, {
        callback: () => Effect.never,
        callbackTimeout: "1 hour",
        shutdownTimeout: 0
      })
      yield* trackMany(client, 1)
      const flushing = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(about(lines), [])
      yield* client.updateConfig({ callbackTimeout: "2 seconds" })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(flushing)
      assert.deepStrictEqual(about(lines), [`ERROR ${givenUp}`])
    }))
})

describe("a subscriber of deliveries that is stalled", () => {
  it.scoped("keeps the newest reports, one line a burst, and holds up nobody", () =>
    Effect.gen(function*() {
      const before = yield* dropped
      const taken: Array<string> = []
      const goOn = yield* Deferred.make<void>()
      const { client, lines, reports } = yield* scenario(() => 200, { reportCapacity: 5, flushQueueSize: 10 })
      const stalled = yield* Effect.fork(Stream.runForEach(client.deliveries, ({ event }) => {
        taken.push(event.event_type)
        return Deferred.await(goOn)
      }))
      const quick = yield* Effect.fork(
        Stream.runCollect(Stream.map(client.deliveries, ({ event }) => event.event_type))
      )
      yield* settle
      yield* trackMany(client, 1)
      yield* client.flush
      yield* settle
      // one batch at a time, so that the quick one keeps up
      for (let event = 0; event < 20; event++) {
        yield* client.track({ event_type: `later ${event}`, user_id: "user-12345" })
        yield* client.flush
        yield* settle
      }
      assert.strictEqual(reports.length, 21)
      assert.deepStrictEqual(taken, ["1"])
      const missed = (yield* dropped) - before
      assert.strictEqual(missed, 15)
      assert.deepStrictEqual(about(lines), ["WARN 1 report dropped: a subscriber of deliveries is too slow"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(about(lines).slice(1), [
        "WARN 14 reports dropped: a subscriber of deliveries is too slow"
      ])
      yield* client.shutdown
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(stalled)
      assert.deepStrictEqual(taken, ["1", ...typesOf(reports.map(({ event }) => event)).slice(-5)])
      assert.strictEqual((yield* Fiber.join(quick)).length, 21)
    }))
})

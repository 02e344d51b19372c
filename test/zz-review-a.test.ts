import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Option, Schedule, Scope, TestClock } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import { scenario, trackMany, typesOf } from "./support/scripted.js"
const settle = TestClock.adjust(0)
const quick = <A, E>(f: Fiber.RuntimeFiber<A, E>) => Effect.map(Fiber.poll(f), Option.isSome)
describe("review", () => {
  it.scoped("A uninterruptible track under suspend returns", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200, { overflow: "suspend" })
      const f = yield* Effect.forkDaemon(Effect.uninterruptible(client.track({ event_type: "a", user_id: "user-1" })))
      yield* settle
      assert.isTrue(yield* quick(f))
    }))
  const durable = (slow: Effect.Effect<void>, options = {}) =>
    Effect.gen(function*() {
      const inner = Layer.map(EventStorage.layerMemory, (c) => c)
      const st = Layer.effect(
        EventStorage,
        Effect.map(EventStorage, (s: any) => ({
          ...s,
          durable: true,
          release: (a: any, b: any) => Effect.zipRight(slow, s.release(a, b))
        }))
      ).pipe(Layer.provide(inner))
      const tr = Layer.succeed(Transport, { send: () => Effect.succeed({ status: 503, headers: {}, body: "" }) })
      const ctx = yield* Layer.build(
        Amplitude.layerServices.pipe(
          Layer.provide([st as any, tr, AmplitudeLogger.layerNone]),
          Layer.provide(AmplitudeConfig.layer({ apiKey: "k-secret", ...options }))
        ) as any
      )
      return yield* Effect.provide(Amplitude, ctx as any) as any
    }) as any
  for (
    const [name, opts, adv] of [["timeout 10s", {}, "11 seconds"], [
      "timeout 0",
      { shutdownTimeout: 0 },
      "1 millis"
    ]] as any
  ) {
    it.scoped("B durable shutdown while down: trackAndWait and flush end, " + name, () =>
      Effect.gen(function*() {
        const client: any = yield* durable(Effect.void, opts)
        const w: any = yield* Effect.forkDaemon(client.trackAndWait({ event_type: "a", user_id: "user-1" }))
        yield* settle
        const s: any = yield* Effect.forkDaemon(client.shutdown)
        yield* settle
        yield* TestClock.adjust(adv)
        yield* settle
        const fl: any = yield* Effect.forkDaemon(client.flush)
        yield* TestClock.adjust("20 minutes")
        assert.deepStrictEqual([yield* quick(s), yield* quick(w), yield* quick(fl)], [true, true, true])
      }))
  }
  it.scoped("C flush after shutdown with a hanging callback", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200, { callback: () => Effect.never })
      yield* trackMany(client, 2)
      const f0 = yield* Effect.forkDaemon(client.flush)
      yield* settle
      const s = yield* Effect.forkDaemon(client.shutdown)
      yield* TestClock.adjust("30 seconds")
      const f = yield* Effect.forkDaemon(client.flush)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual([yield* quick(s), yield* quick(f0), yield* quick(f)], [true, true, true])
    }))
  it.scoped("D built uninterruptibly, log timer ends at shutdown", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { client } = yield* Effect.uninterruptible(Scope.extend(scenario(() => 200), scope))
      yield* client.track({ event_type: "", user_id: "user-1" })
      yield* settle
      const s = yield* Effect.forkDaemon(client.shutdown)
      yield* settle
      const sleeps = yield* TestClock.sleeps()
      assert.deepStrictEqual([yield* quick(s), Array.from(sleeps).length], [true, 0])
    }))
  it.scoped("E key cut at 500", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => ({ status: 404, body: "x".repeat(490) + "a-secret-key" }))
      yield* trackMany(client, 1)
      yield* client.flush
      assert.isFalse(reports[0]!.message.includes("a-secret"), reports[0]!.message.slice(480))
    }))
  it.scoped("F hanging schedule step does not hang shutdown", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 503, {
        retrySchedule: Schedule.forever.pipe(Schedule.mapEffect(() => Effect.never))
      })
      yield* trackMany(client, 1)
      yield* Effect.forkDaemon(client.flush)
      yield* settle
      const s = yield* Effect.forkDaemon(client.shutdown)
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual([yield* quick(s), reports.length], [true, 1])
    }))
  it.scoped("G an event that arrives during a request waits for its company", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => Effect.delay(Effect.succeed(200), "1 second"))
      yield* trackMany(client, 1)
      yield* TestClock.adjust("10 seconds")
      yield* client.track({ event_type: "b", user_id: "user-b" })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(requests.map((r) => typesOf(r.events)), [["1"]])
    }))
  it.scoped("H flush with callers suspended does not wait for the interval", () =>
    Effect.gen(function*() {
      const { client, requests, reports } = yield* scenario(() => 200, { overflow: "suspend", bufferCapacity: 2 })
      for (let i = 0; i < 6; i++) yield* Effect.forkDaemon(client.track({ event_type: "b" + i, user_id: "user-b" + i }))
      yield* settle
      const f = yield* Effect.forkDaemon(client.flush)
      yield* settle
      yield* settle
      assert.deepStrictEqual([yield* quick(f), reports.length], [true, 6])
    }))
  it.scoped("I answer without headers counts a retry", () =>
    Effect.gen(function*() {
      const tr = Layer.succeed(Transport, { send: () => Effect.succeed({ status: 503 } as any) })
      let n = 0
      const ctx = yield* Layer.build(
        Amplitude.layerServices.pipe(
          Layer.provide([EventStorage.layerMemory, tr, AmplitudeLogger.layerNone]),
          Layer.provide(AmplitudeConfig.layer({
            apiKey: "k-secret",
            flushMaxRetries: 1,
            callback: () =>
              Effect.sync(() => {
                n++
              })
          }))
        )
      )
      const client = yield* Effect.provide(Amplitude, ctx)
      yield* trackMany(client, 1)
      yield* Effect.forkDaemon(client.flush)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(n, 1)
    }))
})

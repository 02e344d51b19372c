/** R23: setting the wall clock delays nothing: intervals, retries, pauses and timeouts use the monotonic clock. */
import { assert, describe, it } from "@effect/vitest"
import type { Clock } from "effect"
import { Effect, Fiber, Schedule, TestClock } from "effect"
import type { Amplitude, DeliveryReport } from "effect-amplitude"
import type { Scenario, Script } from "../support/scripted.js"
import { scenario, trackMany } from "../support/scripted.js"

const hour = 3_600_000

/** A client with a wall clock that `set` changes. */
const onWallClock = (
  script: Script,
  options: Partial<Amplitude.Options>,
  use: (client: Scenario, set: (step: number) => Effect.Effect<void>) => Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const clock = yield* Effect.clock
    let moved = 0
    const wall: Clock.Clock = Object.assign(Object.create(clock) as Clock.Clock, {
      currentTimeMillis: Effect.sync(() => clock.unsafeCurrentTimeMillis() + moved),
      unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + moved,
      currentTimeNanos: Effect.sync(() => clock.unsafeCurrentTimeNanos()),
      unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos()
    })
    const set = (step: number) =>
      Effect.sync(() => {
        moved += step
      })
    // far enough from the epoch to go back
    yield* TestClock.setTime(100 * hour)
    yield* Effect.withClock(
      Effect.scoped(Effect.flatMap(scenario(script, options), (client) => use(client, set))),
      wall
    )
  })

const outcomes = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>) =>
  reports.map((report) => report._tag === "Dropped" ? report.reason : report._tag)

/** Checks that nothing happens before a duration is over, and everything then. */
const after = (millis: number, happened: () => number, count: number) =>
  Effect.gen(function*() {
    yield* TestClock.adjust(millis - 1)
    assert.strictEqual(happened(), count - 1)
    yield* TestClock.adjust(1)
    assert.strictEqual(happened(), count)
  })

for (const [how, step] of [["back", -hour], ["forward", hour]] as const) {
  describe(`a wall clock that is set ${how} by an hour`, () => {
    it.effect("leaves flushInterval as it is", () =>
      onWallClock(() => 200, { flushInterval: "10 seconds" }, ({ client, requests }, set) =>
        Effect.gen(function*() {
          yield* trackMany(client, 1)
          yield* TestClock.adjust("1 second")
          yield* set(step)
          yield* trackMany(client, 1)
          yield* after(9000, () => requests.length, 1)
        })))

    it.effect("leaves the delay of a retry as it is", () =>
      onWallClock(
        (_, index) => index === 0 ? 503 : 200,
        { retrySchedule: Schedule.spaced("20 seconds") },
        ({ client, requests }, set) =>
          Effect.gen(function*() {
            yield* trackMany(client, 1)
            const flush = yield* Effect.fork(client.flush)
            yield* TestClock.adjust("5 seconds")
            yield* set(step)
            yield* after(15_000, () => requests.length, 2)
            yield* Fiber.join(flush)
          })
      ))

    it.effect("leaves Retry-After in seconds as it is", () =>
      onWallClock(
        (_, index) => index === 0 ? { status: 429, headers: { "retry-after": "60" } } : 200,
        {},
        ({ client, requests }, set) =>
          Effect.gen(function*() {
            yield* trackMany(client, 1)
            const flush = yield* Effect.fork(client.flush)
            yield* TestClock.adjust("10 seconds")
            yield* set(step)
            yield* after(50_000, () => requests.length, 2)
            yield* Fiber.join(flush)
          })
      ))

    it.effect("leaves the pause of a throttled user as it is", () =>
      onWallClock(
        (_, index) => index === 0 ? { status: 429, body: { throttled_events: [0] } } : 200,
        {},
        ({ client, requests }, set) =>
          Effect.gen(function*() {
            yield* trackMany(client, 1)
            const flush = yield* Effect.fork(client.flush)
            yield* TestClock.adjust("10 seconds")
            yield* set(step)
            yield* after(20_000, () => requests.length, 2)
            yield* Fiber.join(flush)
          })
      ))

    it.effect("leaves requestTimeout as it is", () =>
      onWallClock(
        (_, index) => index === 0 ? Effect.never : 200,
        { requestTimeout: "10 seconds", retrySchedule: Schedule.spaced(1) },
        ({ client, requests }, set) =>
          Effect.gen(function*() {
            yield* trackMany(client, 1)
            const flush = yield* Effect.fork(client.flush)
            yield* TestClock.adjust("2 seconds")
            yield* set(step)
            yield* after(8001, () => requests.length, 2)
            yield* Fiber.join(flush)
          })
      ))

    it.effect("leaves callbackTimeout and shutdownTimeout as they are", () =>
      onWallClock(
        (_, index) => index === 0 ? 200 : Effect.never,
        { shutdownTimeout: "10 seconds", callbackTimeout: "30 seconds", callback: () => Effect.never },
        ({ client, lines }, set) =>
          Effect.gen(function*() {
            yield* trackMany(client, 1)
            const flush = yield* Effect.fork(client.flush)
            yield* TestClock.adjust("1 second")
            yield* set(step)
            yield* after(29_000, () => lines.filter((line) => line.includes("callbackTimeout")).length, 1)
            yield* Fiber.join(flush)
            yield* trackMany(client, 1)
            let closed = 0
            const closing = yield* Effect.fork(Effect.andThen(client.shutdown, () => closed++))
            yield* TestClock.adjust("3 seconds")
            yield* set(step)
            yield* after(7000, () => closed, 1)
            yield* Fiber.join(closing)
          })
      ))
  })
}

describe("a Retry-After that is a date", () => {
  it.effect("is read on the wall clock", () =>
    onWallClock(
      (_, index) =>
        index === 0
          ? { status: 503, headers: { "retry-after": new Date(101 * hour + 60_000).toUTCString() } }
          : 200,
      {},
      ({ client, reports, requests }, set) =>
        Effect.gen(function*() {
          yield* set(hour)
          yield* trackMany(client, 1)
          const flush = yield* Effect.fork(client.flush)
          yield* after(60_000, () => requests.length, 2)
          yield* Fiber.join(flush)
          assert.deepStrictEqual(outcomes(reports), ["Delivered"])
        })
    ))
})

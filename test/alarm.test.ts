import { assert, describe, it } from "@effect/vitest"
import { Effect, TestClock } from "effect"
import * as Alarm from "../src/internal/alarm.js"
import { countingClock } from "./support/countingClock.js"

/** An alarm that records the times at which it runs, and a clock that counts the sleeps. */
const observed = Effect.map(countingClock, (counting) => {
  const rang: Array<number> = []
  const alarm = Alarm.make(Effect.map(Effect.clockWith((clock) => clock.currentTimeMillis), (now) => {
    rang.push(now)
  }))
  return { alarm, rang, ...counting }
})

describe("an alarm", () => {
  it.effect("rings once, at the time asked for", () =>
    Effect.gen(function*() {
      const { alarm, rang } = yield* observed
      yield* alarm.ringBy(1000)
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(rang, [])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(rang, [1000])
    }))

  it.effect("rings at the earliest of many times, and sleeps once for those that are later", () =>
    Effect.gen(function*() {
      const { alarm, clock, rang, sleeps } = yield* observed
      yield* Effect.withClock(Effect.forEach([2000, 3000, 9000], alarm.ringBy), clock)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(sleeps, { begun: 1, under: 1 })
      yield* Effect.withClock(alarm.ringBy(1000), clock)
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(sleeps, { begun: 2, under: 1 })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(rang, [1000])
    }))

  it.effect("rings at once for a time that is over", () =>
    Effect.gen(function*() {
      const { alarm, rang } = yield* observed
      yield* TestClock.adjust("5 seconds")
      yield* alarm.ringBy(1000)
      yield* TestClock.adjust("0 millis")
      assert.deepStrictEqual(rang, [5000])
    }))

  it.effect("can be set again by what it runs", () =>
    Effect.gen(function*() {
      const rang: Array<number> = []
      const again: Effect.Effect<void> = Effect.flatMap(Effect.clockWith((clock) => clock.currentTimeMillis), (now) => {
        rang.push(now)
        return rang.length < 3 ? alarm.ringBy(now + 1000) : Effect.void
      })
      const alarm = Alarm.make(again)
      yield* alarm.ringBy(1000)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(rang, [1000, 2000, 3000])
    }))

  it.effect("leaves no timer behind where it rests, and rings again when it is asked to", () =>
    Effect.gen(function*() {
      const { alarm, clock, rang, sleeps } = yield* observed
      yield* Effect.withClock(alarm.ringBy(1000), clock)
      yield* TestClock.adjust("1 millis")
      yield* alarm.rest
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(rang, [])
      assert.strictEqual(sleeps.under, 0)
      yield* alarm.ringBy(3000)
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual(rang, [3000])
    }))

  it.effect(
    "rings for the earliest of callers that ask at the same moment, wherever their fibers yield",
    () =>
      Effect.gen(function*() {
        for (let before = 0; before < 40; before++) {
          const { alarm, clock, rang, sleeps } = yield* observed
          const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          const ask = (time: number) =>
            Array.from({ length: before }).reduce<Effect.Effect<void>>(
              (next) => Effect.zipRight(Effect.void, next),
              alarm.ringBy(start + time)
            )
          const all = Effect.forEach([9, 3, 1, 7], ask, { concurrency: "unbounded", discard: true })
          yield* Effect.withClock(Effect.withMaxOpsBeforeYield(all, 40), clock)
          yield* TestClock.adjust("20 millis")
          assert.deepStrictEqual(rang, [start + 1])
          assert.strictEqual(sleeps.under, 0)
        }
      }),
    30_000
  )
})

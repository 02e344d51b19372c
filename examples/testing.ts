/**
 * How to test a program that tracks. In a project of yours, what is checked here stands in a test file, as
 *
 *     import { it } from "@effect/vitest"
 *
 *     it.effect("a checkout is tracked, item by item", () => aCheckoutIsTracked.pipe(Effect.provide(AmplitudeTest)))
 *
 * `it.effect` brings the test clock, as `TestContext` does below. Run this file with
 *
 *     npx tsx examples/testing.ts
 */
import { Console, Effect, Layer, TestClock, TestContext } from "effect"
import { Amplitude, AmplitudeTest, Recorder } from "effect-amplitude"
import { deepStrictEqual } from "node:assert/strict"

// What is tested

interface Item {
  readonly sku: string
  readonly price: number
  readonly quantity: number
}

const checkout = (userId: string, items: ReadonlyArray<Item>): Effect.Effect<number, never, Amplitude> =>
  Effect.gen(function*() {
    for (const { price, quantity, sku } of items) {
      yield* Amplitude.revenue({ price, quantity, productId: sku })
    }
    const total = items.reduce((sum, { price, quantity }) => sum + price * quantity, 0)
    yield* Amplitude.track("Checkout Completed", { items: items.length, total })
    return total
  }).pipe(Amplitude.withEventOptions({ user_id: userId }))

// The tests

const items: ReadonlyArray<Item> = [
  { sku: "tea", price: 4, quantity: 2 },
  { sku: "mug", price: 12.5, quantity: 1 }
]

const aCheckoutIsTracked = Effect.gen(function*() {
  const total = yield* checkout("user-12345", items)

  const events = yield* Recorder.events
  deepStrictEqual(total, 20.5)
  deepStrictEqual(events.map((event) => event.event_type), [
    "revenue_amount",
    "revenue_amount",
    "Checkout Completed"
  ])
  return events
})

/** Times are those of the test clock, and `insert_id`s count from 1: nothing of a payload is left to chance. */
const aWholePayload = Effect.gen(function*() {
  yield* TestClock.setTime(Date.UTC(2026, 0, 1))
  yield* checkout("user-12345", [])

  const events = yield* Recorder.events
  deepStrictEqual(events.map((event) => ({ ...event })), [{
    event_type: "Checkout Completed",
    user_id: "user-12345",
    time: 1767225600000,
    insert_id: "00000000-0000-4000-8000-000000000001",
    event_properties: { items: 0, total: 0 },
    library: "effect-amplitude/0.1.0"
  }])
  return events
})

/** Requests can be made to fail: here the service is away for a moment, and the event arrives at the second attempt. */
const anOutageLosesNothing = Effect.gen(function*() {
  yield* Recorder.failWith({ status: 503 })
  yield* checkout("user-12345", [])
  const flushing = yield* Effect.fork(Amplitude.flush)
  yield* TestClock.adjust("1 minute")
  yield* flushing

  const reports = yield* Recorder.reports
  deepStrictEqual(reports.map(({ _tag, attempts }) => ({ _tag, attempts })), [{ _tag: "Delivered", attempts: 2 }])
  return yield* Recorder.events
})

const run = (name: string, test: typeof aCheckoutIsTracked) =>
  Effect.gen(function*() {
    const events = yield* Effect.provide(test, Layer.provideMerge(AmplitudeTest, TestContext.TestContext))
    yield* Console.log(`ok: ${name}`)
    for (const event of events) {
      yield* Console.log(`  ${event.event_type} ${JSON.stringify(event.event_properties)}`)
    }
  })

await Effect.runPromise(Effect.gen(function*() {
  yield* run("a checkout is tracked, item by item", aCheckoutIsTracked)
  yield* run("a whole payload can be compared", aWholePayload)
  yield* run("an outage loses nothing", anOutageLosesNothing)
}))

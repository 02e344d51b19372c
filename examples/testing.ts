/**
 * Tests of a program that tracks. In your project each of them is a test of its own:
 *
 *     import { it } from "@effect/vitest"
 *
 *     it.effect("a checkout is tracked, item by item", () => aCheckoutIsTracked.pipe(Effect.provide(AmplitudeTest)))
 *
 * `it.effect` provides the test clock, as `TestContext` does below.
 *
 *     npx tsx examples/testing.ts
 */
import { Clock, Console, Effect, Layer, Schema, TestClock, TestContext } from "effect"
import { Amplitude, AmplitudeTest, Event, Identify, Recorder } from "effect-amplitude"
import { deepStrictEqual } from "node:assert/strict"

// The program under test

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

const SignedUp = Event.define("Signed Up", { plan: Schema.Literal("free", "pro"), at: Schema.Date })

const signUp = (userId: string, plan: "free" | "pro", company: string): Effect.Effect<void, never, Amplitude> =>
  Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    yield* Amplitude.track(SignedUp({ plan, at: new Date(now) }))
    yield* Amplitude.identify(Identify.empty.pipe(Identify.set("plan", plan), Identify.add("sign_ups", 1)))
    yield* Amplitude.setGroup("company", company)
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

/** `time` comes from the test clock and `insert_id`s count from 1, so that a whole payload can be compared. */
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

/** Requests can be made to fail: here the first one does, and the event is delivered by the second. */
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

/** Only the fields that are named are compared. A difference ends the test with a message that names the field. */
const whatMattersOfACheckout = Effect.gen(function*() {
  yield* checkout("user-12345", items)

  yield* Recorder.expect([
    { event_type: "revenue_amount", event_properties: { $productId: "tea" } },
    { event_type: "revenue_amount", event_properties: { $productId: "mug" } },
    { event_type: "Checkout Completed", user_id: "user-12345", event_properties: { total: 20.5 } }
  ])
  const revenues = yield* Recorder.revenues
  deepStrictEqual(revenues.reduce((sum, { price, quantity }) => sum + price * quantity, 0), 20.5)
  return yield* Recorder.tracked("Checkout Completed")
})

/** Recorded events can be read as typed events, identifies and groups. */
const aSignUp = Effect.gen(function*() {
  yield* signUp("user-12345", "pro", "Analytical Engines")

  const [signedUp] = yield* Recorder.tracked(SignedUp)
  deepStrictEqual(signedUp?.event_properties, { plan: "pro", at: new Date(0) })
  deepStrictEqual(yield* Recorder.identifies, [
    { user_id: "user-12345", operations: { $set: { plan: "pro" }, $add: { sign_ups: 1 } } }
  ])
  deepStrictEqual(yield* Recorder.groups, [
    { user_id: "user-12345", groupType: "company", groupName: "Analytical Engines" }
  ])
  return yield* Recorder.events
})

/** A slow service delays `flush` and nothing else. */
const aSlowServiceIsNotWaitedFor = Effect.gen(function*() {
  yield* Recorder.delay("8 seconds")
  yield* checkout("user-12345", [])
  deepStrictEqual(yield* Clock.currentTimeMillis, 0)

  const flushing = yield* Effect.fork(Amplitude.flush)
  yield* TestClock.adjust("7 seconds")
  deepStrictEqual(yield* Recorder.reports, [])
  yield* TestClock.adjust("1 seconds")
  yield* flushing
  deepStrictEqual((yield* Recorder.reports).map(({ _tag, attempts }) => ({ _tag, attempts })), [
    { _tag: "Delivered", attempts: 1 }
  ])
  return yield* Recorder.events
})

const run = (name: string, test: typeof aCheckoutIsTracked) =>
  Effect.gen(function*() {
    const events = yield* Effect.provide(test, Layer.provideMerge(AmplitudeTest, TestContext.TestContext))
    yield* Console.log(`ok: ${name}`)
    for (const event of events) {
      yield* Console.log(`  ${event.event_type} ${JSON.stringify(event.event_properties ?? event.user_properties)}`)
    }
  })

await Effect.runPromise(Effect.gen(function*() {
  yield* run("a checkout is tracked, item by item", aCheckoutIsTracked)
  yield* run("a whole payload can be compared", aWholePayload)
  yield* run("an outage loses nothing", anOutageLosesNothing)
  yield* run("what matters of a checkout", whatMattersOfACheckout)
  yield* run("a sign-up is tracked, with its user and company", aSignUp)
  yield* run("a slow service is not waited for", aSlowServiceIsNotWaitedFor)
}))

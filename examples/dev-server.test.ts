/**
 * Tests of an Effect program, with a local server as a layer. Unlike with `AmplitudeTest`, the events are sent over
 * HTTP, and the server validates them as Amplitude does.
 *
 *     npx vitest run examples/dev-server.test.ts
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Amplitude } from "effect-amplitude"
import { DevServer } from "effect-amplitude/DevServer"

// The program under test

const checkout = (user_id: string, total: number): Effect.Effect<void, never, Amplitude> =>
  Amplitude.track("Checkout Completed", { total }, { user_id })

// The tests

/** A client that sends to a server of its own. */
const AmplitudeLocal = Layer.unwrapEffect(
  Effect.map(DevServer, ({ urlV2 }) => Amplitude.layer({ apiKey: "any-key", serverUrl: urlV2, flushInterval: 20 }))
).pipe(Layer.provideMerge(DevServer.layer()))

describe("a shop", () => {
  it.live("tracks a checkout", () =>
    Effect.gen(function*() {
      const server = yield* DevServer
      yield* checkout("user-12345", 20.5)
      const [event] = yield* server.expect({ type: "Checkout Completed", where: { event_properties: { total: 20.5 } } })
      assert.strictEqual(event?.event["user_id"], "user-12345")
    }).pipe(Effect.provide(AmplitudeLocal)))

  it.live("loses nothing while the service is away", () =>
    Effect.gen(function*() {
      const server = yield* DevServer
      yield* server.inject({ answer: { status: 503 }, times: 1 })
      yield* checkout("user-12345", 20.5)
      yield* Amplitude.flush
      const received = yield* server.received
      assert.deepStrictEqual(received.map(({ verdict }) => verdict), ["injected", "kept"])
    }).pipe(Effect.provide(AmplitudeLocal)))

  it.live("sees why an event of another SDK was refused", () =>
    Effect.gen(function*() {
      const server = yield* DevServer
      // Amplitude refuses ids of fewer than five characters.
      const event = { event_type: "Checkout Completed", user_id: "u1" }
      yield* Effect.promise(() =>
        fetch(server.urlV2, { method: "POST", body: JSON.stringify({ api_key: "any-key", events: [event] }) })
      )
      const received = yield* server.received
      assert.deepStrictEqual(received.map(({ reasons, verdict }) => ({ verdict, wanted: reasons[0]?.wanted })), [
        { verdict: "fault", wanted: "at least 5 characters" }
      ])
    }).pipe(Effect.provide(AmplitudeLocal)))

  it.live("fails with the event that comes nearest", () =>
    Effect.gen(function*() {
      const server = yield* DevServer
      yield* checkout("user-12345", 20.5)
      yield* Amplitude.flush
      const { nearest } = yield* Effect.flip(server.expect({ where: { event_properties: { total: 30 } }, within: 20 }))
      assert.deepStrictEqual(nearest?.differences, [{ path: "event_properties.total", given: 20.5, wanted: 30 }])
    }).pipe(Effect.provide(AmplitudeLocal)))
})

import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, TestClock } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, StorageError, Transport } from "effect-amplitude"

/** A client over the memory storage, whose `lease` and `acknowledge` fail once. Its log lines are the result. */
const linesOf = (failures: {
  readonly lease?: Effect.Effect<never, StorageError>
  readonly acknowledge?: Effect.Effect<never, StorageError>
}) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const left = { ...failures }
    const failOnce = <A, R>(operation: keyof typeof left, effect: Effect.Effect<A, StorageError, R>) =>
      Effect.suspend((): Effect.Effect<A, StorageError, R> => {
        const failure = left[operation]
        delete left[operation]
        return failure ?? effect
      })
    const failing = (storage: EventStorage.Service): EventStorage.Service => ({
      ...storage,
      lease: (options) =>
        Effect.map(
          failOnce("lease", storage.lease(options)),
          Option.map((lease) => ({
            ...lease,
            acknowledge: (events, as) => failOnce("acknowledge", lease.acknowledge(events, as))
          }))
        )
    })
    const context = yield* Layer.build(Amplitude.layerServices.pipe(
      Layer.provide([
        Layer.provide(Layer.effect(EventStorage, Effect.map(EventStorage, failing)), EventStorage.layerMemory),
        Layer.succeed(Transport, { send: () => Effect.succeed({ status: 200, headers: {}, body: "" }) }),
        Layer.succeed(AmplitudeLogger, { log: (_, message) => Effect.sync(() => lines.push(message)) })
      ]),
      Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key" }))
    ))
    const client = Context.get(context, Amplitude)
    yield* client.track({ event_type: "Button Clicked", user_id: "user-12345" })
    yield* Effect.fork(client.flush)
    yield* TestClock.adjust("1 minute")
    return lines.filter((line) => line.startsWith("the storage failed"))
  })

describe("the log line of a storage that fails", () => {
  it.scoped("says why", () =>
    Effect.gen(function*() {
      const lease = new StorageError({ operation: "lease", message: "lease: permission denied for table outbox" })
      assert.deepStrictEqual(yield* linesOf({ lease }), [
        "the storage failed to lease events once: it is tried again: lease: permission denied for table outbox"
      ])
    }))

  it.scoped("holds no value of an event", () =>
    Effect.gen(function*() {
      const acknowledge = new StorageError({ operation: "acknowledge", message: "acknowledge: no row of user-12345" })
      assert.deepStrictEqual(yield* linesOf({ acknowledge }), [
        "the storage failed to acknowledge events once: it is tried again: acknowledge: no row of <removed>"
      ])
    }))

  it.scoped("does not quote a defect", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* linesOf({ lease: Effect.die("a bug with user-12345") }), [
        "the storage failed to lease events once: it is tried again: the event storage died"
      ])
    }))
})

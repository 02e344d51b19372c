import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option, Stream, TestClock } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, StorageError, Transport } from "effect-amplitude"

/** A client over a storage with given `changes`, and the lines that it logs. */
const clientOver = (changes: Stream.Stream<void, StorageError>) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const context = yield* Layer.build(Amplitude.layerServices.pipe(
      Layer.provide([
        Layer.provide(
          Layer.effect(EventStorage, Effect.map(EventStorage, (storage) => ({ ...storage, changes }))),
          EventStorage.layerMemory
        ),
        Layer.succeed(Transport, { send: () => Effect.succeed({ status: 200, headers: {}, body: "" }) }),
        Layer.succeed(AmplitudeLogger, { log: (_, message) => Effect.sync(() => lines.push(message)) })
      ]),
      Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key" }))
    ))
    return { client: yield* Effect.provide(Amplitude, context), lines }
  })

const click = { event_type: "Button Clicked", user_id: "user-12345" }

describe("the changes of a storage", () => {
  it.scoped("that are emitted without end are looked at now and then", () =>
    Effect.gen(function*() {
      let emitted = 0
      const { client } = yield* clientOver(Stream.repeatEffect(Effect.sync(() => {
        emitted++
      })))
      yield* TestClock.adjust("1 second")
      assert.isAtMost(emitted, 102)
      yield* client.trackOrFail(click)
      yield* client.flush
    }))

  it.scoped("that end at once are watched again, each time later", () =>
    Effect.gen(function*() {
      let watched = 0
      yield* clientOver(Stream.suspend(() => {
        watched++
        return Stream.empty
      }))
      yield* TestClock.adjust("1 minute")
      assert.isAtLeast(watched, 5)
      assert.isAtMost(watched, 20)
    }))

  it.scoped("that fail or throw are a line in the log, and are watched again", () =>
    Effect.gen(function*() {
      let watched = 0
      const { client, lines } = yield* clientOver(Stream.suspend(() => {
        if (++watched === 2) throw new Error("a bug")
        return Stream.fail(new StorageError({ operation: "changes", message: "the server is away" }))
      }))
      yield* TestClock.adjust("1 second")
      assert.isAtLeast(watched, 3)
      assert.include(lines[0], "the storage failed to watch its changes once")
      yield* client.trackOrFail(click)
      yield* client.flush
    }))
})

describe("two clients on one storage in memory", () => {
  it.scoped("deliver each event once, and both flush", () =>
    Effect.gen(function*() {
      const sent: Array<string> = []
      const send: Transport.Service["send"] = ({ body }) =>
        Effect.sync(() => {
          const { events } = JSON.parse(new TextDecoder().decode(body)) as {
            readonly events: ReadonlyArray<{ readonly event_type: string }>
          }
          sent.push(...events.map(({ event_type }) => event_type))
          return { status: 200, headers: {}, body: "" }
        })
      const storage = Layer.succeed(EventStorage, yield* Effect.provide(EventStorage, EventStorage.layerMemory))
      const make = Effect.flatMap(
        Layer.build(Amplitude.layerServices.pipe(
          Layer.provide([storage, Layer.succeed(Transport, { send }), AmplitudeLogger.layerNone]),
          Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key" }))
        )),
        (context) => Effect.provide(Amplitude, context)
      )
      const [one, other] = [yield* make, yield* make]
      for (let index = 0; index < 20; index++) {
        yield* (index % 2 === 0 ? one : other).track({ event_type: String(index), user_id: "user-12345" })
      }
      const flushing = yield* Effect.fork(Effect.all([one.flush, other.flush], { concurrency: "unbounded" }))
      yield* TestClock.adjust("1 minute")
      yield* flushing
      assert.deepStrictEqual(sent, Array.from({ length: 20 }, (_, index) => String(index)))
    }))

  it.scoped("an event that the other one settles is told as settled elsewhere", () =>
    Effect.gen(function*() {
      const storage = yield* Effect.provide(EventStorage, EventStorage.layerMemory)
      const make = (send: Transport.Service["send"]) =>
        Effect.flatMap(
          Layer.build(Amplitude.layerServices.pipe(
            Layer.provide([
              Layer.succeed(EventStorage, storage),
              Layer.succeed(Transport, { send }),
              AmplitudeLogger.layerNone
            ]),
            Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key", flushInterval: "1 hour" }))
          )),
          (context) => Effect.provide(Amplitude, context)
        )
      const one = yield* make(() => Effect.never)
      const other = yield* make(() => Effect.succeed({ status: 200, headers: {}, body: "" }))
      const waiting = yield* Effect.fork(Effect.flip(one.trackAndWait(click)))
      yield* TestClock.adjust(0)
      yield* other.track({ ...click, user_id: "user-67890" })
      yield* Effect.fork(other.flush)
      yield* TestClock.adjust("1 minute")
      const error = yield* waiting
      assert.deepStrictEqual([error._tag, (error as { readonly reason?: string }).reason], [
        "DeliveryError",
        "Elsewhere"
      ])
    }))

  it.scoped("what waits for a batch of its lane is sent after it, whoever has stored it", () =>
    Effect.gen(function*() {
      const storage = yield* Effect.provide(EventStorage, EventStorage.layerMemory)
      const make = (
        changes: EventStorage.Service["changes"],
        flushQueueSize: number,
        send: Transport.Service["send"]
      ) =>
        Effect.flatMap(
          Layer.build(Amplitude.layerServices.pipe(
            Layer.provide([
              Layer.succeed(EventStorage, { ...storage, changes }),
              Layer.succeed(Transport, { send }),
              AmplitudeLogger.layerNone
            ]),
            Layer.provide(
              AmplitudeConfig.layer({
                apiKey: "a-key",
                flushInterval: "1 hour",
                flushQueueSize,
                flushConcurrency: 2,
                shutdownTimeout: 0
              })
            )
          )),
          (context) => Effect.provide(Amplitude, context)
        )
      const other = yield* make(Stream.never, 100, () => Effect.never)
      for (const user of ["user-1", "user-2", "user-1"]) yield* other.track({ ...click, user_id: user })
      const requests: Array<number> = []
      const mayAnswer = yield* Deferred.make<void>()
      // the storage tells of the events once, and says nothing when the lane of the last one is free again
      yield* make(Stream.concat(Stream.void, Stream.never), 2, ({ body }) => {
        requests.push((JSON.parse(new TextDecoder().decode(body)) as { readonly events: Array<unknown> }).events.length)
        return Effect.as(Deferred.await(mayAnswer), { status: 200, headers: {}, body: "" })
      })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests, [2])
      yield* Deferred.succeed(mayAnswer, undefined)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests, [2, 1])
    }))
})

describe("a storage that counts the pause of an event by its own clock", () => {
  it.scoped("leases it again when the pause is over", () =>
    Effect.gen(function*() {
      const storage = yield* Effect.provide(EventStorage, EventStorage.layerMemory)
      const latency = 40
      const late: EventStorage.Service = {
        ...storage,
        lease: (limits) =>
          Effect.map(
            storage.lease(limits),
            Option.map((lease): EventStorage.Lease => ({
              ...lease,
              // the statement gets the length of the pause, and runs later
              release: (events, options) =>
                Effect.zipRight(
                  Effect.sleep(latency),
                  lease.release(events, { ...options, notBefore: options.notBefore + latency })
                )
            }))
          )
      }
      let requests = 0
      const context = yield* Layer.build(Amplitude.layerServices.pipe(
        Layer.provide([
          Layer.succeed(EventStorage, late),
          Layer.succeed(Transport, {
            send: () =>
              Effect.sync(() =>
                ++requests === 1
                  ? {
                    status: 429,
                    headers: {},
                    body: JSON.stringify({ code: 429, throttled_users: { "user-12345": 9 } })
                  }
                  : { status: 200, headers: {}, body: "" }
              )
          }),
          AmplitudeLogger.layerNone
        ]),
        Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key", shutdownTimeout: 0 }))
      ))
      const client = yield* Effect.provide(Amplitude, context)
      yield* client.trackOrFail(click)
      const flushed = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(requests, 2)
      yield* Fiber.join(flushed)
    }))
})

import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Metric, Option, PubSub, Stream, TestClock } from "effect"
import {
  Amplitude,
  AmplitudeConfig,
  AmplitudeLogger,
  EventStorage,
  Plugin,
  StorageError,
  Transport
} from "effect-amplitude"

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

const delivered: Transport.Service["send"] = () => Effect.succeed({ status: 200, headers: {}, body: "" })

/** The events of a request. */
const eventsOf = ({ body }: Transport.Request): ReadonlyArray<{ readonly event_type: string }> =>
  (JSON.parse(new TextDecoder().decode(body)) as { readonly events: [] }).events

/** A client that sends its events after an hour, unless told otherwise. */
const clientOn = (
  storage: EventStorage.Service,
  send: Transport.Service["send"],
  options: Partial<AmplitudeConfig.Options> = {},
  lines: Array<string> = []
) =>
  Effect.flatMap(
    Layer.build(Amplitude.layerServices.pipe(
      Layer.provide([
        Layer.succeed(EventStorage, storage),
        Layer.succeed(Transport, { send }),
        Layer.succeed(AmplitudeLogger, { log: (_, message) => Effect.sync(() => lines.push(message)) })
      ]),
      Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key", flushInterval: "1 hour", shutdownTimeout: 0, ...options }))
    )),
    (context) => Effect.provide(Amplitude, context)
  )

const memory = Effect.provide(EventStorage, EventStorage.layerMemory)

/** A storage that says nothing of what others do. */
const silent = (storage: EventStorage.Service): EventStorage.Service => ({ ...storage, changes: Stream.never })

describe("a storage that never counts its events", () => {
  it.scoped("has its changes watched all the same", () =>
    Effect.gen(function*() {
      const storage = yield* memory
      const other = yield* clientOn(silent(storage), delivered)
      const hub = yield* PubSub.unbounded<void>()
      const requests: Array<number> = []
      const client = yield* clientOn(
        { ...storage, count: () => Effect.never, changes: Stream.fromPubSub(hub) },
        (request) => {
          requests.push(eventsOf(request).length)
          return delivered(request)
        }
      )
      yield* client.track(click)
      // a caller that waits makes the client count
      yield* Effect.fork(client.trackAndWait({ ...click, user_id: "user-67890" }))
      for (let index = 0; index < 3; index++) {
        yield* other.track({ ...click, user_id: `user-${index}` })
        yield* TestClock.adjust("1 second")
        yield* hub.publish(undefined)
        yield* TestClock.adjust("1 second")
      }
      assert.deepStrictEqual(requests, [3, 1, 1])
    }))
})

describe("two clients on one storage in memory", () => {
  it.scoped("deliver each event once, and both flush", () =>
    Effect.gen(function*() {
      const sent: Array<string> = []
      const send: Transport.Service["send"] = (request) => {
        sent.push(...eventsOf(request).map(({ event_type }) => event_type))
        return delivered(request)
      }
      const storage = yield* memory
      const make = clientOn(storage, send, { flushInterval: "10 seconds" })
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
      const storage = yield* memory
      const one = yield* clientOn(storage, () => Effect.never)
      const other = yield* clientOn(storage, delivered)
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
      const storage = yield* memory
      const other = yield* clientOn(silent(storage), delivered)
      for (const user of ["user-1", "user-2", "user-1"]) yield* other.track({ ...click, user_id: user })
      const requests: Array<number> = []
      const mayAnswer = yield* Deferred.make<void>()
      // the storage tells of the events once, and says nothing when the lane of the last one is free again
      const changes = Stream.concat(Stream.void, Stream.never)
      yield* clientOn({ ...storage, changes }, (request) => {
        requests.push(eventsOf(request).length)
        return Effect.zipRight(Deferred.await(mayAnswer), delivered(request))
      }, { flushQueueSize: 2, flushConcurrency: 2 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests, [2])
      yield* Deferred.succeed(mayAnswer, undefined)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests, [2, 1])
    }))

  it.scoped("a client sends nothing while `deliver` is false, and sends again when it is true", () =>
    Effect.gen(function*() {
      const storage = yield* memory
      const requests: Array<number> = []
      const client = yield* clientOn({ ...silent(storage), durability: "shared" }, (request) => {
        requests.push(eventsOf(request).length)
        return delivered(request)
      }, { flushQueueSize: 1, flushConcurrency: 2 })
      yield* client.track(click)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests, [1])
      yield* client.updateConfig({ deliver: false })
      yield* client.track(click)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(requests, [1])
      yield* client.updateConfig({ deliver: true })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests, [1, 1])
    }))

  it.scoped("events of a transaction that fill a batch take no time from the others", () =>
    Effect.gen(function*() {
      const storage = yield* memory
      const requests: Array<number> = []
      const client = yield* clientOn({
        ...silent(storage),
        append: ([event, ...events], options) =>
          Effect.map(storage.append([event, ...events], options), (result) =>
            event.sequence <= 2 ? { _tag: "AcceptedOnCommit" } : result)
      }, (request) => {
        requests.push(eventsOf(request).length)
        return delivered(request)
      }, { flushQueueSize: 2, flushInterval: "10 seconds" })
      for (const user of ["user-1", "user-2", "user-3"]) {
        yield* client.track({ ...click, user_id: user })
      }
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(requests, [2, 1])
    }))

  it.scoped("R1: an event of a transaction is accepted when the commit is known, and one of a rollback never is", () =>
    Effect.gen(function*() {
      const storage = yield* memory
      const lines: Array<string> = []
      const client = yield* clientOn(
        {
          ...silent(storage),
          append: (events, options) =>
            Effect.as(
              events[0].lane === "rolled-back" ? Effect.void : storage.append(events, options),
              { _tag: "AcceptedOnCommit" as const }
            )
        },
        delivered,
        { logLevel: "Debug", shutdownTimeout: 0 },
        lines
      )
      const got: Array<string> = []
      yield* client.add(Plugin.destination({
        name: "collects",
        execute: ({ event_type }) =>
          Effect.zipRight(
            Effect.sync(() => got.push(event_type)),
            // an event that the destination tracks itself does not come back
            Effect.when(client.track({ ...click, event_type: "kept again" }), () => event_type === "kept")
          )
      }))
      const count = Effect.map(Metric.value(Metric.counter("amplitude_events_tracked")), ({ count }) => count)
      const before = yield* count
      yield* client.track({ ...click, event_type: "lost", user_id: "rolled-back" })
      yield* client.track({ ...click, event_type: "kept" })
      yield* TestClock.adjust(0)
      assert.deepStrictEqual([got, (yield* count) - before], [[], 0])
      yield* client.flush
      yield* client.flush
      assert.deepStrictEqual(got, ["kept"])
      yield* client.track({ ...click, event_type: "evicted" })
      yield* client.track({ ...click, event_type: "shut down" })
      yield* client.updateConfig({ bufferCapacity: 1 })
      yield* client.shutdown
      assert.deepStrictEqual(got, ["kept", "evicted", "shut down"])
      assert.strictEqual((yield* count) - before, 4)
      assert.deepStrictEqual(
        lines.filter((line) => line.startsWith("accepted")),
        ["kept", "kept again", "evicted", "shut down"].map((type) => `accepted an event of type "${type}"`)
      )
    }))

  it.scoped("an event that another one stores while a lease has no answer is sent", () =>
    Effect.gen(function*() {
      const storage = yield* memory
      const other = yield* clientOn({ ...silent(storage), durability: "shared" }, delivered, { deliver: false })
      const hub = yield* PubSub.unbounded<void>()
      const requests: Array<number> = []
      yield* clientOn({
        ...storage,
        changes: Stream.fromPubSub(hub),
        lease: (options) => Effect.tap(storage.lease(options), () => Effect.sleep("50 millis"))
      }, (request) => {
        requests.push(eventsOf(request).length)
        return delivered(request)
      })
      yield* TestClock.adjust("1 second")
      yield* hub.publish(undefined)
      yield* TestClock.adjust("20 millis")
      yield* other.track(click)
      yield* hub.publish(undefined)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests, [1])
    }))

  it.scoped("flush sends its own events at once, also behind many of the other one", () =>
    Effect.gen(function*() {
      const storage = yield* memory
      const other = yield* clientOn(silent(storage), delivered, { flushQueueSize: 10 })
      const one = yield* clientOn(silent(storage), delivered, { flushQueueSize: 10 })
      for (let index = 0; index < 9; index++) yield* other.track(click)
      for (let index = 0; index < 9; index++) yield* one.track(click)
      yield* one.flush
      assert.strictEqual(yield* storage.count(), 0)
    }))
})

describe("a storage of one process, which tells of no changes", () => {
  /** A storage with eight events that an earlier process has left. */
  const withEvents = Effect.gen(function*() {
    const storage: EventStorage.Service = { ...silent(yield* memory), durability: "exclusive" }
    yield* Effect.scoped(Effect.gen(function*() {
      const client = yield* clientOn(storage, delivered)
      for (let index = 0; index < 8; index++) yield* client.track({ ...click, user_id: `user-${index}` })
    }))
    assert.strictEqual(yield* storage.count(), 8)
    return storage
  })

  it.scoped("sends what an earlier process has left there, without another event", () =>
    Effect.gen(function*() {
      const requests: Array<number> = []
      yield* clientOn(yield* withEvents, (request) => {
        requests.push(eventsOf(request).length)
        return delivered(request)
      }, { flushQueueSize: 3 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(requests, [3, 3, 2])
    }))

  it.scoped("flush waits for what was there", () =>
    Effect.gen(function*() {
      const storage = yield* withEvents
      const client = yield* clientOn(storage, delivered, { flushQueueSize: 3 })
      yield* client.flush
      assert.strictEqual(yield* storage.count(), 0)
    }))
})

describe("a storage that counts the pause of an event by its own clock", () => {
  it.scoped("leases it again when the pause is over", () =>
    Effect.gen(function*() {
      const storage = yield* memory
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
      const client = yield* clientOn(late, (request) =>
        ++requests > 1 ? delivered(request) : Effect.succeed({
          status: 429,
          headers: {},
          body: JSON.stringify({ code: 429, throttled_users: { "user-12345": 9 } })
        }))
      yield* client.trackOrFail(click)
      const flushed = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual(requests, 2)
      yield* Fiber.join(flushed)
    }))
})

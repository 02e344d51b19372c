/** `RedisEventStorage` without the contract of storages: options, statistics, dead letters, and servers that fail. */
import { assert, describe, it } from "@effect/vitest"
import {
  Config,
  ConfigProvider,
  Context,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Metric,
  Option,
  Redacted,
  Runtime,
  Schedule,
  Stream,
  TestClock
} from "effect"
import { Amplitude } from "effect-amplitude"
import { DevServer } from "effect-amplitude/DevServer"
import { EventStorage } from "effect-amplitude/EventStorage"
import { RedisEventStorage } from "effect-amplitude/RedisEventStorage"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { Cluster, Redis } from "ioredis"
import { connect as connectTo } from "node:net"
import { eventOf, jsonOf } from "./storage/contract.js"
import { refuseArguments, sendOneAgain } from "./support/deadLetters.js"
import { oldestAge } from "./support/gauges.js"
import { clientOf, cluster, redis, withRedis } from "./support/redis.js"
import { shared } from "./support/sqlContract.js"
import * as TcpServer from "./support/tcpServer.js"

type Event = EventStorage.EncodedEvent

const roomy: EventStorage.AppendOptions = { capacity: 10_000_000, whenFull: "refuse" }
const all: EventStorage.LeaseOptions = { maxEvents: 1000, maxBytes: 10_000_000 }
const rejected: EventStorage.Dropped = { reason: "Rejected", code: 400, message: "Ungültig" }

let prefixes = 0
const freshPrefix = Effect.sync(() => `test-${++prefixes}`)

/** Builds the storage without a logger, since it warns about the settings of the test servers. */
const build = (options: RedisEventStorage.Options) =>
  Effect.provide(Layer.build(RedisEventStorage.layer(options)), Logger.remove(Logger.defaultLogger))

const storageOn = (options: RedisEventStorage.Options) => Effect.map(build(options), Context.get(EventStorage))

const drain = (storage: EventStorage.Service): Effect.Effect<ReadonlyArray<Event>, unknown> =>
  Effect.flatMap(
    Effect.scoped(Effect.flatMap(
      storage.lease({ ...all, includePaused: true }),
      Option.match({
        onNone: () => Effect.succeed<ReadonlyArray<Event>>([]),
        onSome: ({ acknowledge, events }) => acknowledge(events)
      })
    )),
    (events) =>
      events.length === 0 ? Effect.succeed(events) : Effect.map(drain(storage), (rest) => [...events, ...rest])
  )

const manyEvents = (from: number, to: number, json?: string): NonEmptyReadonlyArray<Event> => {
  const [first, ...rest] = Array.from(
    { length: to - from },
    (_, index) => eventOf(from + index, { lane: `lane ${index % 100}`, ...(json === undefined ? {} : { json }) })
  )
  return [first!, ...rest]
}

/** The remaining keys of a prefix without its counters. */
const keysLeft = (client: Redis, prefix: string) =>
  Effect.promise(async () => {
    const keys = await client.keys(`{${prefix}*`)
    return keys.filter((key) => !/:[nv]$/.test(key))
  })

type Method = (...args: ReadonlyArray<unknown>) => Promise<unknown>

/** The client with another method in the place of one of its own. */
const withMethod = (client: Redis, name: string, change: (own: Method) => Method): Redis =>
  new Proxy(client, {
    get: (target, key) => {
      const value = Reflect.get(target, key) as unknown
      if (typeof value !== "function") return value
      const own = value.bind(target) as Method
      return key === name ? change(own) : own
    }
  })

withRedis("RedisEventStorage", () => {
  describe("RedisEventStorage", () => {
    const server = shared(redis())

    const setup = (options: Partial<RedisEventStorage.CommonOptions> = {}) =>
      Effect.gen(function*() {
        const { port } = yield* server
        const client = yield* clientOf(port)
        const prefix = yield* freshPrefix
        const context = yield* build({ client, prefix, pollInterval: 50, ...options })
        return { client, prefix, context, storage: Context.get(context, EventStorage) }
      })

    it.scopedLive(
      "never holds one event more than its capacity, with 64 callers in two processes at once",
      () =>
        Effect.gen(function*() {
          const { port } = yield* server
          const prefix = yield* freshPrefix
          const storages = [
            yield* storageOn({ client: yield* clientOf(port), prefix }),
            yield* storageOn({ client: yield* clientOf(port), prefix })
          ]
          const capacity = 100
          let most = 0
          const results = yield* Effect.forEach(
            Array.from({ length: 64 }),
            (_, caller) =>
              Effect.forEach([0, 1], (call) =>
                Effect.flatMap(
                  storages[caller % 2]!.append(
                    manyEvents(call * 10, call * 10 + 1 + caller % 3).map((event) => ({
                      ...event,
                      clientId: `caller ${caller}`
                    })) as unknown as NonEmptyReadonlyArray<Event>,
                    { capacity, whenFull: "refuse" }
                  ),
                  ({ _tag }) =>
                    Effect.map(storages[0]!.count(), (count) => {
                      most = Math.max(most, count)
                      return _tag === "Accepted" ? 1 + caller % 3 : 0
                    })
                )),
            { concurrency: "unbounded" }
          )
          const accepted = results.flat().reduce((sum, events) => sum + events, 0)
          assert.isAtMost(most, capacity)
          assert.strictEqual(yield* storages[1]!.count(), accepted)
          let filling = 0
          const fill = Effect.suspend(() =>
            storages[0]!.append([eventOf(filling++, { clientId: "filling" })], { capacity, whenFull: "refuse" })
          )
          assert.isAtLeast(accepted, capacity - 2)
          for (let count = accepted; count < capacity; count++) assert.strictEqual((yield* fill)._tag, "Accepted")
          assert.strictEqual((yield* fill)._tag, "Refused")
          const evicted = yield* Effect.forEach(
            Array.from({ length: 64 }),
            (_, caller) =>
              storages[caller % 2]!.append([eventOf(caller, { clientId: "evicting" })], {
                capacity,
                whenFull: "evictOldest"
              }),
            {
              concurrency: "unbounded"
            }
          )
          assert.strictEqual(
            evicted.reduce((sum, result) => sum + (result._tag === "Accepted" ? result.evicted.length : 0), 0),
            64
          )
          assert.strictEqual(yield* storages[1]!.count(), capacity)
        }),
      30_000
    )

    it.scopedLive("concurrent appends are one script", () =>
      Effect.gen(function*() {
        const { client, storage } = yield* setup()
        let scripts = 0
        const evalsha = (client as any).evalshaBuffer.bind(client) as (...args: ReadonlyArray<unknown>) => unknown
        Object.assign(client, {
          evalshaBuffer: (...args: ReadonlyArray<unknown>) => {
            scripts++
            return evalsha(...args)
          }
        })
        yield* Effect.forEach(manyEvents(0, 1000), (event) => storage.append([event], roomy), {
          concurrency: "unbounded",
          discard: true
        })
        assert.isAtMost(scripts, 5)
        assert.strictEqual(yield* storage.count(), 1000)
      }))

    it.scopedLive("leaves no key behind but its counters", () =>
      Effect.gen(function*() {
        const { client, prefix, storage } = yield* setup()
        yield* storage.append(manyEvents(0, 500), roomy)
        yield* Effect.scoped(Effect.flatMap(storage.lease({ ...all, maxEvents: 200 }), (lease) =>
          Option.getOrThrow(lease).release(Option.getOrThrow(lease).events, {
            notBefore: Date.now() + 60_000,
            attempts: 1,
            retries: 1
          })))
        yield* storage.evict({ keep: 400, from: "newest" })
        yield* storage.evict({ keep: 300, from: "oldest" })
        assert.lengthOf(yield* drain(storage), 300)
        assert.deepStrictEqual(yield* keysLeft(client, prefix), [])
      }))

    it.scopedLive("an event that the client sends again is stored once", () =>
      Effect.gen(function*() {
        const { storage } = yield* setup()
        const tight: EventStorage.AppendOptions = { capacity: 3, whenFull: "refuse" }
        const events = manyEvents(0, 3)
        yield* storage.append(events, tight)
        assert.strictEqual((yield* storage.append(events, tight))._tag, "Accepted")
        assert.strictEqual(yield* storage.count(), 3)
        const lease = Option.getOrThrow(yield* storage.lease({ ...all, maxEvents: 2 }))
        assert.strictEqual((yield* storage.append(events, tight))._tag, "Accepted")
        assert.strictEqual(yield* storage.count(), 3)
        yield* lease.acknowledge(lease.events)
        assert.lengthOf(yield* drain(storage), 1)
      }))

    it.scopedLive("scripts that the server forgot are loaded again", () =>
      Effect.gen(function*() {
        const { client, storage } = yield* setup()
        yield* storage.append([eventOf(1)], roomy)
        yield* Effect.promise(() => client.script("FLUSH"))
        yield* storage.append([eventOf(2)], roomy)
        yield* Effect.promise(() => client.script("FLUSH"))
        assert.lengthOf(yield* drain(storage), 2)
      }))

    it.scopedLive("dead letters are listed, sent again and purged", () =>
      Effect.gen(function*() {
        const { client, context, prefix, storage } = yield* setup({ deadLetters: true, shards: 2 })
        const deadLetters = RedisEventStorage.deadLetters
        yield* Effect.gen(function*() {
          yield* storage.append(manyEvents(0, 5, `{"text":"漢字"}`), roomy)
          const lease = Option.getOrThrow(yield* storage.lease(all))
          assert.lengthOf(lease.events, 5)
          yield* lease.release(lease.events.slice(4), { notBefore: 0, attempts: 2, retries: 1 })
          yield* lease.acknowledge(lease.events.slice(0, 1))
          assert.lengthOf(yield* lease.acknowledge(lease.events.slice(1, 4), { dropped: rejected }), 3)
          assert.deepStrictEqual(yield* lease.acknowledge(lease.events.slice(1, 4), { dropped: rejected }), [])
          const dead = yield* deadLetters.list()
          assert.deepStrictEqual(
            dead.map(({ code, json, message, reason }) => ({ code, json, message, reason })),
            lease.events.slice(1, 4).map((event) => ({ ...rejected, json: jsonOf(event) }))
          )
          assert.sameMembers(dead.map(({ lane }) => lane), lease.events.slice(1, 4).map(({ lane }) => lane))
          assert.isTrue(
            dead.every(({ attempts, droppedAt }) => attempts === 0 && Math.abs(droppedAt - Date.now()) < 60_000)
          )
          assert.deepStrictEqual(yield* deadLetters.list({ after: dead[0]!.id, limit: 1 }), [dead[1]!])

          assert.strictEqual(yield* deadLetters.sendAgain([dead[0]!.id, dead[2]!.id, 123_456]), 2)
          assert.strictEqual(yield* deadLetters.sendAgain([dead[0]!.id]), 0)
          const again = yield* drain(storage)
          assert.lengthOf(again, 3)
          assert.includeMembers(again.map(({ lane }) => lane), [dead[0]!.lane, dead[2]!.lane])

          yield* storage.append(manyEvents(10, 13), roomy)
          yield* storage.evict({ keep: 1, from: "oldest" })
          const more = yield* deadLetters.list()
          assert.deepStrictEqual(more.map(({ reason }) => reason), ["Rejected", "BufferFull", "BufferFull"])

          assert.strictEqual(yield* deadLetters.purge({ olderThan: "1 hour" }), 0)
          assert.strictEqual(yield* deadLetters.purge({ ids: [123_456] }), 0)
          assert.strictEqual(yield* deadLetters.purge({ ids: [more[0]!.id] }), 1)
          assert.strictEqual(yield* deadLetters.purge({ olderThan: 0 }), 2)
          assert.deepStrictEqual(yield* deadLetters.list(), [])
          assert.lengthOf(yield* drain(storage), 1)
          assert.deepStrictEqual(yield* keysLeft(client, prefix), [])
        }).pipe(Effect.provide(context))
      }))

    it.scopedLive("events that are sent again are not those of another storage", () =>
      Effect.gen(function*() {
        const { url } = yield* server
        const sentAgain = Effect.gen(function*() {
          const context = yield* build({ url, prefix: yield* freshPrefix, deadLetters: true })
          const storage = Context.get(context, EventStorage)
          yield* Effect.provide(sendOneAgain(storage, RedisEventStorage.deadLetters), context)
          return yield* drain(storage)
        })
        const [one, other] = [yield* sentAgain, yield* sentAgain]
        assert.lengthOf(one, 1)
        assert.notDeepEqual(one.map(({ clientId }) => clientId), other.map(({ clientId }) => clientId))
      }))

    it.scopedLive("wrong arguments of dead letters are named, and delete nothing", () =>
      Effect.gen(function*() {
        const { context, storage } = yield* setup({ deadLetters: true })
        yield* Effect.provide(refuseArguments(storage, RedisEventStorage.deadLetters), context)
      }))

    it.scopedLive("dead letters that are not kept are said to be so", () =>
      Effect.gen(function*() {
        const { context, storage } = yield* setup()
        yield* storage.append([eventOf(1)], roomy)
        const lease = Option.getOrThrow(yield* storage.lease(all))
        assert.lengthOf(yield* lease.acknowledge(lease.events, { dropped: rejected }), 1)
        const error = yield* Effect.flip(RedisEventStorage.deadLetters.list().pipe(Effect.provide(context)))
        assert.include(error.message, "deadLetters: true")
        assert.strictEqual(
          (yield* Effect.flip(RedisEventStorage.deadLetters.purge({ ids: [] }).pipe(Effect.provide(context)))).message,
          error.message
        )
      }))

    it.scopedLive("stats tell what waits, and are metrics", () =>
      Effect.gen(function*() {
        const { context, storage } = yield* setup()
        const stats = RedisEventStorage.stats.pipe(Effect.provide(context))
        const none = yield* stats
        assert.deepStrictEqual(none, {
          waiting: 0,
          leased: 0,
          paused: 0,
          oldestAge: Duration.zero,
          largestLanes: []
        })
        yield* storage.append([
          ...manyEvents(0, 3),
          eventOf(3, { lane: "lane 0" }),
          eventOf(4, { lane: "ä \"quoted\"" }),
          eventOf(5, { lane: "lane 0" })
        ], roomy)
        const lease = Option.getOrThrow(yield* storage.lease({ ...all, maxEvents: 2 }))
        yield* lease.release(lease.events.slice(0, 1), { notBefore: Date.now() + 60_000, attempts: 1, retries: 1 })
        yield* Effect.sleep(20)
        const some = yield* stats
        assert.deepStrictEqual([some.waiting, some.leased, some.paused], [4, 1, 1])
        assert.isAtLeast(Duration.toMillis(some.oldestAge), 10)
        assert.isBelow(Duration.toMillis(some.oldestAge), 60_000)
        assert.deepStrictEqual(some.largestLanes, [
          { lane: "lane 0", events: 3 },
          { lane: "lane 1", events: 1 },
          { lane: "lane 2", events: 1 },
          { lane: "ä \"quoted\"", events: 1 }
        ])
        const waiting = (yield* Metric.snapshot).flatMap(({ metricKey, metricState }) =>
          metricKey.name === "amplitude_storage_waiting"
            ? [(metricState as unknown as { readonly value: number }).value]
            : []
        )
        assert.deepStrictEqual(waiting, [4])
      }))

    it.scopedLive("the age of the oldest event is a metric, though nobody asks for statistics", () =>
      Effect.gen(function*() {
        const { storage } = yield* setup({ pollInterval: 10 })
        yield* Effect.forkScoped(Stream.runDrain(storage.changes))
        const until = (isSo: (age: number) => boolean) =>
          Effect.timeout(
            Effect.repeat(Effect.zipRight(Effect.sleep(10), oldestAge), { until: (age) => isSo(age) }),
            "10 seconds"
          )
        yield* until((age) => age === 0)
        yield* storage.append([eventOf(1), eventOf(2, { lane: "b" })], roomy)
        const appended = yield* until((age) => age >= 20)
        // what is leased or released is as old as it was
        const lease = Option.getOrThrow(yield* storage.lease(all))
        const leased = yield* until((age) => age >= appended + 20)
        yield* lease.acknowledge(lease.events.slice(1))
        yield* lease.release(lease.events.slice(0, 1), { notBefore: 0, attempts: 1, retries: 1 })
        yield* until((age) => age >= leased + 20)
        yield* drain(storage)
        yield* until((age) => age === 0)
      }))

    it.scopedLive("a lane that is free is found behind thousands of events of one that is not", () =>
      Effect.gen(function*() {
        const { client, prefix, storage } = yield* setup()
        const count = 12_000
        const busy = Array.from({ length: count }, (_, index) => eventOf(index, { lane: "busy", json: "1" }))
        yield* storage.append(busy as unknown as NonEmptyReadonlyArray<Event>, roomy)
        const first = Option.getOrThrow(yield* storage.lease({ ...all, maxEvents: 1 }))
        yield* storage.append([eventOf(count, { lane: "free" })], roomy)
        const second = Option.getOrThrow(yield* storage.lease(all))
        assert.deepStrictEqual(second.events.map(({ lane }) => lane), ["free"])
        assert.deepStrictEqual(yield* Effect.scoped(storage.lease(all)), Option.none())
        yield* second.acknowledge(second.events)
        yield* first.release(first.events, { notBefore: 0, attempts: 0, retries: 0 })
        yield* storage.append([eventOf(count + 1, { lane: "busy" })], roomy)
        const sequences = (yield* drain(storage)).map(({ sequence }) => sequence)
        assert.deepStrictEqual(sequences, [...busy.map(({ sequence }) => sequence), count + 1])
        assert.deepStrictEqual(yield* keysLeft(client, prefix), [])
      }))

    const manySmall = (count: number): NonEmptyReadonlyArray<EventStorage.EncodedEvent> => {
      const one = eventOf(0, { json: "1" })
      return [one, ...Array.from({ length: count - 1 }, (_, index) => ({ ...one, sequence: index + 1 }))]
    }

    it.scopedLive("a call can have more events than a function has arguments", () =>
      Effect.gen(function*() {
        const { client, prefix } = yield* setup()
        let given = 0
        // the server would take seconds
        const fast = withMethod(client, "evalshaBuffer", (send) => (...args) => {
          const list = args[3] as ReadonlyArray<unknown>
          if (list.length < 1000) return send(...args)
          given = list.length
          return Promise.resolve([[]])
        })
        const storage = yield* storageOn({ client: fast, prefix })
        assert.strictEqual((yield* storage.append(manySmall(130_000), roomy))._tag, "Accepted")
        assert.isAtLeast(given, 130_000)
      }), 30_000)

    it.scopedLive("a call can have more events than Lua has results", () =>
      Effect.gen(function*() {
        const { storage } = yield* setup()
        const count = 30_000
        assert.strictEqual((yield* storage.append(manySmall(count), roomy))._tag, "Accepted")
        assert.strictEqual(yield* storage.count(), count)
        const lease = Option.getOrThrow(yield* storage.lease({ ...all, maxEvents: 2 }))
        assert.deepStrictEqual(lease.events.map(({ sequence }) => sequence), [0, 1])
      }), 30_000)

    it.scopedLive("an append that is sent again stores nothing twice, wherever its events are", () =>
      Effect.gen(function*() {
        const { client, prefix, storage } = yield* setup()
        // as ioredis does after the connection broke
        const twice = withMethod(client, "evalshaBuffer", (send) => async (...args) => {
          await send(...args)
          return send(...args)
        })
        const sender = yield* storageOn({ client: twice, prefix })
        const events = manyEvents(0, 300)
        yield* sender.append(events, roomy)
        assert.strictEqual(yield* storage.count(), 300)
        const sendAgain = (answer: EventStorage.AppendResult["_tag"], capacity: number) =>
          Effect.map(
            sender.append(events, { capacity, whenFull: "refuse" }),
            ({ _tag }) => assert.strictEqual(_tag, answer)
          )
        const lease = Option.getOrThrow(yield* storage.lease({ ...all, maxEvents: 150 }))
        yield* lease.release(lease.events.slice(100), { notBefore: 0, attempts: 0, retries: 0 })
        yield* sendAgain("Accepted", 300)
        assert.strictEqual(yield* storage.count(), 300)
        yield* lease.acknowledge(lease.events.slice(0, 100))
        assert.lengthOf(yield* drain(storage), 200)
        yield* sendAgain("Refused", 299)
        assert.strictEqual(yield* storage.count(), 0)
      }))

    it.scopedLive("an event whose append had no answer is removed after the next append, without a lease", () =>
      Effect.gen(function*() {
        const { client, prefix, storage } = yield* setup()
        let isLost = false
        const losing = withMethod(client, "evalshaBuffer", (send) => async (...args) => {
          const answer = await send(...args)
          if (isLost) throw new Error("the connection broke")
          return answer
        })
        // the server knows the script
        yield* storage.append([eventOf(0, { clientId: "other" })], roomy)
        const storing = yield* storageOn({ client: losing, prefix })
        isLost = true
        yield* Effect.flip(storing.append([eventOf(1)], roomy))
        assert.strictEqual(yield* storage.count(), 2)
        isLost = false
        yield* storing.append([eventOf(2)], roomy)
        // the removal follows the append, and another append follows it
        yield* storing.append([eventOf(3)], roomy)
        assert.strictEqual(yield* storage.count(), 3)
        assert.strictEqual(yield* storage.count({ clientId: "client", upTo: 1 }), 0)
      }))

    it.scoped("an append waits 5 seconds at most for a server that does not answer", () =>
      Effect.gen(function*() {
        const { client, prefix } = yield* setup()
        let isHanging = false
        const hanging = withMethod(client, "evalshaBuffer", (send) => (...args) =>
          isHanging ? new Promise(() => {}) : send(...args))
        const storage = yield* storageOn({ client: hanging, prefix })
        isHanging = true
        const appending = yield* Effect.fork(Effect.flip(storage.append([eventOf(1)], roomy)))
        yield* TestClock.adjust("5 seconds")
        assert.include((yield* Fiber.join(appending)).message, "did not answer in time")
      }))

    it.scopedLive("a client that reads from replicas that lag leases no less", () =>
      Effect.gen(function*() {
        const { client, prefix, storage } = yield* setup()
        const lagging = withMethod(
          client,
          "hmgetBuffer",
          () => (_, positions) => Promise.resolve((positions as ReadonlyArray<string>).map(() => null))
        )
        const reader = yield* storageOn({ client: lagging, prefix })
        const events = manyEvents(0, 50)
        yield* storage.append(events, roomy)
        const lease = Option.getOrThrow(yield* reader.lease(all))
        assert.deepStrictEqual(lease.events.map(jsonOf), events.map(jsonOf))
        assert.lengthOf(yield* lease.acknowledge(lease.events), 50)
      }))

    it.scopedLive("events that another process took and acknowledged meanwhile are no part of a lease", () =>
      Effect.gen(function*() {
        const { client, prefix, storage } = yield* setup()
        const runPromise = Runtime.runPromise(yield* Effect.runtime<never>())
        // the process stands still before it reads the events that it has leased
        let meanwhile: () => Promise<unknown> = () => Promise.resolve()
        const slow = new Proxy(client, {
          get: (target, key) => {
            const value = Reflect.get(target, key) as unknown
            if (typeof value !== "function") return value
            return key === "hmgetBuffer"
              ? async (...args: ReadonlyArray<unknown>) => {
                await meanwhile()
                return value.apply(target, args) as unknown
              }
              : value.bind(target)
          }
        })
        const slept = yield* storageOn({ client: slow, prefix })
        const takeOver = (maxEvents: number) =>
          Effect.gen(function*() {
            const [token] = yield* Effect.promise(() => client.zrange(`{${prefix}}:until`, 0, -1))
            yield* Effect.promise(() => client.zadd(`{${prefix}}:until`, 0, token!))
            yield* Effect.scoped(Effect.flatMap(
              storage.lease({ ...all, maxEvents }),
              Option.match({
                onNone: () => Effect.void,
                onSome: ({ acknowledge, events }) => acknowledge(events)
              })
            ))
          })
        yield* storage.append(manyEvents(0, 10), roomy)
        meanwhile = () => runPromise(takeOver(4))
        const some = Option.getOrThrow(yield* slept.lease(all))
        assert.lengthOf(some.events, 6)
        assert.deepStrictEqual(yield* some.acknowledge(some.events), [])
        meanwhile = () => runPromise(takeOver(10))
        assert.deepStrictEqual(yield* slept.lease(all), Option.none())
        assert.strictEqual(yield* storage.count(), 0)
      }))

    it.scopedLive("events that the server has lost do not hold back the events behind them", () =>
      Effect.gen(function*() {
        const { client, prefix, storage } = yield* setup()
        yield* storage.append(manyEvents(0, 200), roomy)
        const lease = Option.getOrThrow(yield* storage.lease({ ...all, maxEvents: 50 }))
        yield* lease.release(lease.events, { notBefore: 0, attempts: 0, retries: 0 })
        // as a server does that evicts keys
        yield* Effect.promise(() => client.del(`{${prefix}}:e`))
        yield* storage.append([eventOf(200, { lane: "lane 0" }), eventOf(201, { lane: "lane 99" })], roomy)
        const left = yield* Effect.scoped(Effect.flatMap(
          storage.lease({ ...all, maxEvents: 150 }),
          Option.match({ onNone: () => Effect.succeed([]), onSome: ({ acknowledge, events }) => acknowledge(events) })
        ))
        assert.deepStrictEqual(left.map(({ sequence }) => sequence), [200, 201])
        assert.deepStrictEqual(yield* keysLeft(client, prefix), [])
      }))

    it.scopedLive("many events are evicted in steps, and those that are gone are told when the server goes away", () =>
      Effect.gen(function*() {
        const { client, prefix } = yield* setup()
        let most = 0
        let left = Infinity
        const counting = withMethod(client, "evalshaBuffer", (send) => async (...args) => {
          const answer = await send(...args)
          if (Array.isArray(answer)) most = Math.max(most, answer.length / 3)
          if (left-- <= 0) throw new Error("the connection broke")
          return answer
        })
        const storage = yield* storageOn({ client: counting, prefix })
        yield* storage.append(manyEvents(0, 5000), roomy)
        // a lane that is paused, and the others
        const lease = Option.getOrThrow(yield* storage.lease({ ...all, maxEvents: 1 }))
        yield* lease.release(lease.events, { notBefore: Date.now() + 60_000, attempts: 1, retries: 1 })
        most = 0
        const evicted = yield* storage.evict({ keep: 2500, from: "newest" })
        assert.deepStrictEqual(
          evicted.map(({ sequence }) => sequence).sort((one, other) => one - other),
          Array.from({ length: 2500 }, (_, index) => 2500 + index)
        )
        assert.isAtMost(most, 1000)
        left = 1
        assert.lengthOf(yield* storage.evict({ keep: 0, from: "oldest" }), 1000)
      }))

    it.scopedLive("events that the server has lost can be evicted", () =>
      Effect.gen(function*() {
        const { client, prefix, storage } = yield* setup({ deadLetters: true })
        yield* storage.append(manyEvents(0, 3), roomy)
        yield* Effect.promise(() => client.del(`{${prefix}}:e`))
        yield* storage.append(manyEvents(3, 7), roomy)
        const evicted = yield* storage.evict({ keep: 0, from: "oldest" })
        assert.deepStrictEqual(evicted.map(({ sequence }) => sequence), [3])
      }))

    it.scopedLive("an option out of range is named when the layer is built", () =>
      Effect.gen(function*() {
        const { url } = yield* server
        const options: ReadonlyArray<readonly [string, RedisEventStorage.Options]> = [
          ["url", { url: "" }],
          ["url", { url: Redacted.make("http://localhost") }],
          ["url", {} as RedisEventStorage.Options],
          ["prefix", { url, prefix: "" }],
          ["prefix", { url, prefix: "a{b}" }],
          ["shards", { url, shards: 0 }],
          ["shards", { url, shards: 1.5 }],
          ["pollInterval", { url, pollInterval: 0 }],
          ["leaseDuration", { url, leaseDuration: "1 millis" }],
          ["leaseDuration", { url, leaseDuration: Duration.infinity }],
          ["leaseDuration", { url, leaseDuration: 1e18 }],
          ["deadLetters", { url, deadLetters: "no" as unknown as boolean }],
          ["shard", { url, shard: 2 } as RedisEventStorage.Options]
        ]
        for (const [name, option] of options) {
          const error = yield* Effect.flip(build(option))
          assert.match(error.message, new RegExp(`^${name}: expected `))
        }
      }))

    it.scopedLive("a client that makes texts of numbers is named when the layer is built", () =>
      Effect.gen(function*() {
        const { port } = yield* server
        const error = yield* Effect.flip(build({ client: yield* clientOf(port, { stringNumbers: true }) }))
        assert.strictEqual(error._tag, "StorageError")
        assert.match(error.message, /^client: expected .*stringNumbers/)
      }))

    it.scopedLive("the url can come from the environment", () =>
      Effect.gen(function*() {
        const { url } = yield* server
        const prefix = yield* freshPrefix
        const layer = RedisEventStorage.layerConfig({
          url: Config.redacted("REDIS_URL"),
          prefix: Config.succeed(prefix)
        })
        const context = yield* Layer.build(layer).pipe(
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["REDIS_URL", url]])))
        )
        const storage = Context.get(context, EventStorage)
        yield* storage.append([eventOf(1)], roomy)
        assert.lengthOf(yield* drain(storage), 1)
      }))

    it.scopedLive("connects again after a proxy has accepted connections that it closes", () =>
      Effect.gen(function*() {
        const { port } = yield* server
        let isUp = true
        let closed = 0
        const proxy = yield* TcpServer.make((socket) => {
          if (isUp) {
            const upstream = connectTo(port, "127.0.0.1")
            upstream.on("error", () => {})
            socket.pipe(upstream).pipe(socket)
          } else {
            closed++
            socket.destroy()
          }
        })
        const prefix = yield* freshPrefix
        const url = `redis://127.0.0.1:${proxy.port}`
        const storage = yield* storageOn({ url, prefix })
        yield* storage.append([eventOf(1)], roomy)
        isUp = false
        yield* proxy.disconnect
        while (closed < 2) yield* Effect.sleep("5 millis")
        isUp = true
        assert.strictEqual(yield* Effect.retry(storage.count(), Schedule.spaced("20 millis")), 1)
      }))

    it.scopedLive("the client over it stores, delivers, and waits for its own events", () =>
      Effect.gen(function*() {
        const { url } = yield* server
        const prefix = yield* freshPrefix
        const service = yield* DevServer
        const start = (deliver: boolean) =>
          Effect.map(
            Layer.build(
              Amplitude.layerStorage({ apiKey: "key", serverUrl: service.urlV2, flushInterval: "50 millis", deliver })
                .pipe(
                  Layer.provide(RedisEventStorage.layer({ url, prefix, pollInterval: 50 }))
                )
            ),
            Context.get(Amplitude)
          )
        const web = yield* start(false)
        yield* start(true)
        const names = Array.from({ length: 30 }, (_, index) => `Event ${index}`)
        for (const name of names) yield* web.track(name, {}, { user_id: "user-12345" })
        yield* web.flush
        assert.deepStrictEqual((yield* service.events).map(({ event_type }) => event_type), names)
      }).pipe(Effect.provide(DevServer.layer())), 30_000)

    describe("errors say what to do", () => {
      const failure = (options: RedisEventStorage.Options) =>
        Effect.map(Effect.flip(build(options)), ({ message }) => message)

      it.scopedLive("a server that is away", () =>
        Effect.gen(function*() {
          assert.match(yield* failure({ url: "redis://127.0.0.1:1" }), /ECONNREFUSED.*Redis is away/)
        }))

      it.scopedLive("a password that is missing or wrong, and that no error shows", () =>
        Effect.gen(function*() {
          const { port } = yield* redis(["--requirepass", "right-password"])
          assert.match(yield* failure({ url: `redis://127.0.0.1:${port}` }), /NOAUTH.*Give the user and the password/)
          const error = yield* Effect.flip(build({ url: `redis://:wrong-password@127.0.0.1:${port}` }))
          assert.match(error.message, /(NOAUTH|WRONGPASS).*Give the user and the password/)
          assert.notInclude(`${JSON.stringify(error)} ${String(error.cause)}`, "wrong-password")
          yield* build({ url: `redis://:right-password@127.0.0.1:${port}` })
        }))

      it.scopedLive("a user without the commands", () =>
        Effect.gen(function*() {
          const { port } = yield* server
          const client = yield* clientOf(port)
          yield* Effect.promise(() => client.call("ACL", "SETUSER", "reader", "on", ">pass", "~*", "+@read"))
          assert.match(yield* failure({ url: `redis://reader:pass@127.0.0.1:${port}` }), /NOPERM.*The user needs/)
          yield* Effect.promise(() =>
            client.call("ACL", "SETUSER", "writer", "on", ">pass", "~*", "+@read", "+@write", "+@scripting", "+time")
          )
          for (const command of ["DEL", "ZADD", "HSET", "LTRIM", "SADD", "INCR"]) {
            const prefix = yield* freshPrefix
            yield* Effect.promise(() =>
              client.call("ACL", "SETUSER", "most", "reset", "on", ">pass", "~*", "+@all", `-${command}`)
            )
            assert.match(
              yield* failure({ url: `redis://most:pass@127.0.0.1:${port}`, prefix }),
              new RegExp(`\\(${command}\\).*The user needs`)
            )
            assert.deepStrictEqual(yield* keysLeft(client, prefix), [])
          }
          // INFO is forbidden: the storage works, and says nothing
          const storage = yield* storageOn({
            url: `redis://writer:pass@127.0.0.1:${port}`,
            prefix: yield* freshPrefix
          })
          yield* storage.append([eventOf(1)], roomy)
          assert.lengthOf(yield* drain(storage), 1)
        }))

      it.scopedLive("a replica", () =>
        Effect.gen(function*() {
          const { port } = yield* server
          const replica = yield* redis(["--replicaof", "127.0.0.1", String(port)])
          assert.match(
            yield* failure({ client: yield* clientOf(replica.port, { enableReadyCheck: false }) }),
            /READONLY.*The server is a replica/
          )
        }))

      it.scopedLive("memory that is full, which still delivers", () =>
        Effect.gen(function*() {
          const { port } = yield* redis()
          const client = yield* clientOf(port)
          const storage = yield* storageOn({ client })
          yield* storage.append(manyEvents(0, 100), roomy)
          yield* Effect.promise(() => client.config("SET", "maxmemory", "1"))
          const error = yield* Effect.flip(storage.append([eventOf(1000)], roomy))
          assert.match(error.message, /^append: .*OOM.*Raise maxmemory/)
          assert.strictEqual(yield* storage.count(), 100)
          assert.lengthOf(yield* drain(storage), 100)
          yield* Effect.promise(() => client.config("SET", "maxmemory", "0"))
          yield* storage.append([eventOf(1001)], roomy)
          assert.lengthOf(yield* drain(storage), 1)
        }))

      it.scopedLive("keys that belong to something else", () =>
        Effect.gen(function*() {
          const { port } = yield* server
          const client = yield* clientOf(port)
          const prefix = yield* freshPrefix
          yield* Effect.promise(() => client.set(`{${prefix}}:heads`, "a text"))
          assert.match(yield* failure({ client, prefix }), /WRONGTYPE.*choose another `prefix`/)
          const other = yield* freshPrefix
          const storage = yield* storageOn({ client, prefix: other })
          yield* Effect.promise(() => client.set(`{${other}}:e`, "a text"))
          assert.match((yield* Effect.flip(storage.append([eventOf(1)], roomy))).message, /WRONGTYPE.*choose another/)
        }))

      it.scopedLive("a server that is loading", () =>
        Effect.gen(function*() {
          const { port } = yield* server
          const client = yield* clientOf(port)
          const storage = yield* storageOn({ client, prefix: yield* freshPrefix })
          Object.assign(client, {
            evalshaBuffer: () => Promise.reject(new Error("LOADING Redis is loading the dataset in memory"))
          })
          assert.match((yield* Effect.flip(storage.count())).message, /^count: LOADING.*as soon as that is done/)
        }))
    })

    describe("a server that can lose events", () => {
      const warnings = (options: RedisEventStorage.Options) =>
        Effect.gen(function*() {
          const lines: Array<string> = []
          const logger = Logger.make(({ message }) => lines.push(String(message)))
          yield* Effect.provide(
            Layer.build(RedisEventStorage.layer(options)),
            Logger.replace(Logger.defaultLogger, logger)
          )
          return lines
        })

      it.scopedLive("is told of at the start", () =>
        Effect.gen(function*() {
          const { url } = yield* redis(["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"])
          const lines = yield* warnings({ url })
          assert.lengthOf(lines, 2)
          assert.include(lines[0], "`appendonly yes`")
          assert.include(lines[1], "`maxmemory-policy noeviction`")
          assert.deepStrictEqual(yield* warnings({ url: (yield* server).url }), [])
        }))
    })

    it.scopedLive(
      "a server that is killed and started again under load loses nothing that it accepted",
      () =>
        Effect.gen(function*() {
          const { kill, start, url } = yield* redis(["--appendonly", "yes", "--appendfsync", "always"])
          const storage = yield* storageOn({ url, leaseDuration: "1 second", pollInterval: 50 })
          const accepted: Array<number> = []
          const leased = new Set<number>()
          const acknowledged = new Map<number, number>()
          let sequence = 0
          let failures = 0
          const append = Effect.suspend(() => {
            const next = sequence++
            return Effect.match(storage.append([eventOf(next, { lane: `lane ${next % 20}` })], roomy), {
              onSuccess: () => {
                accepted.push(next)
              },
              onFailure: ({ message }) => {
                failures++
                assert.match(message, /^append: .*(Redis is away|LOADING)/)
              }
            })
          })
          let restarts = 0
          const isProduced = () => restarts === 3 && accepted.length > 200
          const produce = Effect.repeat(Effect.zipRight(append, Effect.sleep(2)), { until: isProduced })
          const deliver = Effect.scoped(Effect.flatMap(
            storage.lease({ ...all, maxEvents: 20 }),
            Option.match({
              onNone: () => Effect.sleep(20),
              onSome: ({ acknowledge, events }) => {
                for (const { sequence } of events) leased.add(sequence)
                return Effect.map(acknowledge(events), (ours) => {
                  for (const { sequence } of ours) acknowledged.set(sequence, (acknowledged.get(sequence) ?? 0) + 1)
                })
              }
            })
          )).pipe(Effect.catchAll(() => Effect.sleep(50)))
          const restart = Effect.gen(function*() {
            const before = accepted.length
            yield* Effect.repeat(Effect.sleep(20), { until: () => accepted.length > before + 30 })
            yield* kill
            const failed = failures
            yield* Effect.repeat(Effect.sleep(20), { until: () => failures > failed })
            yield* start
            restarts++
          })
          const isEmpty = Effect.map(Effect.orElseSucceed(storage.count(), () => 1), (count) => count === 0)
          yield* Effect.forkScoped(Effect.forever(deliver))
          yield* Effect.all([
            Effect.forEach([1, 2, 3], () => produce, { concurrency: "unbounded" }),
            Effect.forEach([1, 2, 3], () => restart, { discard: true })
          ], { concurrency: "unbounded", discard: true })
          yield* Effect.repeat(Effect.zipRight(Effect.sleep(20), isEmpty), { until: (isEmpty) => isEmpty })
          // an acknowledge whose answer was lost has taken its events as well
          assert.deepStrictEqual(accepted.filter((one) => !leased.has(one)), [])
          assert.isTrue([...acknowledged.values()].every((times) => times === 1))
        }),
      90_000
    )

    describe("shards", () => {
      /** A client whose scripts fail on the second shard while it is away. */
      const halfAway = (client: Redis) => {
        const state = { isAway: false }
        return {
          state,
          client: withMethod(
            client,
            "evalshaBuffer",
            (send) => (...args) =>
              state.isAway && String(args[2]).endsWith(":1}")
                ? Promise.reject(new Error("ECONNREFUSED"))
                : send(...args)
          )
        }
      }

      /** Events of two shards. */
      const ofBoth: NonEmptyReadonlyArray<Event> = [eventOf(0, { lane: "a" }), eventOf(1, { lane: "b" })]

      /** A storage with an event in each of two shards, and a client that always reaches both. */
      const setUpBoth = Effect.gen(function*() {
        const { port } = yield* server
        const { client, state } = halfAway(yield* clientOf(port))
        const prefix = yield* freshPrefix
        const storage = yield* storageOn({ client, prefix, shards: 2, leaseDuration: "1 second" })
        yield* storage.append(ofBoth, roomy)
        return { prefix, raw: yield* clientOf(port), state, storage }
      })

      it.scopedLive("events that one shard has removed are ours, however long another one is away", () =>
        Effect.gen(function*() {
          const { prefix, raw, state, storage } = yield* setUpBoth
          const lease = Option.getOrThrow(yield* storage.lease(all))
          const exists = (key: string) => Effect.promise(() => raw.exists(key))
          assert.deepStrictEqual(yield* Effect.all([exists(`{${prefix}:0}:e`), exists(`{${prefix}:1}:e`)]), [1, 1])
          state.isAway = true
          yield* Effect.flip(lease.acknowledge(lease.events))
          assert.deepStrictEqual(yield* Effect.all([exists(`{${prefix}:0}:e`), exists(`{${prefix}:1}:e`)]), [0, 1])
          // until the lease would be over
          yield* Effect.repeat(
            Effect.zipRight(
              Effect.sleep(50),
              Effect.promise(async () => {
                const [seconds, micros] = await raw.time()
                const [until] = await raw.zrange(`{${prefix}:1}:until`, 0, 0, "WITHSCORES").then((all) => all.slice(1))
                return Number(until) < Number(seconds) * 1000 + Number(micros) / 1000
              })
            ),
            { until: (isOver) => isOver }
          )
          state.isAway = false
          assert.lengthOf(yield* lease.acknowledge(lease.events), 2)
        }))

      it.scopedLive("a lease is renewed on the shards that answer", () =>
        Effect.gen(function*() {
          const { prefix, raw, state, storage } = yield* setUpBoth
          // the second lease begins with the shard that is away
          yield* Effect.scoped(storage.lease(all))
          yield* storage.lease(all)
          state.isAway = true
          const until = Effect.promise(() => raw.zrange(`{${prefix}:0}:until`, 0, 0, "WITHSCORES"))
          const first = yield* until
          assert.lengthOf(first, 2)
          yield* Effect.repeat(Effect.zipRight(Effect.sleep(20), until), {
            until: (now) => now.length === 2 && now[1] !== first[1]
          })
        }))

      it.scopedLive("take a call whole or not at all, and drop from those that hold most", () =>
        Effect.gen(function*() {
          const { client, prefix, storage } = yield* setup({ shards: 4 })
          const full: EventStorage.AppendOptions = { capacity: 40, whenFull: "refuse" }
          assert.strictEqual((yield* storage.append(manyEvents(0, 100), full))._tag, "Refused")
          assert.strictEqual(yield* storage.count(), 0)
          assert.strictEqual((yield* storage.append(manyEvents(0, 10), full))._tag, "Accepted")
          assert.strictEqual((yield* storage.append(manyEvents(100, 200), full))._tag, "Refused")
          assert.strictEqual(yield* storage.count(), 10)
          const evicting = yield* storage.append(manyEvents(200, 300), { capacity: 40, whenFull: "evictOldest" })
          const count = yield* storage.count()
          assert.strictEqual(evicting._tag === "Accepted" ? evicting.evicted.length : 0, 110 - count)
          assert.isAtMost(count, 40)
          assert.lengthOf(yield* storage.evict({ keep: 15, from: "newest" }), count - 15)
          assert.strictEqual(yield* storage.count(), 15)
          assert.lengthOf(yield* drain(storage), 15)
          assert.deepStrictEqual(yield* keysLeft(client, prefix), [])
        }))

      it.scopedLive(
        "are spread over the nodes of a cluster, which keeps the order of each lane",
        () =>
          Effect.gen(function*() {
            const { client, clients } = yield* cluster
            const start = (client: Redis | Cluster) =>
              storageOn({ client, shards: 16, leaseDuration: "1 second", pollInterval: 50 })
            const storages = [yield* start(client), yield* start(client)]
            const lanes = Array.from({ length: 40 }, (_, lane) => `lane ${lane}`)
            const perLane = 20
            for (let round = 0; round < perLane; round++) {
              const events = lanes.map((lane, index) => eventOf(round * lanes.length + index, { lane }))
              yield* storages[0]!.append(events as unknown as NonEmptyReadonlyArray<Event>, roomy)
            }
            assert.strictEqual(yield* storages[1]!.count(), lanes.length * perLane)
            const sizes = yield* Effect.promise(() => Promise.all(clients.map((client) => client.dbsize())))
            assert.isTrue(sizes.every((size) => size > 10), sizes.join())

            const delivered = new Map<string, Array<number>>()
            let left = lanes.length * perLane
            const deliver = (storage: EventStorage.Service) =>
              Effect.repeat(
                Effect.scoped(Effect.flatMap(
                  storage.lease({ maxEvents: 30, maxBytes: 100_000 }),
                  Option.match({
                    onNone: () => Effect.sleep(10),
                    onSome: ({ acknowledge, events, release }) =>
                      Effect.gen(function*() {
                        yield* release(events.slice(25), { notBefore: 0, attempts: 1, retries: 0 })
                        for (const { lane, sequence } of yield* acknowledge(events.slice(0, 25))) {
                          delivered.set(lane, [...delivered.get(lane) ?? [], sequence])
                          left--
                        }
                      })
                  })
                )),
                { until: () => left === 0 }
              )
            yield* Effect.forEach([...storages, ...storages], deliver, { concurrency: "unbounded" }).pipe(
              Effect.timeout("30 seconds")
            )
            assert.strictEqual(delivered.size, lanes.length)
            for (const sequences of delivered.values()) {
              assert.deepStrictEqual(sequences, sequences.toSorted((one, other) => one - other))
              assert.lengthOf(new Set(sequences), perLane)
            }
            const stats = yield* Effect.flatMap(
              build({ client, shards: 16 }),
              (context) => RedisEventStorage.stats.pipe(Effect.provide(context))
            )
            assert.strictEqual(stats.waiting, 0)
          }),
        60_000
      )
    })

    it.scopedLive("an append after the scope has closed fails", () =>
      Effect.gen(function*() {
        const { url } = yield* server
        const prefix = yield* freshPrefix
        const storage = yield* Effect.scoped(storageOn({ url, prefix }))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(storage.append([eventOf(1)], roomy))))
      }))
  })
})

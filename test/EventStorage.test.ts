import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, FastCheck, Fiber, Layer, TestClock } from "effect"
import type { BufferFull } from "effect-amplitude"
import { AmplitudeConfig, EventStorage } from "effect-amplitude"
import * as Memory from "../src/internal/storage/memory.js"

type Event = EventStorage.EncodedEvent

const ttl = Duration.minutes(1)
const all = { count: 1000, bytes: 1_000_000, ttl }

const event = (id: string, lane: string = id[0]!, json: string = JSON.stringify(id)): Event => ({
  id,
  lane,
  json,
  attempts: 0
})

/** Order is promised within a lane: ids by lane, the lanes by name. */
const byLane = (ids: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> =>
  [...new Set(ids.map((id) => id[0]))].sort().map((lane) => ids.filter((id) => id[0] === lane))

const idsOf = (events: ReadonlyArray<Event>) => events.map(({ id }) => id)

/** What every storage does. */
const contract = (name: string, layer: Layer.Layer<EventStorage, unknown, AmplitudeConfig>) => {
  const run = (options: Partial<AmplitudeConfig.Options>) =>
    Effect.provide(
      Layer.fresh(Layer.provideMerge(layer, AmplitudeConfig.layer({ apiKey: "key", ...options })))
    )

  const appendAll = (...ids: ReadonlyArray<string>) =>
    Effect.flatMap(EventStorage, (storage) => Effect.forEach(ids, (id) => Effect.map(storage.append(event(id)), idsOf)))

  const leased = (options: Partial<EventStorage.LeaseOptions> = {}) =>
    Effect.flatMap(EventStorage, (storage) => Effect.map(storage.lease({ ...all, ...options }), idsOf))

  const acknowledge = (...ids: ReadonlyArray<string>) =>
    Effect.flatMap(EventStorage, (storage) => storage.acknowledge(ids))

  const release = (ids: ReadonlyArray<string>, notBefore = 0, attempts = 1) =>
    Effect.flatMap(EventStorage, (storage) => storage.release(ids, { notBefore, attempts }))

  const size = Effect.flatMap(EventStorage, (storage) => storage.size)

  describe(name, () => {
    it.effect("hands out in order what was appended, as it was", () =>
      Effect.gen(function*() {
        const storage = yield* EventStorage
        assert.deepStrictEqual(yield* appendAll("a1", "b1", "a2", "c1"), [[], [], [], []])
        const events = yield* storage.lease(all)
        assert.deepStrictEqual(
          events.map(({ attempts, id, json, lane }) => ({ id, lane, json, attempts })),
          [event("a1"), event("b1"), event("a2"), event("c1")]
        )
        assert.deepStrictEqual(yield* leased(), [])
      }).pipe(run({})))

    it.effect("hands out none where none are asked for", () =>
      Effect.gen(function*() {
        yield* appendAll("a1", "b1")
        assert.deepStrictEqual(yield* leased({ count: 0 }), [])
        assert.deepStrictEqual(yield* leased({ count: 1, bytes: 0 }), ["a1"])
        assert.deepStrictEqual(yield* leased({ count: 0 }), [])
        assert.deepStrictEqual(yield* leased(), ["b1"])
      }).pipe(run({})))

    it.effect("a lane is held by a lease until all of it is settled", () =>
      Effect.gen(function*() {
        yield* appendAll("a1", "b1", "a2", "a3", "b2")
        assert.deepStrictEqual(yield* leased({ count: 1 }), ["a1"])
        assert.deepStrictEqual(yield* leased(), ["b1", "b2"])
        yield* appendAll("a4", "c1")
        assert.deepStrictEqual(yield* leased(), ["c1"])
        assert.deepStrictEqual(yield* acknowledge("a1"), ["a1"])
        assert.deepStrictEqual(yield* leased({ count: 2 }), ["a2", "a3"])
        assert.deepStrictEqual(yield* acknowledge("a2"), ["a2"])
        assert.deepStrictEqual(yield* leased(), [])
        assert.deepStrictEqual(yield* acknowledge("a3"), ["a3"])
        assert.deepStrictEqual(yield* leased(), ["a4"])
      }).pipe(run({})))

    it.effect("acknowledge answers the ids that were held, once", () =>
      Effect.gen(function*() {
        yield* appendAll("a1", "b1", "c1")
        yield* leased({ count: 2 })
        assert.deepStrictEqual(yield* acknowledge("b1", "nobody", "c1", "a1"), ["b1", "a1"])
        assert.deepStrictEqual(yield* acknowledge("a1", "b1"), [])
        assert.strictEqual(yield* size, 1)
        assert.deepStrictEqual(yield* acknowledge(), [])
      }).pipe(run({})))

    it.effect("size counts what is leased as well", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* size, 0)
        yield* appendAll("a1", "b1", "c1")
        assert.strictEqual(yield* size, 3)
        yield* leased({ count: 2 })
        assert.strictEqual(yield* size, 3)
        yield* release(["a1"])
        assert.strictEqual(yield* size, 3)
        yield* acknowledge("b1")
        assert.strictEqual(yield* size, 2)
      }).pipe(run({})))

    it.effect("what is released goes back to its place, also before other lanes", () =>
      Effect.gen(function*() {
        const storage = yield* EventStorage
        yield* appendAll("a1", "b1", "a2", "c1", "b2")
        yield* leased()
        yield* appendAll("a3", "d1")
        yield* release(["a1", "b1", "a2", "c1", "b2"], 0, 3)
        const events = yield* storage.lease(all)
        assert.deepStrictEqual(byLane(idsOf(events)), [["a1", "a2", "a3"], ["b1", "b2"], ["c1"], ["d1"]])
        assert.deepStrictEqual(events.filter(({ attempts }) => attempts === 0).map(({ id }) => id), ["a3", "d1"])
        assert.isTrue(events.every(({ attempts }) => attempts === 0 || attempts === 3))
      }).pipe(run({})))

    it.effect("released in parts and out of order, each lane keeps its order", () =>
      Effect.gen(function*() {
        yield* appendAll("a1", "a2", "a3", "b1", "a4")
        yield* leased()
        yield* release(["a3"])
        yield* release(["a4", "b1"])
        yield* release(["a1"])
        assert.deepStrictEqual(yield* leased(), ["b1"])
        yield* release(["a2"])
        assert.deepStrictEqual(yield* leased(), ["a1", "a2", "a3", "a4"])
      }).pipe(run({})))

    it.effect("a pause holds back its lane and nobody else's, until its time", () =>
      Effect.gen(function*() {
        yield* appendAll("a1", "b1", "a2")
        yield* leased()
        const now = yield* Clock.currentTimeMillis
        yield* release(["a1", "a2"], now + 1000)
        yield* release(["b1"])
        yield* appendAll("a3", "b2")
        assert.deepStrictEqual(yield* leased(), ["b1", "b2"])
        yield* TestClock.adjust(999)
        assert.deepStrictEqual(yield* leased(), [])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* leased(), ["a1", "a2", "a3"])
      }).pipe(run({})))

    it.effect("a later event of a lane that is paused holds back those after it alone", () =>
      Effect.gen(function*() {
        yield* appendAll("a1", "a2", "a3")
        yield* leased()
        yield* release(["a1"])
        yield* release(["a2"], 1000)
        yield* release(["a3"])
        assert.deepStrictEqual(yield* leased(), ["a1"])
        yield* acknowledge("a1")
        assert.deepStrictEqual(yield* leased(), [])
        yield* TestClock.adjust(1000)
        assert.deepStrictEqual(yield* leased(), ["a2", "a3"])
      }).pipe(run({})))

    it.effect("paused: true takes what is paused, not what is leased", () =>
      Effect.gen(function*() {
        yield* appendAll("a1", "b1", "a2", "b2")
        yield* leased({ count: 2 })
        yield* release(["a1"], 10_000)
        assert.deepStrictEqual(yield* leased(), [])
        assert.deepStrictEqual(yield* leased({ paused: true }), ["a1", "a2"])
      }).pipe(run({})))

    it.effect("release of what is not held does nothing", () =>
      Effect.gen(function*() {
        yield* appendAll("a1", "b1")
        yield* release(["a1", "nobody"], 10_000)
        assert.deepStrictEqual(yield* leased({ count: 1 }), ["a1"])
        yield* acknowledge("a1")
        yield* release(["a1"])
        assert.strictEqual(yield* size, 1)
        assert.deepStrictEqual(yield* leased(), ["b1"])
      }).pipe(run({})))

    it.effect("renew keeps what is leased", () =>
      Effect.gen(function*() {
        const storage = yield* EventStorage
        yield* appendAll("a1")
        yield* leased()
        yield* storage.renew(["a1", "nobody"], ttl)
        assert.deepStrictEqual(yield* leased(), [])
        assert.deepStrictEqual(yield* acknowledge("a1"), ["a1"])
      }).pipe(run({})))

    it.effect("the limit is of bytes in UTF-8, each event with a comma", () =>
      Effect.gen(function*() {
        const storage = yield* EventStorage
        const jsons = ["\"abc\"", "\"äöü\"", "\"漢字\"", "\"😀\""]
        const bytes = jsons.map((json) => Buffer.byteLength(json) + 1)
        for (let taken = 1; taken <= jsons.length; taken++) {
          for (const [index, json] of jsons.entries()) yield* storage.append(event(`a${index}`, "a", json))
          const limit = bytes.slice(0, taken).reduce((sum, size) => sum + size)
          assert.strictEqual((yield* storage.lease({ ...all, bytes: limit, count: 4 })).length, taken)
          yield* storage.acknowledge(["a0", "a1", "a2", "a3"])
          yield* Effect.flatMap(storage.lease(all), (events) => storage.acknowledge(idsOf(events)))
          for (const [index, json] of jsons.entries()) yield* storage.append(event(`a${index}`, "a", json))
          const less = yield* storage.lease({ ...all, bytes: limit - 1 })
          assert.strictEqual(less.length, Math.max(1, taken - 1))
          yield* storage.acknowledge(idsOf(less))
          yield* Effect.flatMap(storage.lease(all), (events) => storage.acknowledge(idsOf(events)))
          assert.strictEqual(yield* storage.size, 0)
        }
      }).pipe(run({})))

    it.effect("a first event is leased whatever its size, alone", () =>
      Effect.gen(function*() {
        yield* appendAll("a1", "b1", "c1")
        assert.deepStrictEqual(yield* leased({ bytes: 1 }), ["a1"])
        assert.deepStrictEqual(yield* leased({ bytes: 1 }), ["b1"])
      }).pipe(run({})))

    describe("overflow", () => {
      it.effect("dropOldest drops the oldest that is not leased", () =>
        Effect.gen(function*() {
          yield* appendAll("a1", "b1", "a2")
          yield* leased({ count: 1 })
          assert.deepStrictEqual(yield* appendAll("c1", "c2"), [["b1"], ["a2"]])
          assert.strictEqual(yield* size, 3)
          yield* release(["a1"])
          assert.deepStrictEqual(yield* appendAll("d1"), [["a1"]])
          assert.deepStrictEqual(yield* leased(), ["c1", "c2", "d1"])
        }).pipe(run({ bufferCapacity: 3 })))

      it.effect("dropOldest never drops what is leased: with all leased the new one goes", () =>
        Effect.gen(function*() {
          yield* appendAll("a1", "b1")
          yield* leased()
          assert.deepStrictEqual(yield* appendAll("c1", "a2"), [["c1"], ["a2"]])
          assert.deepStrictEqual(yield* acknowledge("a1", "b1"), ["a1", "b1"])
          assert.strictEqual(yield* size, 0)
          yield* appendAll("a3")
          assert.deepStrictEqual(yield* leased(), ["a3"])
        }).pipe(run({ bufferCapacity: 2 })))

      it.effect("dropNewest drops the new one", () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* appendAll("a1", "a2", "b1"), [[], [], ["b1"]])
          yield* Effect.flatMap(leased({ count: 1 }), (ids) => acknowledge(...ids))
          assert.deepStrictEqual(yield* appendAll("c1", "d1"), [[], ["d1"]])
          assert.deepStrictEqual(yield* leased(), ["a2", "c1"])
        }).pipe(run({ bufferCapacity: 2, overflow: "dropNewest" })))

      it.effect("fail fails with BufferFull", () =>
        Effect.gen(function*() {
          yield* appendAll("a1")
          const error = yield* Effect.flip(appendAll("b1"))
          assert.strictEqual(error._tag, "BufferFull")
          assert.strictEqual((error as BufferFull).capacity, 1)
          assert.deepStrictEqual(yield* leased(), ["a1"])
        }).pipe(run({ bufferCapacity: 1, overflow: "fail" })))

      it.effect("suspend waits for room, first come first served", () =>
        Effect.gen(function*() {
          yield* appendAll("a1", "b1")
          const waiting = yield* Effect.forEach(["c1", "d1", "e1"], (id) =>
            Effect.zipLeft(Effect.fork(appendAll(id)), Effect.yieldNow()))
          assert.strictEqual(yield* size, 2)
          yield* leased()
          yield* acknowledge("a1")
          yield* Fiber.join(waiting[0]!)
          assert.deepStrictEqual(yield* leased(), ["c1"])
          assert.strictEqual(yield* size, 2)
          yield* acknowledge("b1", "c1")
          yield* Fiber.join(waiting[1]!)
          yield* Fiber.join(waiting[2]!)
          assert.deepStrictEqual(yield* leased(), ["d1", "e1"])
        }).pipe(run({ bufferCapacity: 2, overflow: "suspend" })))

      it.effect("suspend: who comes later does not overtake those who were let on", () =>
        Effect.gen(function*() {
          yield* appendAll("a1")
          const first = yield* Effect.zipLeft(Effect.fork(appendAll("b1")), Effect.yieldNow())
          const second = yield* Effect.zipLeft(Effect.fork(appendAll("c1")), Effect.yieldNow())
          yield* leased()
          yield* acknowledge("a1")
          const late = yield* Effect.fork(appendAll("d1"))
          yield* Fiber.join(first)
          assert.deepStrictEqual(yield* leased(), ["b1"])
          yield* acknowledge("b1")
          yield* Fiber.join(second)
          assert.deepStrictEqual(yield* leased(), ["c1"])
          yield* acknowledge("c1")
          yield* Fiber.join(late)
        }).pipe(run({ bufferCapacity: 1, overflow: "suspend" })))

      it.effect("suspend can be interrupted, inside what cannot as well, and lets the next one on", () =>
        Effect.gen(function*() {
          const storage = yield* EventStorage
          yield* appendAll("a1")
          const started = yield* Deferred.make<void>()
          const first = yield* Effect.fork(Effect.uninterruptible(
            Effect.zipRight(Deferred.succeed(started, void 0), storage.append(event("b1")))
          ))
          yield* Deferred.await(started)
          const second = yield* Effect.zipLeft(Effect.fork(storage.append(event("c1"))), Effect.yieldNow())
          yield* Fiber.interrupt(first)
          yield* leased()
          yield* acknowledge("a1")
          yield* Fiber.join(second)
          assert.deepStrictEqual(yield* leased(), ["c1"])
          assert.strictEqual(yield* size, 1)
        }).pipe(run({ bufferCapacity: 1, overflow: "suspend" })))

      it.effect("capacity and policy are those of the live settings", () =>
        Effect.gen(function*() {
          const config = yield* AmplitudeConfig
          yield* appendAll("a1", "b1", "c1")
          yield* config.update({ bufferCapacity: 2 })
          assert.deepStrictEqual(yield* appendAll("d1"), [["a1", "b1"]])
          yield* config.update({ overflow: "dropNewest" })
          assert.deepStrictEqual(yield* appendAll("e1"), [["e1"]])
        }).pipe(run({})))
    })

    it.effect("does as a model of arrays does", () => {
      type Action =
        | { readonly _tag: "append"; readonly lane: string }
        | { readonly _tag: "lease"; readonly count: number }
        | { readonly _tag: "acknowledge" | "release"; readonly from: number; readonly count: number }
      const part = { from: FastCheck.nat({ max: 50 }), count: FastCheck.integer({ min: 1, max: 4 }) }
      const action: FastCheck.Arbitrary<Action> = FastCheck.oneof(
        { weight: 4, arbitrary: FastCheck.constantFrom(..."abc").map((lane) => ({ _tag: "append" as const, lane })) },
        { weight: 2, arbitrary: part.count.map((count) => ({ _tag: "lease" as const, count })) },
        {
          weight: 3,
          arbitrary: FastCheck.record({
            _tag: FastCheck.constantFrom("acknowledge" as const, "release" as const),
            ...part
          })
        }
      )
      const capacity = 12
      const check = (actions: ReadonlyArray<Action>) =>
        Effect.gen(function*() {
          const storage = yield* EventStorage
          /** What is held, in the order of acceptance, and by which lease. */
          let held: Array<{ readonly id: string; readonly lane: string; lease: number | undefined }> = []
          let appended = 0
          const settled: Array<string> = []
          for (const [step, action] of actions.entries()) {
            switch (action._tag) {
              case "append": {
                const id = `${action.lane}${appended++}`
                held.push({ id, lane: action.lane, lease: undefined })
                const victim = held.length > capacity ? held.find(({ lease }) => lease === undefined) : undefined
                held = held.filter((entry) => entry !== victim)
                const dropped = idsOf(yield* storage.append(event(id)))
                assert.deepStrictEqual(dropped, victim === undefined ? [] : [victim.id])
                settled.push(...dropped)
                break
              }
              case "lease": {
                const busy = new Set(held.filter(({ lease }) => lease !== undefined).map(({ lane }) => lane))
                const available = held.filter(({ lane }) => !busy.has(lane))
                const ids = idsOf(yield* storage.lease({ ...all, count: action.count }))
                assert.strictEqual(ids.length, Math.min(action.count, available.length))
                for (const lane of byLane(ids)) {
                  const inLane = available.filter((entry) => entry.lane === lane[0]![0]).map(({ id }) => id)
                  assert.deepStrictEqual(lane, inLane.slice(0, lane.length))
                }
                const expected = available.filter(({ id }) => ids.includes(id))
                for (const entry of expected) entry.lease = step
                break
              }
              default: {
                const some = held.filter(({ lease }) => lease !== undefined)
                const chosen = some.slice(action.from % (some.length || 1)).slice(0, action.count)
                const ids = chosen.map(({ id }) => id)
                if (action._tag === "release") {
                  yield* storage.release(ids, { notBefore: 0, attempts: 1 })
                  for (const entry of chosen) entry.lease = undefined
                } else {
                  assert.deepStrictEqual(yield* storage.acknowledge(ids), ids)
                  held = held.filter((entry) => !chosen.includes(entry))
                  settled.push(...ids)
                }
              }
            }
            assert.strictEqual(yield* storage.size, held.length)
          }
          // nothing is lost: the rest comes out in order
          yield* storage.release(held.map(({ id }) => id), { notBefore: 0, attempts: 1 })
          const rest = idsOf(yield* storage.lease(all))
          assert.deepStrictEqual(byLane(rest), byLane(held.map(({ id }) => id)))
          assert.strictEqual(new Set([...settled, ...rest]).size, appended)
        }).pipe(run({ bufferCapacity: capacity }))
      return Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(
            FastCheck.array(action, { maxLength: 80, size: "max" }),
            (actions) => Effect.runPromise(check(actions))
          ),
          { seed: 20240101, numRuns: 300 }
        )
      )
    })
  })
}

describe("EventStorage", () => {
  contract("layerMemory", EventStorage.layerMemory)

  it.effect("layerMemory is neither shared nor durable, and each build is its own", () =>
    Effect.gen(function*() {
      const build = EventStorage.pipe(Effect.provide(Layer.fresh(EventStorage.layerMemory)))
      const one = yield* build
      const other = yield* build
      assert.isFalse(one.shared)
      assert.isFalse(one.durable)
      yield* one.append(event("a1"))
      assert.strictEqual(yield* other.size, 0)
    }).pipe(Effect.provide(AmplitudeConfig.layer({ apiKey: "key" }))))
})

describe("memory", () => {
  it.scoped("a caller who comes right when room is made does not overtake those who wait", () =>
    Effect.gen(function*() {
      const storage = Memory.make(
        yield* AmplitudeConfig.make({ apiKey: "a-key", bufferCapacity: 1, overflow: "suspend" })
      )
      const order: Array<string> = []
      const append = (id: string) =>
        Effect.tap(storage.append({ id, lane: id, json: "{}", attempts: 0 }), () => Effect.sync(() => order.push(id)))
      const next = Effect.gen(function*() {
        const events = yield* storage.lease({ count: 1, bytes: 1e6, ttl: Duration.seconds(1) })
        yield* storage.acknowledge(events.map(({ id }) => id))
      })
      yield* append("a")
      yield* Effect.forkScoped(append("b"))
      yield* Effect.forkScoped(append("c"))
      yield* TestClock.adjust(0)
      yield* Effect.forkScoped(Effect.zipRight(next, append("d")))
      yield* TestClock.adjust(0)
      yield* next
      yield* TestClock.adjust(0)
      yield* next
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(order, ["a", "b", "c", "d"])
    }))

  it.effect("a lane costs nothing once it is empty", () =>
    Effect.gen(function*() {
      // every map that the storage makes, to look into what it remembers
      const maps: Array<Map<unknown, unknown>> = []
      const NativeMap = globalThis.Map
      const config = yield* AmplitudeConfig.make({ apiKey: "a-key" })
      globalThis.Map = class<K, V> extends NativeMap<K, V> {
        constructor(entries?: Iterable<readonly [K, V]> | null) {
          super(entries ?? [])
          maps.push(this)
        }
      }
      const storage = Memory.make(config)
      globalThis.Map = NativeMap
      assert.isAbove(maps.length, 0)
      for (let index = 0; index < 3000; index++) {
        yield* storage.append({ id: String(index), lane: `lane-${index % 1000}`, json: "{}", attempts: 0 })
      }
      const lease = { count: 500, bytes: 1e6, ttl: Duration.seconds(1) }
      const paused = yield* storage.lease(lease)
      yield* storage.release(paused.map(({ id }) => id), { notBefore: 30_000, attempts: 1 })
      yield* TestClock.adjust("30 seconds")
      let handedOut = 0
      while (true) {
        const events = yield* storage.lease(lease)
        if (events.length === 0) break
        handedOut += events.length
        yield* storage.acknowledge(events.map(({ id }) => id))
      }
      assert.strictEqual(handedOut, 3000)
      assert.deepStrictEqual(maps.map(({ size }) => size), maps.map(() => 0))
    }))
})

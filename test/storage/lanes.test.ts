import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Effect, Option, TestClock } from "effect"
import * as Memory from "../../src/internal/storage/memory.js"
import { eventOf } from "./contract.js"

/** A storage, and every map that it makes, to look into what it remembers. */
const makeWatched = Effect.suspend(() => {
  const maps: Array<Map<unknown, unknown>> = []
  const NativeMap = globalThis.Map
  globalThis.Map = class<K, V> extends NativeMap<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries ?? [])
      maps.push(this)
    }
  }
  return Memory.make.pipe(
    Effect.map((storage) => ({ maps, storage })),
    Effect.ensuring(Effect.sync(() => {
      globalThis.Map = NativeMap
    }))
  )
})

const sizes = (maps: ReadonlyArray<Map<unknown, unknown>>): number => maps.reduce((sum, { size }) => sum + size, 0)

describe("the lanes of the storage in memory", () => {
  it.effect("cost nothing once they are empty", () =>
    Effect.gen(function*() {
      const { maps, storage } = yield* makeWatched
      for (let index = 0; index < 3000; index++) {
        yield* storage.append([eventOf(index, { lane: `lane-${index % 1000}` })], {
          capacity: 3000,
          whenFull: "refuse"
        })
      }
      const limits = { maxEvents: 500, maxBytes: 1_000_000 }
      // two leases at a time, and a pause: then the lane of each event has to be known
      yield* Effect.scoped(Effect.gen(function*() {
        const paused = Option.getOrThrow(yield* storage.lease(limits))
        yield* storage.lease(limits)
        yield* paused.release(paused.events, { notBefore: 30_000, attempts: 1, retries: 0 })
      }))
      assert.isAbove(Math.max(...maps.map(({ size }) => size)), 400)
      yield* TestClock.adjust("30 seconds")
      let handedOut = 0
      while ((yield* storage.count()) > 0) {
        yield* Effect.scoped(Effect.gen(function*() {
          const leases = Arr.getSomes([yield* storage.lease(limits), yield* storage.lease(limits)])
          for (const { acknowledge, events } of leases) {
            handedOut += events.length
            yield* acknowledge(events)
          }
        }))
      }
      assert.strictEqual(handedOut, 3000)
      assert.deepStrictEqual(maps.map(({ size }) => size), maps.map(() => 0))
    }))

  it.effect("are forgotten when there are many without events, while leases follow one another without a gap", () =>
    Effect.gen(function*() {
      const { maps, storage } = yield* makeWatched
      const limits = { maxEvents: 100, maxBytes: 1_000_000 }
      const append = (from: number, count: number) =>
        Effect.forEach(
          Arr.range(from, from + count - 1),
          (index) =>
            storage.append([eventOf(index, { lane: `lane-${index}` })], { capacity: 1000, whenFull: "refuse" }),
          { discard: true }
        )
      yield* append(0, 200)
      let largest = 0
      let before = Option.getOrThrow(yield* storage.lease(limits))
      for (let index = 200; index < 10_000; index += 100) {
        yield* append(index, 100)
        const next = Option.getOrThrow(yield* storage.lease(limits))
        assert.lengthOf(yield* before.acknowledge(before.events), 100)
        before = next
        largest = Math.max(largest, sizes(maps))
      }
      // of the lanes that are leased, and of as many as are kept for their next event
      assert.isAtMost(largest, 2000)
      assert.isAbove(largest, 200)
    }).pipe(Effect.scoped))
})

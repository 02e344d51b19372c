import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Effect, Option, TestClock } from "effect"
import * as Memory from "../../src/internal/storage/memory.js"
import { eventOf } from "./contract.js"

describe("the lanes of the storage in memory", () => {
  it.effect("cost nothing once they are empty", () =>
    Effect.gen(function*() {
      // every map that the storage makes, to check its size
      const maps: Array<Map<unknown, unknown>> = []
      const NativeMap = globalThis.Map
      globalThis.Map = class<K, V> extends NativeMap<K, V> {
        constructor(entries?: Iterable<readonly [K, V]> | null) {
          super(entries ?? [])
          maps.push(this)
        }
      }
      const storage = yield* Memory.make.pipe(Effect.ensuring(Effect.sync(() => {
        globalThis.Map = NativeMap
      })))
      assert.isAbove(maps.length, 0)
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
})

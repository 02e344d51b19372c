import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, TestClock } from "effect"
import * as PageStorage from "../../src/internal/browser/pageStorage.js"
import * as Memory from "../../src/internal/storage/memory.js"
import { eventOf, jsonOf, storageContract } from "../storage/contract.js"

const make = Effect.map(Memory.make, (storage) => PageStorage.make(storage, () => {}))

storageContract("the storage of a page", {
  clock: "test",
  wait: (millis) => TestClock.adjust(millis),
  durability: "exclusive",
  capacity: "exact",
  leaseDuration: undefined,
  make: Effect.map(make, (storage) => Effect.succeed({ storage, freeze: Effect.void, thaw: Effect.void })),
  runs: 100
})

describe("the list of events", () => {
  it.effect("has the events without an outcome, in their order, with their attempts and retries", () =>
    Effect.gen(function*() {
      const storage = yield* make
      const list = () => storage.events().map((event) => [jsonOf(event), event.attempts, event.retries])
      for (const sequence of [1, 2, 3, 4]) {
        yield* storage.append([eventOf(sequence, { json: `${sequence}` })], { capacity: 3, whenFull: "evictOldest" })
      }
      assert.deepStrictEqual(list(), [["2", 0, 0], ["3", 0, 0], ["4", 0, 0]])
      yield* Effect.scoped(Effect.gen(function*() {
        const lease = Option.getOrThrow(yield* storage.lease({ maxEvents: 2, maxBytes: 1000 }))
        yield* lease.acknowledge(lease.events.slice(1))
        yield* lease.release(lease.events, { notBefore: 0, attempts: 1, retries: 1 })
      }))
      assert.deepStrictEqual(list(), [["2", 1, 1], ["4", 0, 0]])
      yield* storage.evict({ keep: 1, from: "newest" })
      assert.deepStrictEqual(list(), [["2", 1, 1]])
    }))

  it.effect("does not have events that were refused", () =>
    Effect.gen(function*() {
      const storage = yield* make
      yield* storage.append([eventOf(1), eventOf(2)], { capacity: 1, whenFull: "refuse" })
      assert.deepStrictEqual(storage.events(), [])
    }))
})

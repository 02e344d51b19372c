import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, TestClock } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { eventOf, storageContract } from "./contract.js"

storageContract("EventStorage.layerMemory", {
  clock: "test",
  wait: (millis) => TestClock.adjust(millis),
  durability: "process",
  capacity: "exact",
  leaseDuration: undefined,
  make: Effect.map(
    Layer.build(Layer.fresh(EventStorage.layerMemory)),
    (context) => Effect.succeed({ storage: Context.get(context, EventStorage), freeze: Effect.void, thaw: Effect.void })
  ),
  runs: 300
})

describe("an event that waits for a pause", () => {
  it.scoped("and those behind it do not keep the buffer that they share with others", () =>
    Effect.gen(function*() {
      const storage = yield* Effect.provide(EventStorage, EventStorage.layerMemory)
      const buffer = new Uint8Array(64_000)
      const append = (sequence: number) => {
        const { buffer: json, ...event } = eventOf(sequence, { lane: "a" })
        buffer.set(json, sequence * 100)
        const place = { buffer, start: sequence * 100, end: sequence * 100 + json.length }
        return storage.append([{ ...event, ...place }], { capacity: 100, whenFull: "refuse" })
      }
      const limits = { maxEvents: 10, maxBytes: 1_000_000 }
      for (const sequence of [1, 2]) yield* append(sequence)
      yield* Effect.scoped(Effect.gen(function*() {
        const lease = Option.getOrThrow(yield* storage.lease(limits))
        yield* lease.release(lease.events.slice(0, 1), { notBefore: 60_000, attempts: 1, retries: 0 })
        yield* lease.release(lease.events.slice(1), { notBefore: 0, attempts: 1, retries: 0 })
      }))
      yield* append(3)
      assert.isTrue(Option.isNone(yield* storage.lease(limits)))
      yield* TestClock.adjust("1 minute")
      const { events } = Option.getOrThrow(yield* storage.lease(limits))
      assert.deepStrictEqual(events.map(({ sequence }) => sequence), [1, 2, 3])
      for (const { buffer, end, start } of events) assert.strictEqual(buffer.length, end - start)
    }))
})

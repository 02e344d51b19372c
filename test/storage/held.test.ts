import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Scope, TestClock } from "effect"
import { StorageError } from "effect-amplitude"
import * as Held from "../../src/internal/storage/held.js"
import { eventOf } from "./contract.js"

const items = [{ event: eventOf(1) }, { event: eventOf(2) }]
const events = items.map(({ event }) => event)
const lost = new StorageError({ operation: "acknowledge", message: "acknowledge: no answer" })

/** Acknowledges the events without an answer. */
const acknowledgeInVain = (held: Held.Held<Held.Item>) =>
  Effect.flip(Held.acknowledge(held, events, { remove: () => lost, areStored: () => Effect.succeed(() => true) }))

/** Acknowledges the events of a lease that the server does not know. `stored` are the sequences of stored events. */
const acknowledgeAgain = (held: Held.Held<Held.Item>, stored: ReadonlyArray<number>) =>
  Effect.map(
    Held.acknowledge(held, events, {
      remove: () => Effect.succeed(() => false),
      areStored: () => Effect.succeed(({ event }) => stored.includes(event.sequence))
    }),
    (ours) => ours.map(({ sequence }) => sequence)
  )

describe("the events of a lease whose acknowledge had no answer", () => {
  it.scoped("are ours if they are gone, and not if they are still stored", () =>
    Effect.gen(function*() {
      const held = Held.make("token", items, 1000)
      yield* acknowledgeInVain(held)
      assert.deepStrictEqual(yield* acknowledgeAgain(held, [2]), [1])
    }))

  it.scoped("are ours after an interruption as well", () =>
    Effect.gen(function*() {
      const held = Held.make("token", items, 1000)
      const isAsked = yield* Effect.makeLatch()
      const fiber = yield* Effect.fork(Held.acknowledge(held, events, {
        remove: () => Effect.zipRight(isAsked.open, Effect.never),
        areStored: () => Effect.succeed(() => true)
      }))
      yield* isAsked.await
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* acknowledgeAgain(held, [2]), [1])
    }))

  it.scoped("are ours if only the question for others had no answer", () =>
    Effect.gen(function*() {
      const held = Held.make("token", items, 1000)
      held.doubtful.add(items[1]!)
      yield* Effect.flip(Held.acknowledge(held, events, {
        remove: () => Effect.succeed(({ event }) => event.sequence === 1),
        areStored: () => lost
      }))
      assert.deepStrictEqual(yield* acknowledgeAgain(held, [2]), [1])
    }))

  it.scoped("are not ours if nobody has acknowledged them in vain", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* acknowledgeAgain(Held.make("token", items, 1000), []), [])
    }))

  for (const { isHeld, ours } of [{ isHeld: true, ours: [1, 2] }, { isHeld: false, ours: [] }]) {
    it.scoped(`are ${isHeld ? "" : "not "}ours after the first end of the lease if its renewals find it${isHeld ? "" : " gone"}`, () =>
      Effect.gen(function*() {
        const held = Held.make("token", items, 1000)
        yield* Held.keepAlive(held, 1000, yield* Scope.Scope, Effect.succeed(isHeld))
        yield* acknowledgeInVain(held)
        yield* TestClock.adjust("1100 millis")
        assert.deepStrictEqual(yield* acknowledgeAgain(held, []), ours)
      }))
  }
})

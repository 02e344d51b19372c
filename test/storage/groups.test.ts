import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import type { EventStorage } from "effect-amplitude"
import type { Appending } from "../../src/internal/storage/groups.js"
import * as Groups from "../../src/internal/storage/groups.js"
import { eventOf } from "./contract.js"

const accepted: EventStorage.AppendResult = { _tag: "Accepted", evicted: [] }
const options: EventStorage.AppendOptions = { capacity: 100, whenFull: "refuse" }

/** Appends whose groups wait until `commit` is called. */
const held = Effect.gen(function*() {
  const groups: Array<ReadonlyArray<Appending>> = []
  const goOn = Effect.unsafeMakeLatch(false)
  const append = yield* Groups.make((group) => {
    groups.push(group)
    return goOn.await
  })
  return {
    append: (sequence: number) => append([eventOf(sequence)], options),
    /** Waits until a group is under way. */
    begun: Effect.repeat(Effect.yieldNow(), { until: () => groups.length > 0 }),
    commit: (): void => {
      for (const appending of groups.shift()!) appending.end(Exit.succeed(accepted))
      goOn.unsafeOpen()
    }
  }
})

describe("an append that is interrupted", () => {
  it.scoped("leaves the group if it is not under way", () =>
    Effect.gen(function*() {
      const { append, begun, commit } = yield* held
      const first = yield* Effect.fork(append(1))
      yield* begun
      const second = yield* Effect.fork(append(2))
      yield* Effect.yieldNow()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(second)))
      commit()
      assert.deepStrictEqual(yield* Fiber.join(first), accepted)
    }))

  it.scoped("waits for the end of a group that is under way", () =>
    Effect.gen(function*() {
      const { append, begun, commit } = yield* held
      const fiber = yield* Effect.fork(append(1))
      yield* begun
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* Effect.yieldNow()
      assert.isNull(interruption.unsafePoll())
      commit()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interruption)))
    }))

  it.scoped("ends if the group has just ended", () =>
    Effect.gen(function*() {
      const { append, begun, commit } = yield* held
      const fiber = yield* Effect.fork(append(1))
      yield* begun
      commit()
      // the result is there, and the caller has not run yet
      fiber.unsafeInterruptAsFork(fiber.id())
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(fiber)))
    }), 5000)
})

import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Ref, Scheduler } from "effect"
import { uninterruptibleMask } from "../src/internal/uninterruptible.js"

const uninterruptible = <A, E, R>(effect: Effect.Effect<A, E, R>) => uninterruptibleMask(() => effect)

/** Whether the fiber can be interrupted where this effect runs. */
const isInterruptible = Effect.checkInterruptible((isInterruptible) => Effect.succeed(isInterruptible))

/** Gives way to other fibers once, after so many operations. */
const yieldAfter = (operations: number): Scheduler.Scheduler => {
  let count = 0
  return {
    shouldYield: () => count++ === operations ? 0 : false,
    scheduleTask: (task, priority) => Scheduler.defaultScheduler.scheduleTask(task, priority)
  }
}

describe("uninterruptibleMask", () => {
  it.effect("runs where the fiber cannot be interrupted, and the caller's region goes on after it", () =>
    Effect.gen(function*() {
      assert.isFalse(yield* uninterruptible(isInterruptible))
      assert.isTrue(yield* isInterruptible)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(uninterruptible(Effect.fail("no")))))
      assert.isTrue(yield* isInterruptible)
      assert.isFalse(yield* Effect.uninterruptible(uninterruptible(isInterruptible)))
    }))

  it.effect("restore makes a part interruptible only where the caller is", () =>
    Effect.gen(function*() {
      const restored = uninterruptibleMask((restore) => restore(isInterruptible))
      assert.isTrue(yield* restored)
      assert.isFalse(yield* Effect.uninterruptible(restored))
    }))

  it.effect("one within the other, and the same effect many times", () =>
    Effect.gen(function*() {
      const runs = yield* Ref.make(0)
      const once = uninterruptible(Ref.update(runs, (count) => count + 1))
      const nested = uninterruptible(Effect.zipRight(once, uninterruptible(once)))
      yield* Effect.all([nested, once, nested], { concurrency: "unbounded" })
      yield* nested
      assert.strictEqual(yield* Ref.get(runs), 7)
    }))

  it.effect("what is interrupted before it begins never begins, and nothing else begins in its place", () =>
    Effect.gen(function*() {
      const begun: Array<string> = []
      const step = (name: string) =>
        uninterruptibleMask(() => {
          begun.push(name)
          return Effect.void
        })
      const maxOperations = 12
      for (let operations = 0; operations < maxOperations; operations++) {
        const name = `${operations} operations`
        const victim = yield* Effect.fork(Effect.withScheduler(step(`victim: ${name}`), yieldAfter(operations)))
        yield* Effect.yieldNow()
        victim.unsafeInterruptAsFork(victim.id())
        yield* step(`other: ${name}`)
        yield* Fiber.await(victim)
      }
      const others = begun.filter((name) => name.startsWith("other"))
      assert.lengthOf(others, maxOperations)
      assert.isAbove(begun.length, maxOperations)
      assert.isBelow(begun.length, 2 * maxOperations)
      assert.lengthOf(new Set(begun), begun.length)
    }))

  it.effect("what has begun ends, and the interruption comes after it", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      let ended = false
      const fiber = yield* Effect.fork(
        uninterruptible(
          Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(gate)).pipe(
            Effect.andThen(() => {
              ended = true
            })
          )
        )
      )
      yield* Deferred.await(begun)
      fiber.unsafeInterruptAsFork(fiber.id())
      yield* Deferred.succeed(gate, undefined)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(fiber)))
      assert.isTrue(ended)
    }))

  it.effect("a defect on the way is one, and the next region is as ever", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(uninterruptibleMask((): Effect.Effect<void> => {
        throw new Error("no effect")
      }))
      assert.isTrue(Exit.isFailure(exit))
      assert.isFalse(yield* uninterruptible(isInterruptible))
      assert.isTrue(yield* isInterruptible)
    }))
})

import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, TestClock } from "effect"
import { StorageError } from "effect-amplitude"
import { within } from "../../src/internal/storage/within.js"

const bounded = within("lease", "10 seconds", "the server did not answer in time")

describe("the time that a storage gives its server", () => {
  it.effect("is not waited for where there is an answer", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* bounded(Effect.succeed(1)), 1)
      const error = new StorageError({ operation: "lease", message: "refused" })
      assert.strictEqual(yield* Effect.flip(bounded(Effect.fail(error))), error)
      assert.strictEqual(yield* bounded(Effect.as(Effect.yieldNow(), 2)), 2)
    }))

  it.effect("ends the waiting, also for what cannot be interrupted", () =>
    Effect.gen(function*() {
      for (const hanging of [Effect.never, Effect.uninterruptible(Effect.never)]) {
        const fiber = yield* Effect.fork(Effect.flip(bounded(hanging)))
        yield* TestClock.adjust("9999 millis")
        assert.isNull(fiber.unsafePoll())
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* Fiber.join(fiber)).message, "lease: the server did not answer in time")
      }
    }))

  it.effect("an interruption waits until the operation has ended, but not for long", () =>
    Effect.gen(function*() {
      const hasEnded = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(bounded(Effect.uninterruptible(Deferred.await(hasEnded))))
      yield* TestClock.adjust("1 second")
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("1 second")
      assert.isNull(interruption.unsafePoll())
      yield* Deferred.succeed(hasEnded, undefined)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(interruption)))

      const hanging = yield* Effect.fork(bounded(Effect.uninterruptible(Effect.never)))
      yield* TestClock.adjust("1 second")
      const given = yield* Effect.fork(Fiber.interrupt(hanging))
      yield* TestClock.adjust("4999 millis")
      assert.isNull(given.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.join(given)))
    }))
})

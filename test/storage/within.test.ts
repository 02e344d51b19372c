import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope, TestClock } from "effect"
import { StorageError } from "effect-amplitude"
import * as Within from "../../src/internal/storage/within.js"
import { countingClock } from "../support/countingClock.js"

const limited = Effect.map(
  Within.make("the server did not answer in time"),
  (within) => within("lease", "10 seconds")
)

describe("the time that a storage gives its server", () => {
  it.scoped("is not waited for where there is an answer", () =>
    Effect.gen(function*() {
      const bounded = yield* limited
      assert.strictEqual(yield* bounded(Effect.succeed(1)), 1)
      const error = new StorageError({ operation: "lease", message: "refused" })
      assert.strictEqual(yield* Effect.flip(bounded(Effect.fail(error))), error)
      assert.strictEqual(yield* bounded(Effect.as(Effect.yieldNow(), 2)), 2)
    }))

  it.scoped("ends the waiting, also for what cannot be interrupted", () =>
    Effect.gen(function*() {
      const bounded = yield* limited
      for (const hanging of [Effect.never, Effect.uninterruptible(Effect.never)]) {
        const fiber = yield* Effect.fork(Effect.flip(bounded(hanging)))
        yield* TestClock.adjust("9999 millis")
        assert.isNull(fiber.unsafePoll())
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* Fiber.join(fiber)).message, "lease: the server did not answer in time")
      }
    }))

  it.scoped("an interruption waits until the operation has ended, but not for long", () =>
    Effect.gen(function*() {
      const bounded = yield* limited
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

  it.scoped("takes one timer for all operations, and none for those that end at once", () =>
    Effect.gen(function*() {
      const bounded = yield* limited
      const { clock, sleeps } = yield* countingClock
      yield* Effect.withClock(
        Effect.gen(function*() {
          for (let count = 0; count < 5; count++) yield* bounded(Effect.void)
          yield* TestClock.adjust("1 millis")
          assert.strictEqual(sleeps.begun, 0)
          for (let count = 0; count < 5; count++) {
            const fiber = yield* Effect.fork(bounded(Effect.sleep("1 second")))
            yield* TestClock.adjust("1 second")
            assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
          }
          // five operations, and the timer
          assert.strictEqual(sleeps.begun, 6)
          const late = yield* Effect.fork(Effect.flip(bounded(Effect.never)))
          yield* TestClock.adjust("9999 millis")
          assert.isNull(late.unsafePoll())
          yield* TestClock.adjust("1 millis")
          assert.strictEqual((yield* Fiber.join(late)).operation, "lease")
        }),
        clock
      )
    }))

  it.effect("leaves no timer behind when the storage is closed, also for an operation that goes on", () =>
    Effect.gen(function*() {
      const { clock, sleeps } = yield* countingClock
      const scope = yield* Scope.make()
      const bounded = yield* Scope.extend(limited, scope)
      const hasEnded = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(Effect.withClock(bounded(Deferred.await(hasEnded)), clock))
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(sleeps.under, 1)
      yield* Deferred.succeed(hasEnded, undefined)
      yield* Fiber.join(fiber)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(sleeps.under, 0)
    }))
})

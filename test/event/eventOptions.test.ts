import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, FiberId, FiberRef } from "effect"
import { Amplitude } from "effect-amplitude"
import { eventOptions } from "../../src/internal/event/eventOptions.js"
import { interruptedAt } from "../support/interruptedAt.js"

const options = FiberRef.get(eventOptions)

const inner = { ip: "inner" }

const inOptions = Amplitude.withEventOptions(inner)

describe("withEventOptions", () => {
  it.effect("ends with the effect, and leaves its result as it is", () =>
    Effect.forEach(
      [Exit.succeed(1), Exit.fail("failure"), Exit.die("defect"), Exit.interrupt(FiberId.none)],
      (exit) =>
        Effect.gen(function*() {
          const inside = inOptions(Effect.zipRight(Effect.map(options, (found) => assert.include(found, inner)), exit))
          assert.deepStrictEqual(yield* Effect.exit(inside), exit)
          assert.isUndefined(yield* options)
        })
    ))

  it.live("ends with an effect that is interrupted before any of its operations", () =>
    Effect.gen(function*() {
      let interrupted = 0
      for (let operation = 1; operation <= 40; operation++) {
        const after: Array<unknown> = []
        const exit = yield* interruptedAt(
          Effect.onExit(
            inOptions(Effect.forEach([1, 2, 3], () => Effect.yieldNow())),
            () => Effect.map(options, (found) => after.push(found))
          ),
          operation
        )
        if (Exit.isInterrupted(exit)) interrupted++
        for (const found of after) assert.isUndefined(found, `operation ${operation}`)
      }
      assert.isAbove(interrupted, 10)
    }))

  it.effect("an effect is as interruptible inside as around it", () =>
    Effect.gen(function*() {
      const waiting = yield* Effect.fork(inOptions(Effect.never))
      yield* Effect.yieldNow()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(waiting)))
      const gate = yield* Deferred.make<void>()
      let hasPassed = false
      const held = yield* Effect.fork(Effect.uninterruptible(Effect.map(inOptions(Deferred.await(gate)), () => {
        hasPassed = true
      })))
      yield* Effect.yieldNow()
      yield* Fiber.interruptFork(held)
      yield* Effect.yieldNow()
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.await(held)
      assert.isTrue(hasPassed)
    }))
})

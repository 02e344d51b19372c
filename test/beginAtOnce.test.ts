import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Option } from "effect"
import { beginAtOnce, isExit } from "../src/internal/beginAtOnce.js"

/** What is left to run, and the result if there is one at once. */
const begin = (effect: () => Effect.Effect<unknown, unknown>) => {
  const rest = beginAtOnce(effect)
  const atOnce = isExit(rest)
    ? Exit.match(rest, {
      onFailure: (cause) => `failed: ${Cause.squash(cause)}`,
      onSuccess: (value) => `succeeded: ${value}`
    })
    : undefined
  return { rest, atOnce }
}

describe("beginAtOnce", () => {
  it("has the result of an effect that is done at its first steps", () => {
    assert.strictEqual(begin(() => Exit.succeed(1)).atOnce, "succeeded: 1")
    assert.strictEqual(begin(() => Effect.suspend(() => Exit.succeed(1))).atOnce, "succeeded: 1")
    assert.strictEqual(begin(() => Effect.suspend(() => Effect.suspend(() => Effect.fail("no")))).atOnce, "failed: no")
    assert.strictEqual(begin(() => Option.some(1)).atOnce, undefined)
  })

  it("dies where the effect throws", () => {
    const bug = () => {
      throw new Error("a bug")
    }
    assert.strictEqual(begin(bug).atOnce, "failed: Error: a bug")
    assert.strictEqual(begin(() => Effect.suspend(bug)).atOnce, "failed: Error: a bug")
  })

  it.effect("runs what is left of any other effect, each part once", () =>
    Effect.gen(function*() {
      const steps: Array<string> = []
      const step = (name: string) => Effect.sync(() => steps.push(name))
      const { atOnce, rest } = begin(() => {
        steps.push("begun")
        return Effect.suspend(() => {
          steps.push("suspended")
          return Effect.as(step("run"), 1)
        })
      })
      assert.strictEqual(atOnce, undefined)
      assert.deepStrictEqual(steps, ["begun", "suspended"])
      assert.strictEqual(yield* rest, 1)
      assert.deepStrictEqual(steps, ["begun", "suspended", "run"])
      const deferred = yield* Deferred.make<number>()
      const waiting = yield* Effect.fork(Effect.suspend(() => beginAtOnce(() => Deferred.await(deferred))))
      yield* Effect.yieldNow()
      yield* Deferred.succeed(deferred, 2)
      assert.strictEqual(yield* Fiber.join(waiting), 2)
      let register = 0
      const async = () =>
        Effect.async<number>((resume) => {
          register++
          resume(Exit.succeed(3))
        })
      assert.strictEqual(yield* Effect.suspend(() => beginAtOnce(async)), 3)
      assert.strictEqual(register, 1)
    }))

  it.effect("leaves an effect that stands for another one without end to the fiber", () =>
    Effect.gen(function*() {
      let steps = 0
      const endless: Effect.Effect<never> = Effect.suspend(() => {
        steps++
        return endless
      })
      const { rest } = begin(() => endless)
      assert.isAtMost(steps, 10)
      const fiber = yield* Effect.fork(rest)
      yield* Effect.yieldNow()
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
    }))
})

import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, TestClock } from "effect"
import { async } from "../../src/internal/transport/async.js"
import * as Deadlines from "../../src/internal/transport/deadlines.js"

const second = Duration.seconds(1)

const inASecond = <A, E>(effect: Effect.Effect<A, E>, deadlines = Deadlines.make()) =>
  deadlines.within(effect, second, () => "time up" as const)

describe("what begins and ends later", () => {
  it.effect("is its first exit, at once or later; any other is for nobody", () =>
    Effect.gen(function*() {
      const ends: Array<(exit: Exit.Exit<number>) => void> = []
      const beginning = (exit?: Exit.Exit<number>) =>
        Effect.fork(inASecond(async<number, never>((done) => {
          ends.push(done)
          if (exit !== undefined) done(exit)
          return () => {}
        })))
      const atOnce = yield* beginning(Exit.succeed(1))
      const later = yield* beginning()
      assert.strictEqual(yield* Fiber.join(atOnce), 1)
      yield* TestClock.adjust("1 millis")
      assert.isNull(later.unsafePoll())
      for (const number of [2, 3]) ends[1]!(Exit.succeed(number))
      ends[0]!(Exit.succeed(4))
      assert.strictEqual(yield* Fiber.join(later), 2)
    }))

  it.effect("that throws when it begins is a defect, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const deadlines = Deadlines.make()
      const error = new Error("no")
      const exit = yield* Effect.exit(inASecond(
        async(() => {
          throw error
        }),
        deadlines
      ))
      assert.isTrue(Exit.isFailure(exit))
      if (Exit.isFailure(exit)) assert.deepStrictEqual(Cause.squash(exit.cause), error)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* inASecond(Effect.succeed(1), deadlines), 1)
    }))

  it.effect("is cancelled once, when its time is up and when its caller is interrupted, and not when it has ended", () =>
    Effect.gen(function*() {
      const deadlines = Deadlines.make()
      const cancelled: Array<string> = []
      const beginning = (name: string, exit?: Exit.Exit<never>) =>
        Effect.fork(Effect.exit(inASecond(
          async<never, never>((done) => {
            if (exit !== undefined) done(exit)
            return () => {
              cancelled.push(name)
            }
          }),
          deadlines
        )))
      yield* beginning("ended", Exit.die("no"))
      const late = yield* beginning("late")
      yield* TestClock.adjust("500 millis")
      const interrupted = yield* beginning("interrupted")
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(yield* Fiber.join(late), Exit.fail("time up"))
      yield* Fiber.interrupt(interrupted)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(cancelled, ["late", "interrupted"])
    }))

  it.effect("is cancelled wherever its fiber is interrupted, once it has begun", () =>
    Effect.gen(function*() {
      for (let before = 0; before < 20; before++) {
        for (let turns = 0; turns < 6; turns++) {
          let underWay = 0
          const later = Array.from({ length: before }).reduce<Effect.Effect<void>>(
            (next) => Effect.zipRight(Effect.void, next),
            async<never, never>(() => {
              underWay++
              return () => {
                underWay--
              }
            })
          )
          const fiber = yield* Effect.fork(Effect.withMaxOpsBeforeYield(later, 20))
          for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow()
          yield* Fiber.interrupt(fiber)
          assert.strictEqual(underWay, 0, `${before} operations before, ${turns} turns after`)
        }
      }
    }))

  it.effect("whose cancelling throws harms no other", () =>
    Effect.gen(function*() {
      const deadlines = Deadlines.make()
      const stubborn = () =>
        Effect.fork(Effect.flip(inASecond(
          async<never, never>(() => () => {
            throw new Error("no")
          }),
          deadlines
        )))
      const fibers = [yield* stubborn(), yield* stubborn()]
      yield* TestClock.adjust("1 seconds")
      fibers.push(yield* stubborn())
      yield* TestClock.adjust("1 seconds")
      for (const fiber of fibers) assert.strictEqual(yield* Fiber.join(fiber), "time up")
    }))
})

import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, FiberRef, TestClock } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as WakefulClock from "../src/internal/wakefulClock.js"

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

/** A value that the fibers of a sleep hold. */
const ofSleep = FiberRef.unsafeMake<object>({})

describe("a clock whose sleeps can be ended early", () => {
  it.effect("forgets a sleep that it has ended", () =>
    Effect.gen(function*() {
      const test = yield* TestClock.testClock()
      // a clock whose timers are stopped
      const clock = WakefulClock.make(Object.assign(Object.create(test) as typeof test, { sleep: () => Effect.never }))
      const sleepAndWake = Effect.gen(function*() {
        const value = {}
        const fiber = yield* Effect.fork(Effect.locally(clock.sleep(Duration.seconds(1)), ofSleep, value))
        yield* TestClock.adjust("1 minute")
        clock.wakeOverdue(clock.unsafeCurrentTimeMillis())
        yield* Fiber.await(fiber)
        return new WeakRef(value)
      })
      const sleeper = yield* sleepAndWake
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      collectGarbage()
      assert.isUndefined(sleeper.deref())
      clock.wakeOverdue(clock.unsafeCurrentTimeMillis())
    }))

  it.effect("sleeps longer than a timer can", () =>
    Effect.gen(function*() {
      const test = yield* TestClock.testClock()
      const longest = Duration.millis(2 ** 31 - 1)
      // as Effect's own clock, whose longer sleeps never end
      const clock = WakefulClock.make(Object.assign(Object.create(test) as typeof test, {
        sleep: (duration: Duration.Duration) =>
          Duration.greaterThan(duration, longest) ? Effect.never : test.sleep(duration)
      }))
      const sleeping = yield* Effect.fork(clock.sleep(Duration.days(60)))
      const forever = yield* Effect.fork(clock.sleep(Duration.infinity))
      yield* TestClock.adjust(Duration.subtract(Duration.days(60), Duration.millis(1)))
      assert.isNull(sleeping.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.isNotNull(sleeping.unsafePoll())
      assert.isNull(forever.unsafePoll())
      yield* Fiber.interrupt(forever)
    }))
})

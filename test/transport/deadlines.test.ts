import { assert, describe, it } from "@effect/vitest"
import type { Clock } from "effect"
import { Deferred, Duration, Effect, Exit, Fiber, FiberRef, TestClock } from "effect"
import * as Deadlines from "../../src/internal/transport/deadlines.js"

const second = Duration.seconds(1)

const within = <A, E>(deadlines: Deadlines.Deadlines, effect: Effect.Effect<A, E>, duration: Duration.Duration) =>
  deadlines.within(effect, duration, () => "time up" as const)

const inASecond = <A, E>(effect: Effect.Effect<A, E>, deadlines = Deadlines.make()) => within(deadlines, effect, second)

/** A clock that counts the running sleeps. */
const countingClock = Effect.map(Effect.clock, (clock) => {
  let sleeping = 0
  const sleep: Clock.Clock["sleep"] = (duration) =>
    Effect.acquireUseRelease(
      Effect.sync(() => sleeping++),
      () => clock.sleep(duration),
      () => Effect.sync(() => sleeping--)
    )
  return { sleeping: () => sleeping, clock: Object.assign(Object.create(clock) as Clock.Clock, { sleep }) }
})

describe("a deadline", () => {
  it.effect("is the effect itself", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* inASecond(Effect.succeed(1)), 1)
      assert.deepStrictEqual(yield* Effect.exit(inASecond(Effect.fail("no"))), Exit.fail("no"))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(inASecond(Effect.die("no")))))
    }))

  it.effect("is one timer for all, and none where nothing is under way", () =>
    Effect.gen(function*() {
      const { clock, sleeping } = yield* countingClock
      const deadlines = Deadlines.make()
      const gate = yield* Deferred.make<void>()
      const done = yield* Effect.fork(Effect.withClock(inASecond(Deferred.await(gate), deadlines), clock))
      yield* TestClock.adjust("1 millis")
      const interrupted = yield* Effect.fork(Effect.withClock(inASecond(Effect.never, deadlines), clock))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(sleeping(), 1)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(done)
      yield* Fiber.interrupt(interrupted)
      yield* deadlines.rest
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(sleeping(), 0)
    }))

  it.effect("is kept by each of many, whichever comes first", () =>
    Effect.gen(function*() {
      const deadlines = Deadlines.make()
      const ends: Array<number> = []
      const limits = [5, 9, 2, 7, 2, 30]
      for (const seconds of limits) {
        yield* Effect.fork(
          within(deadlines, Effect.never, Duration.seconds(seconds)).pipe(
            Effect.flip,
            Effect.zipRight(Effect.clockWith((clock) => clock.currentTimeMillis)),
            Effect.map((now) => ends.push(now))
          )
        )
        yield* TestClock.adjust("1 seconds")
      }
      yield* TestClock.adjust("1 minutes")
      assert.deepStrictEqual(
        ends,
        limits.map((seconds, started) => (started + seconds) * 1000).toSorted((one, other) => one - other)
      )
    }))

  it.effect("is kept whatever is done to the clock of the wall", () =>
    Effect.gen(function*() {
      const clock = yield* Effect.clock
      const hour = 3_600_000
      for (const step of [-hour, hour]) {
        let moved = 0
        const wall: Clock.Clock = Object.assign(Object.create(clock) as Clock.Clock, {
          unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + moved,
          unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos()
        })
        const deadlines = Deadlines.make()
        const limited = Effect.withClock(Effect.flip(inASecond(Effect.never, deadlines)), wall)
        const first = yield* Effect.fork(limited)
        yield* TestClock.adjust("100 millis")
        moved = step
        const second = yield* Effect.fork(limited)
        yield* TestClock.adjust("900 millis")
        assert.strictEqual(yield* Fiber.join(first), "time up")
        assert.isNull(second.unsafePoll())
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(yield* Fiber.join(second), "time up")
      }
    }))

  it.effect("of many that begin at any moment is kept, wherever their fibers yield", () =>
    Effect.gen(function*() {
      for (let before = 0; before < 40; before++) {
        const deadlines = Deadlines.make()
        const later = (millis: number) =>
          Array.from({ length: before }).reduce<Effect.Effect<string, void>>(
            (next) => Effect.zipRight(Effect.void, next),
            Effect.flip(within(deadlines, Effect.never, Duration.millis(millis)))
          )
        const fibers = yield* Effect.forEach(
          [9, 3, 1, 7],
          (millis) => Effect.fork(Effect.withMaxOpsBeforeYield(later(millis), 40))
        )
        yield* TestClock.adjust("10 millis")
        for (const fiber of fibers) assert.strictEqual(yield* Fiber.join(fiber), "time up")
      }
    }), 30_000)

  it.effect("is kept after a rest as before", () =>
    Effect.gen(function*() {
      const deadlines = Deadlines.make()
      assert.strictEqual(yield* inASecond(Effect.succeed(1), deadlines), 1)
      yield* deadlines.rest
      const late = yield* Effect.fork(Effect.flip(inASecond(Effect.never, deadlines)))
      yield* TestClock.adjust("999 millis")
      assert.isNull(late.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(late), "time up")
    }))

  it.effect("takes its time up to the limit, and not longer", () =>
    Effect.gen(function*() {
      const inTime = yield* Effect.fork(inASecond(Effect.as(Effect.sleep("999 millis"), "done")))
      const late = yield* Effect.fork(Effect.flip(inASecond(Effect.sleep("1001 millis"))))
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(yield* Fiber.join(inTime), "done")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(late), "time up")
    }))

  it.effect("interrupts what is late, and does not wait for what cannot be interrupted", () =>
    Effect.gen(function*() {
      const interrupted = yield* Deferred.make<void>()
      const late = yield* Effect.fork(
        Effect.flip(inASecond(Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))))
      )
      const stubborn = yield* Effect.fork(Effect.flip(inASecond(Effect.uninterruptible(Effect.never))))
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(yield* Fiber.join(late), "time up")
      yield* Deferred.await(interrupted)
      assert.strictEqual(yield* Fiber.join(stubborn), "time up")
    }))

  it.effect("interrupted, it interrupts the effect and waits for nothing", () =>
    Effect.gen(function*() {
      const interrupted = yield* Deferred.make<void>()
      const waiting = yield* Effect.fork(
        inASecond(Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined)))
      )
      const stubborn = yield* Effect.fork(inASecond(Effect.uninterruptible(Effect.never)))
      yield* Effect.yieldNow()
      yield* TestClock.adjust("1 millis")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(waiting)))
      yield* Deferred.await(interrupted)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(stubborn)))
    }))

  it.effect("interrupted at any moment, also before it waits, it leaves nothing running", () =>
    Effect.gen(function*() {
      for (let before = 0; before < 40; before++) {
        for (let turns = 0; turns < 8; turns++) {
          let running = 0
          const deadlines = Deadlines.make()
          const effect = Effect.acquireUseRelease(
            Effect.sync(() => running++),
            () => Effect.never,
            () => Effect.sync(() => running--)
          )
          // so many operations before it moves the moment at which its fiber yields
          const later = Array.from({ length: before }).reduce<Effect.Effect<void, string>>(
            (next) => Effect.zipRight(Effect.void, next),
            inASecond(effect, deadlines)
          )
          const waiting = yield* Effect.fork(Effect.withMaxOpsBeforeYield(later, 40))
          for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow()
          yield* Fiber.interrupt(waiting)
          yield* deadlines.rest
          for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow()
          assert.strictEqual(running, 0, `${before} operations before, ${turns} turns after`)
        }
      }
    }))

  it.effect("runs in the context of who waits", () =>
    Effect.gen(function*() {
      const ref = FiberRef.unsafeMake("outside")
      assert.strictEqual(yield* Effect.locally(inASecond(FiberRef.get(ref)), ref, "inside"), "inside")
    }))
})

/** A caller that never suspends must not block the event loop: its events leave meanwhile. */
import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { Effect, Exit, Fiber, ManagedRuntime, Runtime, Scheduler, TestClock } from "effect"
import { Amplitude, AmplitudeTest, Recorder } from "effect-amplitude"
import * as Turns from "../../src/internal/intake/fairness.js"
import { scenario, trackMany, typesOf } from "../support/scripted.js"

const turn = Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** How often the event loop turns while an effect runs. */
const turnsDuring = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    let turns = 0
    const counting = yield* Effect.fork(Effect.forever(Effect.tap(turn, () => turns++)))
    yield* effect
    yield* Fiber.interrupt(counting)
    return turns
  })

const event = { event_type: "tracked", user_id: "user-12345" }

describe("a loop of track", () => {
  it.scoped("lets the event loop turn, whatever the overflow policy", () =>
    Effect.forEach(
      ["dropOldest", "dropNewest", "fail", "suspend"] as const,
      (overflow) =>
        Effect.scoped(Effect.gen(function*() {
          const { client } = yield* scenario(() => 200, { overflow, bufferCapacity: 2000 })
          const turns = yield* turnsDuring(trackMany(client, 1000))
          assert.isAtLeast(turns, 8)
        }))
    ))

  it.scoped("does so where the buffer is full, too", () =>
    Effect.forEach(["dropOldest", "dropNewest", "fail"] as const, (overflow) =>
      Effect.scoped(Effect.gen(function*() {
        const { client } = yield* scenario(() => Effect.never, { overflow, bufferCapacity: 10, shutdownTimeout: 0 })
        assert.isAtLeast(yield* turnsDuring(trackMany(client, 1000)), 4)
      }))))

  it.scoped("does so where no event is taken, too", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200)
      const opted = yield* scenario(() => 200, { optOut: true })
      const invalid = client.track({ event_type: "of nobody" })
      assert.isAtLeast(yield* turnsDuring(Effect.repeatN(invalid, 1000)), 4)
      assert.isAtLeast(yield* turnsDuring(trackMany(opted.client, 1000)), 4)
    }))

  it.scoped("of many fibers does so, too", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200)
      const track = (index: number) => client.track({ event_type: String(index), user_id: "user-12345" })
      const indices = Array.from({ length: 5000 }, (_, index) => index)
      const turns = yield* turnsDuring(Effect.forEach(indices, track, { concurrency: 50, discard: true }))
      assert.isAtLeast(turns, 20)
    }))

  it.scoped("sends before it is over", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => Effect.as(turn, 200), { flushQueueSize: 100 })
      yield* trackMany(client, 1000)
      assert.isAtLeast(requests.length, 5)
    }))

  it.scoped("loses no event of a buffer that is smaller than the loop is long", () =>
    Effect.gen(function*() {
      const { client, reports, requests } = yield* scenario(() => 200, { flushQueueSize: 50, bufferCapacity: 200 })
      yield* trackMany(client, 5000)
      yield* client.flush
      assert.deepStrictEqual(
        requests.flatMap(({ events }) => typesOf(events)),
        Array.from({ length: 5000 }, (_, index) => String(index + 1))
      )
      assert.strictEqual(reports.length, 5000)
    }))

  it.scoped("keeps what it had tracked when it is interrupted", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 200)
      let tracked = 0
      const loop = yield* Effect.fork(Effect.forever(Effect.suspend(() => {
        tracked++
        return client.track(event)
      })))
      yield* Effect.repeatN(turn, 5)
      yield* Fiber.interrupt(loop)
      yield* client.flush
      assert.isAtLeast(tracked, 100)
      assert.strictEqual(reports.length, tracked)
    }))
})

describe("turns of the event loop", () => {
  /** How many events a caller that never waits by itself has taken before each of its turns. */
  const periods = (turns: Turns.Fairness, count: number) =>
    Effect.gen(function*() {
      const periods: Array<number> = []
      let events = 0
      while (periods.length < count) {
        events++
        const next = turns.next()
        if (next !== Exit.void) {
          yield* next
          periods.push(events)
          events = 0
        }
      }
      return periods
    })

  it.effect("become rarer, up to one for 800 events, while nothing leaves in them", () =>
    Effect.gen(function*() {
      const turns = Turns.make()
      assert.deepStrictEqual(yield* periods(turns, 10), [100, 75, 113, 169, 254, 380, 570, 800, 800, 800])
      turns.onLease()
      assert.deepStrictEqual(yield* periods(turns, 2), [50, 75])
    }))
})

describe("a wait for a turn that never comes", () => {
  // as on Cloudflare Workers, which stops the timers of a request when the request is over
  it.scoped("ends with a later call", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 200)
      const stopped = vi.spyOn(globalThis, "setImmediate").mockImplementation((() => ({})) as never)
      // fakes of another name are known as such
      Object.defineProperty(globalThis.setImmediate, "name", { value: "setImmediate" })
      yield* Effect.addFinalizer(() => Effect.sync(() => stopped.mockRestore()))
      const loop = yield* Effect.fork(trackMany(client, 300))
      yield* TestClock.adjust("500 millis")
      assert.isNull(loop.unsafePoll())
      stopped.mockRestore()
      yield* TestClock.adjust("1 second")
      yield* client.track(event)
      yield* Fiber.join(loop)
      yield* client.flush
      assert.strictEqual(reports.length, 301)
    }))
})

describe("a caller does not wait for the event loop", () => {
  it.scoped("where it turns by itself before 50 events are tracked", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200)
      const fork = Runtime.runFork(yield* Effect.runtime<never>())
      for (let burst = 0; burst < 40; burst++) {
        for (let index = 0; index < 49; index++) {
          assert.deepStrictEqual(fork(client.track(event)).unsafePoll(), Exit.void)
        }
        yield* turn
      }
    }))

  it("where it runs an effect with runSync", async () => {
    const runtime = ManagedRuntime.make(AmplitudeTest)
    await runtime.runPromise(Effect.void)
    for (let index = 0; index < 200; index++) runtime.runSync(Amplitude.track(event))
    runtime.runSync(Effect.repeatN(Amplitude.track(event), 200))
    assert.strictEqual(runtime.runSync(Recorder.events).length, 401)
    await runtime.dispose()
  })

  it.scoped("where so many others do already", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario(() => 200)
      const fork = Runtime.runFork(yield* Effect.runtime<never>())
      const fibers = Array.from({ length: 1000 }, () => fork(client.track(event)))
      const waiting = fibers.filter((fiber) => fiber.unsafePoll() === null)
      assert.isAtMost(waiting.length, 120)
      yield* Fiber.joinAll(waiting)
    }))
})

describe("where the platform has other timers, or none", () => {
  /** How many of 200 calls wait, and whether they go on. */
  const waitingOf200 = Effect.gen(function*() {
    const turns = Turns.make()
    const fork = Runtime.runFork(yield* Effect.runtime<never>())
    const fibers = Array.from({ length: 200 }, () => fork(turns.next()))
    const waiting = fibers.filter((fiber) => fiber.unsafePoll() === null)
    yield* Fiber.joinAll(waiting)
    return waiting.length
  })

  afterEach(() => void vi.unstubAllGlobals())

  it.effect("a caller waits for a timer where there is no setImmediate", () => {
    vi.stubGlobal("setImmediate", undefined)
    return Effect.map(waitingOf200, (waiting) => assert.isAtLeast(waiting, 1))
  })

  it.effect("a timer is called as a platform asks for that looks at its receiver", () => {
    const real = setImmediate
    vi.stubGlobal("setImmediate", function setImmediate(this: unknown, task: () => void) {
      if (this !== undefined && this !== globalThis) throw new TypeError("Illegal invocation")
      return real(task)
    })
    return Effect.map(waitingOf200, (waiting) => assert.isAtLeast(waiting, 1))
  })

  it.effect("nobody waits where timers are not allowed", () => {
    vi.stubGlobal("setImmediate", function setImmediate() {
      throw new Error("not in this place")
    })
    return Effect.map(waitingOf200, (waiting) => assert.strictEqual(waiting, 0))
  })

  it("nobody waits whose effect is run step by step", () => {
    const scheduler = new Scheduler.ControlledScheduler()
    const turns = Turns.make()
    const loop = Effect.repeatN(Effect.suspend(turns.next), 1000)
    const fiber = Effect.runFork(loop, { scheduler })
    for (let steps = 0; steps < 2000 && fiber.unsafePoll() === null; steps++) scheduler.step()
    assert.deepStrictEqual(fiber.unsafePoll(), Exit.void)
  })
})

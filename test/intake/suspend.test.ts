/**
 * Callers that wait for room, with the memory storage and with a decorated one. At any interleaving, an event is
 * accepted and has its outcome, or it is not in the storage, and nobody waits while there is room.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Layer, Option, Scheduler, TestClock } from "effect"
import type { DeliveryReport } from "effect-amplitude"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Plugin, Transport } from "effect-amplitude"
import { typesOf } from "../support/scripted.js"

type Wrap = (storage: EventStorage.Service) => EventStorage.Service

/** A client whose buffer has one place, which is taken by an event that leaves when it is flushed. */
const full = (wrap: Wrap, options: Partial<AmplitudeConfig.Options> = {}) =>
  Effect.gen(function*() {
    const reports: Array<DeliveryReport.DeliveryReport> = []
    const sent: Array<string> = []
    const storage = Layer.effect(EventStorage, Effect.map(EventStorage, wrap))
    const context = yield* Layer.build(
      Amplitude.layerServices.pipe(
        Layer.provideMerge(Layer.provide(storage, EventStorage.layerMemory)),
        Layer.provide([
          Layer.succeed(Transport, {
            send: ({ body }) =>
              Effect.sync(() => {
                sent.push(...typesOf((JSON.parse(new TextDecoder().decode(body)) as { readonly events: [] }).events))
                return { status: 200, headers: {}, body: "" }
              })
          }),
          AmplitudeLogger.layerNone
        ]),
        Layer.provide(AmplitudeConfig.layer({
          apiKey: "a-secret-key",
          overflow: "suspend",
          bufferCapacity: 1,
          flushInterval: "1 hour",
          shutdownTimeout: 0,
          callback: (report) => Effect.sync(() => reports.push(report)),
          ...options
        }))
      )
    )
    const client = Context.get(context, Amplitude)
    yield* client.trackOrFail(event("first"))
    return { client, reports, sent, waiting: Context.get(context, EventStorage).count() }
  })

const event = (name: string) => ({ event_type: name, user_id: "user-12345" })

/**
 * Gives an effect that is paused before its operation with this number, if it has that many, and an effect that resumes
 * it.
 */
const heldAt = <A, E>(effect: Effect.Effect<A, E>, operation: number) => {
  const base = new Scheduler.MixedScheduler(2048)
  const held: Array<() => void> = []
  let operations = 0
  let isHolding = false
  let isOver = false
  const scheduler: Scheduler.Scheduler = {
    shouldYield: () => {
      if (isOver || ++operations !== operation) return false
      isHolding = true
      return 0
    },
    scheduleTask: (task, priority) => {
      if (isHolding) held.push(task)
      else base.scheduleTask(task, priority)
    }
  }
  const goOn = Effect.sync(() => {
    isOver = true
    isHolding = false
    for (const task of held.splice(0)) task()
  })
  return [Effect.withScheduler(effect, scheduler), goOn] as const
}

const settled = TestClock.adjust(0)

/** More operations than a waiting call has. */
const operations = Array.from({ length: 45 }, (_, index) => index + 1)

const storages: ReadonlyArray<readonly [string, Wrap]> = [
  ["the storage in memory", (storage) => storage],
  [
    "a storage that wraps it",
    (storage) => ({ ...storage, append: (events, options) => storage.append(events, options) })
  ]
]

for (const [name, wrap] of storages) {
  describe(`a caller that waits for room in ${name}`, () => {
    it.scoped("is refused when the client closes, at whatever moment", () =>
      Effect.forEach(operations, (operation) =>
        Effect.scoped(Effect.gen(function*() {
          const { client, reports, sent, waiting } = yield* full(wrap)
          const [tracked, goOn] = heldAt(Effect.flip(client.trackOrFail(event("second"))), operation)
          const caller = yield* Effect.fork(tracked)
          yield* settled
          const closing = yield* Effect.fork(client.shutdown)
          yield* settled
          yield* goOn
          assert.strictEqual((yield* Fiber.join(caller))._tag, "AmplitudeClosed", `operation ${operation}`)
          yield* Fiber.join(closing)
          assert.strictEqual(yield* waiting, 0)
          assert.deepStrictEqual(sent, [])
          assert.deepStrictEqual(typesOf(reports.map(({ event }) => event)), ["first"])
        })), { discard: true }))

    it.scoped("leaves nothing behind when it is interrupted, at whatever moment", () =>
      Effect.forEach(operations, (operation) =>
        Effect.scoped(Effect.gen(function*() {
          const { client, reports, sent, waiting } = yield* full(wrap)
          const [tracked, goOn] = heldAt(client.trackOrFail(event("second")), operation)
          const caller = yield* Effect.fork(tracked)
          yield* settled
          caller.unsafeInterruptAsFork(caller.id())
          yield* goOn
          const exit = yield* Fiber.await(caller)
          assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
          yield* client.flush
          assert.strictEqual(yield* waiting, 0, `operation ${operation}`)
          yield* client.trackOrFail(event("third"))
          yield* client.flush
          assert.deepStrictEqual(sent, ["first", "third"])
          assert.deepStrictEqual(typesOf(reports.map(({ event }) => event)), sent)
        })), { discard: true }))

    it.scoped("which is interrupted in the moment in which there is room has its event accepted, or not", () =>
      Effect.gen(function*() {
        let caller: Fiber.RuntimeFiber<unknown, unknown> | undefined
        const { client, reports, sent, waiting } = yield* full((storage) => {
          const wrapped = wrap(storage)
          return {
            ...wrapped,
            lease: (options) =>
              Effect.map(
                wrapped.lease(options),
                Option.map((lease): EventStorage.Lease => ({
                  ...lease,
                  acknowledge: (events, options) =>
                    Effect.suspend(() => {
                      caller?.unsafeInterruptAsFork(caller.id())
                      caller = undefined
                      return lease.acknowledge(events, options)
                    })
                }))
              )
          }
        })
        caller = yield* Effect.fork(client.trackOrFail(event("second")))
        const second = caller
        yield* settled
        yield* client.flush
        yield* Fiber.await(second)
        const third = yield* Effect.fork(client.trackOrFail(event("third")))
        yield* settled
        yield* client.flush
        yield* Fiber.join(third)
        yield* client.flush
        assert.strictEqual(yield* waiting, 0)
        assert.deepStrictEqual(sent.filter((name) => name !== "second"), ["first", "third"])
        assert.deepStrictEqual(typesOf(reports.map(({ event }) => event)), sent)
      }))

    it.scoped(
      "is not overtaken when there is more room, at whatever moment",
      () =>
        Effect.forEach(operations, (operation) =>
          Effect.scoped(Effect.gen(function*() {
            const { client, sent } = yield* full(wrap)
            const second = yield* Effect.fork(client.trackOrFail(event("second")))
            yield* settled
            const [updated, goOn] = heldAt(client.updateConfig({ bufferCapacity: 2 }), operation)
            const update = yield* Effect.fork(updated)
            yield* settled
            const third = yield* Effect.fork(client.trackOrFail(event("third")))
            yield* settled
            yield* goOn
            yield* Fiber.join(update)
            yield* settled
            yield* client.flush
            yield* Fiber.joinAll([second, third])
            yield* client.flush
            assert.deepStrictEqual(sent, ["first", "second", "third"], `operation ${operation}`)
          })), { discard: true }),
      60_000
    )

    it.scoped("R22: tracks several events in parts when the buffer has become smaller than they are together", () =>
      Effect.gen(function*() {
        const { client, sent } = yield* full(wrap, { bufferCapacity: 5 })
        const names = ["1", "2", "3", "4", "5"]
        const several = yield* Effect.fork(client.trackAll(names.map(event)))
        yield* settled
        const last = yield* Effect.fork(client.track(event("last")))
        yield* settled
        yield* client.updateConfig({ bufferCapacity: 2 })
        for (let flushes = 0; flushes < 5; flushes++) {
          yield* client.flush
          yield* settled
        }
        yield* Fiber.joinAll([several, last])
        assert.deepStrictEqual(sent, ["first", ...names, "last"])
      }))

    it.scoped("does not wait where the policy has changed on its way", () =>
      Effect.gen(function*() {
        const gate = yield* Effect.makeLatch(true)
        const { client, reports } = yield* full(wrap)
        yield* client.add(Plugin.enrichment("gate", (event) => Effect.as(gate.await, event)))
        yield* gate.close
        const caller = yield* Effect.fork(client.trackOrFail(event("second")))
        yield* settled
        yield* client.updateConfig({ overflow: "dropOldest" })
        yield* gate.open
        yield* Fiber.join(caller)
        yield* client.flush
        assert.deepStrictEqual(
          reports.map((report) => [report.event.event_type, report._tag === "Dropped" ? report.reason : report._tag]),
          [["first", "BufferFull"], ["second", "Delivered"]]
        )
      }))
  })
}

describe("a storage that answers later for the first time when it is full", () => {
  it.scoped("R8: lets the caller wait, who can be interrupted", () =>
    Effect.gen(function*() {
      const laterWhenFull: Wrap = (storage) => ({
        ...storage,
        append: (events, options) =>
          Effect.suspend(() => {
            const result = Effect.runSync(storage.append(events, options))
            const answer = Effect.succeed(result)
            return result._tag === "Refused" ? Effect.zipRight(Effect.yieldNow(), answer) : answer
          })
      })
      const { client, sent } = yield* full(laterWhenFull)
      const waiting = yield* Effect.fork(client.track(event("second")))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.poll(waiting)))
      yield* Fiber.interruptFork(waiting)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isSome(yield* Fiber.poll(waiting)))
      yield* client.flush
      assert.deepStrictEqual(sent, ["first"])
    }))
})

it.scoped("R17: trackAndWait can be interrupted while it waits for room, also in an uninterruptible region", () =>
  Effect.gen(function*() {
    const { client, sent, waiting } = yield* full((storage) => storage)
    const caller = yield* Effect.fork(Effect.uninterruptible(client.trackAndWait(event("second"))))
    yield* TestClock.adjust("1 second")
    assert.isTrue(Option.isNone(yield* Fiber.poll(caller)))
    yield* Fiber.interruptFork(caller)
    yield* TestClock.adjust("1 second")
    assert.isTrue(Option.isSome(yield* Fiber.poll(caller)))
    assert.strictEqual(yield* waiting, 1)
    yield* client.flush
    assert.deepStrictEqual(sent, ["first"])
  }))

it.scoped("R17: trackAndWait can be interrupted while a slow storage takes its event, and does not wait for the outcome then", () =>
  Effect.gen(function*() {
    const taken = yield* Effect.makeLatch()
    yield* taken.open
    const slow: Wrap = (storage) => ({
      ...storage,
      append: (events, options) => Effect.zipRight(taken.await, storage.append(events, options))
    })
    const { client, waiting } = yield* full(slow, { bufferCapacity: 10 })
    yield* taken.close
    const caller = yield* Effect.fork(client.trackAndWait(event("second")))
    yield* TestClock.adjust("1 second")
    yield* Fiber.interruptFork(caller)
    yield* TestClock.adjust("1 second")
    assert.isTrue(Option.isNone(yield* Fiber.poll(caller)))
    yield* taken.open
    yield* TestClock.adjust("1 second")
    assert.isTrue(Option.isSome(yield* Fiber.poll(caller)))
    assert.strictEqual(yield* waiting, 2)
  }))

/** `flush` and `shutdown` with storages, transports, plugins and callbacks that hang, fail or die. */
import { assert, describe, it } from "@effect/vitest"
import type { Duration } from "effect"
import { Array as Arr, Deferred, Effect, Exit, Fiber, Layer, Option, Scope, Stream, TestClock } from "effect"
import type { DeliveryReport } from "effect-amplitude"
import {
  Amplitude,
  AmplitudeConfig,
  AmplitudeLogger,
  AmplitudeTest,
  EventStorage,
  Plugin,
  Recorder,
  StorageError,
  Transport
} from "effect-amplitude"
import { countingClock } from "../support/countingClock.js"
import { scenario, trackMany } from "../support/scripted.js"

const outcomes = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>) =>
  reports.map((report) => report._tag === "Dropped" ? report.reason : "Delivered")

/** A client whose services are partly the user's own. */
const clientOver = (services: {
  readonly storage?: (storage: EventStorage.Service) => Partial<EventStorage.Service>
  readonly logger?: AmplitudeLogger.Service
  readonly send?: Transport.Service["send"]
  readonly shutdownTimeout?: Duration.DurationInput
  readonly reports: Array<DeliveryReport.DeliveryReport>
}) => {
  const storage = Layer.effect(
    EventStorage,
    Effect.map(EventStorage, (storage) => ({ ...storage, ...services.storage?.(storage) }))
  )
  const layer = Amplitude.layerServices.pipe(
    Layer.provide([
      Layer.provide(storage, EventStorage.layerMemory),
      Layer.succeed(Transport, {
        send: services.send ?? (() => Effect.succeed({ status: 200, headers: {}, body: "" }))
      }),
      Layer.succeed(AmplitudeLogger, services.logger ?? { log: () => Effect.void })
    ]),
    Layer.provide(AmplitudeConfig.layer({
      apiKey: "a-secret-key",
      shutdownTimeout: services.shutdownTimeout,
      callback: (report) => Effect.sync(() => services.reports.push(report))
    }))
  )
  return Effect.flatMap(Layer.build(layer), (context) => Effect.provide(Amplitude, context))
}

const click = { event_type: "Button Clicked", user_id: "user-12345" }

describe("flush", () => {
  it.scoped("against a hung server is bounded by the caller's timeout, and the next one works", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario((_, index) => index < 3 ? Effect.never : 200)
      yield* trackMany(client, 2)
      const first = yield* Effect.fork(Effect.timeoutOption(client.flush, "1 second"))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(first))._tag, "None")
      const second = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(second)
      assert.deepStrictEqual(outcomes(reports), ["Delivered", "Delivered"])
    }))

  it.scoped("waits for outcomes, and not for a storage that never counts its events", () =>
    Effect.gen(function*() {
      const reports: Array<DeliveryReport.DeliveryReport> = []
      const client = yield* clientOver({
        reports,
        storage: () => ({ durability: "shared", changes: Stream.never, count: () => Effect.never }),
        send: () => Effect.delay(Effect.succeed({ status: 200, headers: {}, body: "" }), "1 second")
      })
      yield* client.track(click)
      const flushing = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(flushing)
      assert.deepStrictEqual(outcomes(reports), ["Delivered"])
    }))
})

describe("R17: in a finalizer", () => {
  it.effect(
    "of an interrupted fiber, flush completes when the events have their outcome",
    () =>
      Effect.gen(function*() {
        const client = yield* Amplitude
        const begun = yield* Deferred.make<void>()
        const last = Effect.zipRight(client.track("Clicked", {}, { user_id: "user-12345" }), client.flush)
        const fiber = yield* Effect.fork(
          Effect.ensuring(Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never), last)
        )
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(outcomes(yield* Recorder.reports), ["Delivered"])
      }).pipe(Effect.provide(AmplitudeTest)),
    10_000
  )
})

describe("R17: against a hung server, a caller's timeout in a finalizer bounds", () => {
  const hung = scenario(() => Effect.never, { shutdownTimeout: "1 hour", requestTimeout: "1 day" })

  for (
    const [name, call] of [
      ["flush", ({ flush }) => flush],
      ["shutdown", ({ shutdown }) => shutdown],
      ["trackAndWait", ({ trackAndWait }) => trackAndWait(click)]
    ] as ReadonlyArray<readonly [string, (client: Amplitude.Client) => Effect.Effect<unknown, unknown>]>
  ) {
    for (
      const [how, end] of [["succeeds", Effect.void], ["fails", Effect.fail("no")], [
        "is interrupted",
        undefined
      ]] as const
    ) {
      it.effect(`${name} of a fiber that ${how}`, () =>
        Effect.gen(function*() {
          const scope = yield* Scope.make()
          const { client } = yield* Scope.extend(hung, scope)
          yield* client.track(click)
          const mayEnd = yield* Deferred.make<void, string>()
          const fiber = yield* Effect.fork(
            Effect.ensuring(Deferred.await(mayEnd), Effect.ignore(Effect.timeout(call(client), "1 second")))
          )
          yield* TestClock.adjust(0)
          yield* end === undefined ? Fiber.interruptFork(fiber) : Deferred.complete(mayEnd, end)
          yield* TestClock.adjust("999 millis")
          assert.isNull(fiber.unsafePoll())
          yield* TestClock.adjust("1 millis")
          assert.isNotNull(fiber.unsafePoll())
          const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
          yield* TestClock.adjust("1 hour")
          yield* Fiber.join(closing)
        }))
    }
  }
})

describe("R17: flush leaves no timer behind", () => {
  it.scoped("when it is done, and when it is given up", () =>
    Effect.gen(function*() {
      const { clock, sleeps } = yield* countingClock
      yield* Effect.gen(function*() {
        const answered = yield* Deferred.make<number>()
        const { client } = yield* scenario(() => Deferred.await(answered), {
          flushQueueSize: 2,
          requestTimeout: "1 hour",
          shutdownTimeout: 0
        })
        yield* trackMany(client, 2)
        yield* TestClock.adjust(0)
        const before = sleeps.under
        const givenUp = yield* Effect.fork(Effect.timeout(client.flush, "1 second"))
        yield* TestClock.adjust("1 second")
        yield* Fiber.await(givenUp)
        assert.strictEqual(sleeps.under, before)
        yield* Deferred.succeed(answered, 200)
        yield* client.flush
        yield* client.flush
        yield* TestClock.adjust(0)
        assert.strictEqual(sleeps.under, 0)
      }).pipe(Effect.withClock(clock))
    }))
})

describe("shutdown", () => {
  it.effect("races with tracks: each event has one outcome", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { client, reports } = yield* Scope.extend(scenario(() => 200, { flushQueueSize: 7 }), scope)
      const trackers = yield* Effect.forEach(
        Array.from({ length: 20 }),
        (_, fiber) =>
          Effect.fork(Effect.forEach(
            Array.from({ length: 50 }),
            (_, index) =>
              Effect.zipRight(
                client.track({ event_type: `${fiber}-${index}`, user_id: `user-${fiber}` }),
                Effect.yieldNow()
              ),
            { discard: true }
          ))
      )
      yield* Effect.yieldNow()
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.joinAll(trackers)
      yield* TestClock.adjust(0)
      assert.strictEqual(reports.length, 1000)
      assert.strictEqual(new Set(reports.map(({ event }) => event.event_type)).size, 1000)
      assert.isTrue(outcomes(reports).every((outcome) => outcome === "Delivered" || outcome === "Closed"))
    }))

  it.effect("comes with the interruption of the program, and delivers", () =>
    Effect.gen(function*() {
      const reports: Array<DeliveryReport.DeliveryReport> = []
      const program = yield* Effect.fork(Effect.scoped(Effect.gen(function*() {
        const client = yield* clientOver({ reports })
        yield* client.track(click)
        return yield* Effect.never
      })))
      yield* TestClock.adjust(0)
      yield* Fiber.interrupt(program)
      assert.deepStrictEqual(outcomes(reports), ["Delivered"])
    }))

  it.effect("can be called from inside a callback", () =>
    Effect.gen(function*() {
      const shutdown = yield* Deferred.make<Effect.Effect<void>>()
      const over = yield* Deferred.make<void>()
      const { client } = yield* scenario(() => 200, {
        callback: () => Effect.zipRight(Effect.flatten(Deferred.await(shutdown)), Deferred.succeed(over, undefined))
      })
      yield* Deferred.succeed(shutdown, client.shutdown)
      yield* trackMany(client, 1)
      yield* client.flush
      yield* Deferred.await(over)
    }).pipe(Effect.scoped))
})

for (const make of [Plugin.before, Plugin.enrichment]) {
  const { _tag } = make("", Effect.succeed)

  describe(`shutdown inside a plugin of the kind ${_tag}`, () => {
    /** Plugins of this kind: the first one tracks an event, and the second one shuts the client down. */
    const nested = (client: Amplitude.Client) => [
      make("tracks", (event) => Effect.as(client.track({ ...click, event_type: "inner" }), event)),
      make(
        "ends",
        (event) =>
          Effect.as(event.event_type === "inner" ? Effect.timeout(client.shutdown, "1 hour") : Effect.void, event)
      )
    ]

    it.scoped("R17: waits for the outcomes alone, and not for the calls that it is part of", () =>
      Effect.gen(function*() {
        const { client, reports } = yield* scenario(() => 200)
        yield* client.track({ ...click, event_type: "before" })
        yield* Effect.forEach(nested(client), client.add)
        yield* client.track({ ...click, event_type: "outer" })
        yield* client.shutdown
        assert.deepStrictEqual(
          reports.map((report) => [report.event.event_type, report._tag === "Dropped" ? report.reason : report._tag]),
          [["before", "Delivered"], ["inner", "Closed"], ["outer", "Closed"]]
        )
      }))

    it.scoped("waits for the calls of other fibers", () =>
      Effect.gen(function*() {
        const { client, reports } = yield* scenario(() => 200)
        yield* client.add(make("slow", (event) =>
          event.event_type === "slow" ? Effect.delay(Effect.succeed(event), "1 second") : Effect.succeed(event)))
        yield* Effect.forEach(nested(client), client.add)
        const slow = yield* Effect.fork(client.track({ ...click, event_type: "slow" }))
        yield* TestClock.adjust(0)
        const caller = yield* Effect.fork(client.track({ ...click, event_type: "outer" }))
        yield* TestClock.adjust("1 second")
        yield* Fiber.joinAll([slow, caller])
        assert.deepStrictEqual(
          outcomes(reports.filter(({ event }) =>
            event.event_type === "slow"
          )),
          ["Delivered"]
        )
      }))
  })
}

describe("a track inside a slow plugin when shutdown begins", () => {
  const slow = (shutdownTimeout: Duration.DurationInput) =>
    Effect.gen(function*() {
      const { client, reports } = yield* scenario(() => 200, {
        shutdownTimeout,
        plugins: [Plugin.before("slow", (event) => Effect.delay(Effect.succeed(event), "3 seconds"))]
      })
      const caller = yield* Effect.fork(client.track(click))
      yield* TestClock.adjust("1 second")
      const closing = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust(0)
      // one that begins later is refused at once
      yield* client.track({ ...click, event_type: "late" })
      return { caller, closing, reports }
    })

  const outcomesByType = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>) =>
    reports.map((report) => [report.event.event_type, report._tag === "Dropped" ? report.reason : report._tag])

  it.scoped("is waited for, and its event is delivered", () =>
    Effect.gen(function*() {
      const { caller, closing, reports } = yield* slow("5 seconds")
      yield* TestClock.adjust("1 second")
      assert.isNull(closing.unsafePoll())
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll([caller, closing])
      assert.deepStrictEqual(outcomesByType(reports), [["late", "Closed"], ["Button Clicked", "Delivered"]])
    }))

  it.scoped("is waited for no longer than shutdownTimeout, and its event is refused", () =>
    Effect.gen(function*() {
      const { caller, closing, reports } = yield* slow("1 second")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.isNull(caller.unsafePoll())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(caller)
      assert.deepStrictEqual(outcomesByType(reports), [["late", "Closed"], ["Button Clicked", "Closed"]])
    }))
})

describe("shutdown with a durable storage", () => {
  for (const shutdownTimeout of ["10 seconds", 0] as const) {
    it.scoped(`leaves what it could not deliver stored, and nobody waiting (shutdownTimeout ${shutdownTimeout})`, () =>
      Effect.gen(function*() {
        const reports: Array<DeliveryReport.DeliveryReport> = []
        let stored: EventStorage.Service | undefined
        const client = yield* clientOver({
          reports,
          shutdownTimeout,
          send: () => Effect.succeed({ status: 503, headers: {}, body: "" }),
          storage: (storage) => {
            stored = storage
            return { durability: "exclusive" as const }
          }
        })
        const waiting = yield* Effect.fork(Effect.flip(client.trackAndWait(click)))
        const flushing = yield* Effect.fork(client.flush)
        yield* TestClock.adjust(0)
        const closing = yield* Effect.fork(client.shutdown)
        yield* TestClock.adjust("20 seconds")
        yield* Fiber.joinAll([flushing, closing])
        const error = yield* Fiber.join(waiting)
        assert.isTrue(error._tag === "DeliveryError" && error.reason === "Stored" && error.report === undefined)
        yield* client.flush
        assert.deepStrictEqual(reports, [])
        // and it is free for the next process
        const lease = yield* stored!.lease({ maxEvents: 10, maxBytes: 1e6, includePaused: true })
        assert.strictEqual(Option.getOrThrow(lease).events.length, 1)
      }))
  }
})

describe("a client that was built uninterruptibly", () => {
  it.scoped("ends at once all the same", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* Effect.uninterruptible(scenario(() => 200))
      yield* client.track({ event_type: "" })
      yield* client.track(click)
      yield* client.shutdown
      assert.deepStrictEqual(outcomes(reports), ["Invalid", "Delivered"])
    }))
})

describe("shutdown in a callback", () => {
  it.scoped("beside another one, is not waited for by itself", () =>
    Effect.gen(function*() {
      const shutdown = yield* Deferred.make<Effect.Effect<void>>()
      const { client } = yield* scenario(() => 200, { callback: () => Effect.flatten(Deferred.await(shutdown)) })
      yield* Deferred.succeed(shutdown, client.shutdown)
      yield* trackMany(client, 2)
      yield* client.shutdown
    }))

  it.scoped("does not keep another one from waiting for the callbacks", () =>
    Effect.gen(function*() {
      const shutdown = yield* Deferred.make<Effect.Effect<void>>()
      let called = 0
      const { client } = yield* scenario(() => 200, {
        callback: () =>
          Effect.zipRight(
            Effect.sleep("1 second"),
            Effect.suspend(() => ++called === 1 ? Effect.flatten(Deferred.await(shutdown)) : Effect.void)
          )
      })
      yield* Deferred.succeed(shutdown, client.shutdown)
      yield* trackMany(client, 3)
      yield* Effect.fork(client.flush)
      yield* TestClock.adjust("1 second")
      const outer = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.poll(outer))._tag, "None")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(outer)
      assert.strictEqual(called, 3)
    }))
})

describe("a storage that is just taking an event when the client closes", () => {
  const slow = (duration: Duration.DurationInput, reports: Array<DeliveryReport.DeliveryReport>) =>
    clientOver({
      reports,
      storage: (storage) => ({ append: (events, options) => Effect.delay(storage.append(events, options), duration) }),
      shutdownTimeout: 0
    })

  it.scoped("is waited for: the event has its outcome", () =>
    Effect.gen(function*() {
      const reports: Array<DeliveryReport.DeliveryReport> = []
      const client = yield* slow("900 millis", reports)
      const caller = yield* Effect.fork(client.trackOrFail(click))
      yield* TestClock.adjust(0)
      const closing = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll([closing, caller])
      assert.deepStrictEqual(outcomes(reports), ["Shutdown"])
    }))

  it.scoped("does not hold up the end for more than a second", () =>
    Effect.gen(function*() {
      const client = yield* slow("1 hour", [])
      const caller = yield* Effect.fork(client.track(click))
      yield* TestClock.adjust(0)
      const closing = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.isNull(caller.unsafePoll())
      yield* TestClock.adjust("1 hour")
    }))
})

describe("flush under suspend", () => {
  it.scoped("waits for what is accepted, not for callers who wait for room", () =>
    Effect.gen(function*() {
      const { client, requests } = yield* scenario(() => 200, { bufferCapacity: 2, overflow: "suspend" })
      yield* trackMany(client, 2)
      const third = yield* Effect.fork(client.trackOrFail({ event_type: "3", user_id: "user-12345" }))
      yield* TestClock.adjust(0)
      yield* client.flush
      yield* Fiber.join(third)
      assert.strictEqual(requests.length, 1)
      yield* client.flush
      assert.strictEqual(requests.length, 2)
    }))
})

describe("a storage of the user's that knows no more than the contract", () => {
  it.scoped("paused events have their outcome at shutdown too", () =>
    Effect.gen(function*() {
      const reports: Array<DeliveryReport.DeliveryReport> = []
      let answered = 0
      const client = yield* clientOver({
        reports,
        send: () =>
          Effect.sync(() => ({
            status: answered++ === 0 ? 429 : 200,
            headers: {},
            body: JSON.stringify({ throttled_users: { "user-12345": 40 } })
          })),
        shutdownTimeout: "1 second",
        storage: (storage) => ({
          lease: ({ includePaused: _includePaused, ...options }) => storage.lease(options)
        })
      })
      yield* client.track(click)
      yield* Effect.fork(client.flush)
      yield* TestClock.adjust(0)
      const closing = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(outcomes(reports), ["Shutdown"])
    }))
})

describe("services of the user's that fail", () => {
  it.scoped("a storage that fails, dies or throws at append: a typed failure, or a report", () =>
    Effect.gen(function*() {
      for (
        const append of [
          () => Effect.fail(new StorageError({ message: "disk full" })),
          () => Effect.die("a bug"),
          () => {
            throw new Error("a bug")
          }
        ] as ReadonlyArray<EventStorage.Service["append"]>
      ) {
        const reports: Array<DeliveryReport.DeliveryReport> = []
        const client = yield* clientOver({ reports, storage: () => ({ append }) })
        assert.strictEqual((yield* Effect.flip(client.trackOrFail(click)))._tag, "StorageError")
        assert.strictEqual((yield* Effect.flip(client.trackAndWait(click)))._tag, "StorageError")
        yield* client.track(click)
        yield* client.trackAll([click, click])
        yield* client.flush
        yield* TestClock.adjust(0)
        assert.deepStrictEqual(outcomes(reports), ["Storage", "Storage", "Storage"])
      }
    }))

  it.scoped("a storage that fails for a while loses nothing and reports nothing twice", () =>
    Effect.gen(function*() {
      const reports: Array<DeliveryReport.DeliveryReport> = []
      let calls = 0
      const flaky = <A, R>(effect: Effect.Effect<A, StorageError, R>): Effect.Effect<A, StorageError, R> =>
        Effect.suspend(() =>
          ++calls % 3 === 0 ? effect : calls % 2 === 0 ? Effect.die("a bug") : Effect.fail(new StorageError({}))
        )
      const client = yield* clientOver({
        reports,
        storage: (storage) => ({
          lease: (options) =>
            Effect.map(
              flaky(storage.lease(options)),
              Option.map((lease): EventStorage.Lease => ({
                ...lease,
                acknowledge: (events, options) => flaky(lease.acknowledge(events, options)),
                release: (events, options) => flaky(lease.release(events, options))
              }))
            )
        })
      })
      yield* trackMany(client, 10)
      const flush = yield* Effect.fork(client.flush)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(flush)
      assert.strictEqual(reports.length, 10)
      assert.isTrue(outcomes(reports).every((outcome) => outcome === "Delivered"))
      calls = 2
    }))

  for (
    const [how, log] of [
      ["dies", () => Effect.die("a bug")],
      ["throws", () => {
        throw new Error("a bug")
      }],
      ["hangs", () => Effect.never]
    ] as ReadonlyArray<readonly [string, AmplitudeLogger.Service["log"]]>
  ) {
    it.scoped(`a logger that ${how} holds up nobody`, () =>
      Effect.gen(function*() {
        const reports: Array<DeliveryReport.DeliveryReport> = []
        const client = yield* clientOver({ reports, logger: { log } })
        yield* client.track({ event_type: "" })
        yield* client.track(click)
        yield* client.flush
        const closing = yield* Effect.fork(client.shutdown)
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(closing)
        assert.deepStrictEqual(outcomes(reports), ["Invalid", "Delivered"])
      }))
  }
})

describe("a storage of the user's over the one in memory", () => {
  const mapped = (f: (event: EventStorage.EncodedEvent) => object) => (storage: EventStorage.Service) => ({
    lease: (options: EventStorage.LeaseOptions) =>
      Effect.map(
        storage.lease(options),
        Option.map((lease): EventStorage.Lease => ({
          ...lease,
          events: Arr.map(lease.events, (event) => f(event) as EventStorage.EncodedEvent)
        }))
      )
  })

  const counted = (calls: Array<string>) => (storage: EventStorage.Service): Partial<EventStorage.Service> => ({
    append: (events, options) => {
      calls.push("append")
      return storage.append(events, options)
    },
    lease: (options) =>
      Effect.map(
        storage.lease(options),
        Option.map((lease): EventStorage.Lease => ({
          ...lease,
          acknowledge: (events, options) => {
            calls.push("acknowledge")
            return lease.acknowledge(events, options)
          }
        }))
      )
  })

  const withFields: ReadonlyArray<readonly [string, (event: EventStorage.EncodedEvent) => object]> = [
    ["bytes of its own", ({ buffer, end, start, ...event }) => ({
      ...event,
      buffer: buffer.slice(start, end),
      start: 0,
      end: end - start
    })],
    ["a bigint", (event) => ({ ...event, bytes: BigInt(event.end), numberIn: 1 })],
    ["zeros", (event) => ({ ...event, bytes: 0, page: null, lease: null })]
  ]
  for (const [name, f] of withFields) {
    it.scoped(`may hand out records with ${name}`, () =>
      Effect.gen(function*() {
        const reports: Array<DeliveryReport.DeliveryReport> = []
        const client = yield* clientOver({ reports, storage: mapped(f) })
        yield* trackMany(client, 3)
        yield* client.flush
        assert.deepStrictEqual(outcomes(reports), ["Delivered", "Delivered", "Delivered"])
      }))
  }

  it.scoped("is asked about every event, whichever of its methods are its own", () =>
    Effect.gen(function*() {
      for (const names of [["append"], ["lease"], ["append", "lease"]] as const) {
        const calls: Array<string> = []
        const reports: Array<DeliveryReport.DeliveryReport> = []
        const client = yield* clientOver({
          reports,
          storage: (storage) => {
            const all = counted(calls)(storage)
            return Object.fromEntries(names.map((name) => [name, all[name]]))
          }
        })
        yield* trackMany(client, 2)
        yield* client.flush
        assert.deepStrictEqual(outcomes(reports), ["Delivered", "Delivered"])
        assert.deepStrictEqual(calls, [
          ...names.includes("append" as never) ? ["append", "append"] : [],
          ...names.includes("lease" as never) ? ["acknowledge"] : []
        ])
      }
    }))
})

describe("an append that fails", () => {
  const failure = Effect.fail(new StorageError({ operation: "append", message: "no answer" }))

  it.scoped("after the storage has taken the event has one outcome, and flush waits for the others only", () =>
    Effect.gen(function*() {
      const reports: Array<DeliveryReport.DeliveryReport> = []
      let appends = 0
      const client = yield* clientOver({
        reports,
        storage: ({ append }) => ({
          append: (events, options) =>
            Effect.flatMap(append(events, options), (result) => ++appends === 1 ? failure : Effect.succeed(result))
        })
      })
      yield* client.track(click)
      yield* client.track({ ...click, event_type: "Button Released" })
      yield* client.flush
      yield* client.flush
      assert.deepStrictEqual(
        reports.map(({ event }) => event.event_type),
        ["Button Clicked", "Button Released"]
      )
      assert.deepStrictEqual(outcomes(reports), ["Storage", "Delivered"])
    }))

  it.scoped("after the shutdown has the outcome that shutdown has given to the event", () =>
    Effect.gen(function*() {
      const reports: Array<DeliveryReport.DeliveryReport> = []
      const mayAnswer = yield* Deferred.make<void>()
      const client = yield* clientOver({
        reports,
        storage: () => ({ append: () => Effect.zipRight(Deferred.await(mayAnswer), failure) }),
        shutdownTimeout: "2 seconds"
      })
      const calls = yield* Effect.fork(
        Effect.all([client.track(click), client.trackOrFail(click), Effect.exit(client.trackAndWait(click))], {
          concurrency: "unbounded"
        })
      )
      yield* TestClock.adjust(0)
      const shutdown = yield* Effect.fork(client.shutdown)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(shutdown)
      yield* Deferred.succeed(mayAnswer, undefined)
      const [, , awaited] = yield* Fiber.join(calls)
      assert.isTrue(Exit.isFailure(awaited))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(outcomes(reports), ["Shutdown", "Shutdown", "Shutdown"])
    }))
})

describe("a storage whose leases answer with other objects for the same events", () => {
  it.scoped("has a report for each event that it still held", () =>
    Effect.gen(function*() {
      const reports: Array<DeliveryReport.DeliveryReport> = []
      const client = yield* clientOver({
        reports,
        storage: ({ lease }) => ({
          lease: (options) =>
            Effect.map(
              lease(options),
              Option.map((leased) => ({
                ...leased,
                acknowledge: (events) =>
                  Effect.map(leased.acknowledge(events.slice(0, 1)), Arr.map((event) => ({ ...event })))
              }))
            )
        })
      })
      yield* client.track(click)
      yield* client.track(click)
      yield* client.flush
      assert.deepStrictEqual(outcomes(reports), ["Delivered"])
    }))
})

/**
 * No fault of a transport, a tracer or a user's value between lease and settlement makes the client resend for ever.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schedule, TestClock, Tracer } from "effect"
import type { DeliveryReport } from "effect-amplitude"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import { trackMany } from "../support/scripted.js"

const retries = 2

/** A client over a transport, and its reports. */
const clientOver = (
  send: (client: () => Amplitude.Client, request: Transport.Request, index: number) => unknown,
  options: Partial<AmplitudeConfig.Options> = {}
) =>
  Effect.gen(function*() {
    const reports: Array<DeliveryReport.DeliveryReport> = []
    const lines: Array<string> = []
    const times: Array<number> = []
    const context: { client?: Amplitude.Client } = {}
    const transport = {
      send: (request: Transport.Request) =>
        Effect.clockWith((clock) => {
          times.push(clock.unsafeCurrentTimeMillis())
          return send(() => context.client!, request, times.length - 1) as Effect.Effect<Transport.Answer>
        })
    }
    const services = yield* Layer.build(Amplitude.layerServices.pipe(
      Layer.provide([
        EventStorage.layerMemory,
        Layer.succeed(Transport, transport),
        Layer.succeed(AmplitudeLogger, {
          log: (level, message) => Effect.sync(() => lines.push(`${level.label} ${message}`))
        })
      ]),
      Layer.provide(AmplitudeConfig.layer({
        apiKey: "a-secret-key",
        flushMaxRetries: retries,
        retrySchedule: Schedule.spaced("1 second"),
        shutdownTimeout: 0,
        callback: (report) => Effect.sync(() => reports.push(report)),
        ...options
      }))
    ))
    context.client = yield* Effect.provide(Amplitude, services)
    return { client: context.client, reports, lines, times }
  })

/** Flushes, with time for every retry. */
const flushed = (client: Amplitude.Client) =>
  Effect.gen(function*() {
    const flush = yield* Effect.fork(client.flush)
    yield* TestClock.adjust("1 hour")
    yield* Fiber.join(flush)
  })

const outcomes = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>) =>
  reports.map((report) => [report._tag === "Dropped" ? report.reason : report._tag, report.code, report.attempts])

const answer = (status: number, body: unknown = "", headers: unknown = {}) =>
  Effect.succeed({ status, headers, body: typeof body === "string" ? body : JSON.stringify(body) })

const throwing = (name: string): object =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new Error("a getter throws")
    }
  })

describe("an answer", () => {
  it.scoped(
    "of any number of fields is decided",
    () =>
      Effect.gen(function*() {
        // as many arguments overflow the stack of a call
        const fields = Array.from({ length: 130_000 }, (_, index) => `"${index}":[${index % 2}]`).join()
        const body = `{"code":400,"error":"Invalid","events_with_invalid_fields":{${fields}}}`
        const { client, reports, times } = yield* clientOver(() => answer(400, body))
        yield* trackMany(client, 2)
        yield* flushed(client)
        assert.deepStrictEqual(outcomes(reports), [["Rejected", 400, 1], ["Rejected", 400, 1]])
        assert.strictEqual(times.length, 1)
      }),
    60_000
  )

  it.scoped.each(
    [
      ["a number", { "retry-after": 60 }, 60_000],
      ["an array", { "retry-after": ["60", "1"] }, 60_000],
      ["a getter that throws", throwing("retry-after"), 1000],
      ["of headers that cannot be read", Proxy.revocable({}, {}).proxy, 1000]
    ] as const
  )(
    "whose Retry-After is %s counts one retry, and is waited for where it can be read",
    ([, headers, wait]) =>
      Effect.gen(function*() {
        const { client, reports, times } = yield* clientOver((_client, _request, index) =>
          index === 0 ? answer(503, "", headers) : answer(200)
        )
        yield* trackMany(client, 1)
        yield* flushed(client)
        assert.deepStrictEqual(outcomes(reports), [["Delivered", 200, 2]])
        assert.deepStrictEqual(times, [0, wait])
      })
  )

  it.scoped.each(
    [
      ["a transport that fails with a text", () => Effect.fail("refused"), "the transport failed: refused"],
      ["a transport that fails with null", () => Effect.fail(null), "the transport failed: no reason given"],
      ["a transport that fails with undefined", () => Effect.fail(undefined), "the transport failed: no reason given"],
      ["a transport that dies", () => Effect.die(new Error("a bug")), "the transport died"],
      ["a transport that throws", () => {
        throw new Error("a bug")
      }, "the transport died"],
      [
        "a status that cannot be read",
        () => Effect.succeed(throwing("status")),
        "the transport gave an answer that cannot be read"
      ],
      ["nothing", () => Effect.void, "the transport gave an answer that cannot be read"],
      ["an error that cannot be read", () => Effect.fail(throwing("message")), "the transport failed: no reason given"],
      ["no body", () => Effect.succeed({ status: 400, headers: {} }), "the transport gave no answer of its type"]
    ] as const
  )(
    "that does not come, but for %s, counts one retry, then RetriesExhausted",
    ([, send, message]) =>
      Effect.gen(function*() {
        const { client, reports, times } = yield* clientOver(send)
        yield* trackMany(client, 2)
        yield* flushed(client)
        assert.deepStrictEqual(outcomes(reports), [["RetriesExhausted", 0, 3], ["RetriesExhausted", 0, 3]])
        assert.deepStrictEqual(reports.map((report) => report.message), [message, message])
        assert.deepStrictEqual(times, [0, 1000, 2000])
      })
  )

  it.scoped("that is changed after it was given is the one that was given", () =>
    Effect.gen(function*() {
      let reads = 0
      const { client, reports } = yield* clientOver(() =>
        Effect.succeed(Object.defineProperty({ headers: {}, body: "" }, "status", {
          enumerable: true,
          get: () => reads++ === 0 ? 200 : 500
        }))
      )
      yield* trackMany(client, 1)
      yield* flushed(client)
      assert.deepStrictEqual(outcomes(reports), [["Delivered", 200, 1]])
    }))
})

describe("a tracer", () => {
  const fails = (): never => {
    throw new Error("a tracer throws")
  }

  const span: Tracer.Span = {
    _tag: "Span",
    spanId: "span",
    traceId: "trace",
    name: "amplitude.send",
    parent: Tracer.externalSpan({ spanId: "no", traceId: "no" }) as never,
    context: undefined as never,
    status: { _tag: "Started", startTime: 0n },
    attributes: new Map(),
    links: [],
    sampled: true,
    kind: "client",
    attribute: () => {},
    event: () => {},
    addLinks: () => {},
    end: () => {}
  }

  it.effect.each(
    [
      ["span", fails],
      ["attribute", () => ({ ...span, attribute: fails })],
      ["end", () => ({ ...span, end: fails })],
      ["event", () => ({ ...span, event: fails, addLinks: fails })]
    ] as const
  )("whose %s throws costs nothing", ([, makeSpan]) =>
    Effect.gen(function*() {
      const { client, reports, times } = yield* clientOver(() => answer(200))
      yield* trackMany(client, 2)
      yield* flushed(client)
      assert.deepStrictEqual(outcomes(reports), [["Delivered", 200, 1], ["Delivered", 200, 1]])
      assert.strictEqual(times.length, 1)
    }).pipe(Effect.scoped, Effect.withTracer(Tracer.make({ context: (f) => f(), span: makeSpan }))))
})

describe("a key that was wiped", () => {
  const wipe = (client: Amplitude.Client) => Effect.map(client.config, ({ apiKey }) => Redacted.unsafeWipe(apiKey))

  it.scoped("while its request was under way: the answer holds", () =>
    Effect.gen(function*() {
      const { client, reports, times } = yield* clientOver((client, _request, index) =>
        index === 0 ? Effect.zipRight(wipe(client()), answer(404, "no: a-secret-key")) : answer(200)
      )
      yield* trackMany(client, 2)
      yield* flushed(client)
      assert.strictEqual(times.length, 1)
      assert.deepStrictEqual(outcomes(reports), [["Rejected", 404, 1], ["Rejected", 404, 1]])
      assert.strictEqual(reports[0]?.message, "no: <redacted>")
    }))

  it.scoped("before anything is tracked: each call returns, and each event has its outcome", () =>
    Effect.gen(function*() {
      const { client, reports } = yield* clientOver(() => answer(200), { flushQueueSize: 2 })
      yield* wipe(client)
      yield* trackMany(client, 3)
      yield* client.setOptOut(true)
      yield* trackMany(client, 1)
      yield* client.updateConfig({ optOut: false, flushQueueSize: 1 })
      yield* client.trackOrFail({ event_type: "5", user_id: "user-12345" })
      yield* flushed(client)
      assert.deepStrictEqual(
        reports.map((report) => [report.event.event_type, report._tag === "Dropped" ? report.reason : report._tag]),
        [["1", "OptedOut"], ["1", "Delivered"], ["2", "Delivered"], ["3", "Delivered"], ["5", "Delivered"]]
      )
    }))
})

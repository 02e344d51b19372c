import { FetchHttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import type { MetricPair } from "effect"
import { Cause, Effect, HashMap, Layer, Logger, LogLevel, Metric, Option, Schedule, TestClock, Tracer } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import { scenario, trackMany } from "./support/scripted.js"

/** The counters of the library as they are, by name and tag. */
const counts = Effect.map(
  Metric.snapshot,
  (pairs: ReadonlyArray<MetricPair.MetricPair.Untyped>) =>
    new Map(pairs.flatMap(({ metricKey, metricState }) =>
      metricKey.name.startsWith("amplitude_")
        ? [[
          [metricKey.name, ...metricKey.tags.map(({ value }) => value)].join(" "),
          (metricState as { readonly count?: number; readonly value?: number }).count ??
            (metricState as { readonly value?: number }).value ?? 0
        ]] as const
        : []
    ))
)

const growthOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const before = yield* counts
    yield* effect
    const after = yield* counts
    return (name: string) => Number(after.get(name) ?? 0) - Number(before.get(name) ?? 0)
  })

describe("metrics", () => {
  it.scoped("count events and requests, and no label holds an id or a property", () =>
    Effect.gen(function*() {
      const { client } = yield* scenario((_, index) => [503, 200, 404][index] ?? 200, {
        retrySchedule: Schedule.spaced("1 second")
      })
      const growth = yield* growthOf(Effect.gen(function*() {
        yield* trackMany(client, 3)
        const flush = yield* Effect.fork(client.flush)
        yield* TestClock.adjust("1 second")
        yield* flush
        yield* client.track({ event_type: "secret", user_id: "secret-user", event_properties: { p: "secret-value" } })
        yield* client.flush
        yield* client.track({ event_type: "" })
      }))
      assert.strictEqual(growth("amplitude_events_tracked"), 4)
      assert.strictEqual(growth("amplitude_events_delivered"), 3)
      assert.strictEqual(growth("amplitude_events_retried"), 3)
      assert.strictEqual(growth("amplitude_events_dropped Rejected"), 1)
      assert.strictEqual(growth("amplitude_events_dropped Invalid"), 1)
      assert.strictEqual(growth("amplitude_requests 503"), 1)
      assert.strictEqual(growth("amplitude_requests 200"), 1)
      assert.strictEqual(growth("amplitude_requests 404"), 1)
      assert.strictEqual(growth("amplitude_batch_size"), 3)
      assert.strictEqual(growth("amplitude_request_duration_ms"), 3)
      assert.isAbove(growth("amplitude_request_bytes"), 500)
      assert.strictEqual((yield* counts).get("amplitude_queue_depth"), 0)
      assert.notInclude(Array.from((yield* counts).keys()).join(), "secret")
    }))
})

describe("a metric", () => {
  it.scoped("is found by its name alone", () =>
    Effect.gen(function*() {
      const valueOf = (metric: Metric.Metric.Counter<number>) => Effect.map(Metric.value(metric), ({ count }) => count)
      const named = [
        Metric.counter("amplitude_events_tracked"),
        Metric.counter("amplitude_events_delivered"),
        Metric.tagged(Metric.counter("amplitude_requests"), "status", "200"),
        Metric.tagged(Metric.counter("amplitude_events_dropped"), "reason", "Invalid")
      ]
      const before = yield* Effect.forEach(named, valueOf)
      const { client } = yield* scenario(() => 200)
      yield* trackMany(client, 1)
      yield* client.track({ event_type: "" })
      yield* client.flush
      const after = yield* Effect.forEach(named, valueOf)
      assert.deepStrictEqual(after.map((count, index) => count - before[index]!), [1, 1, 1, 1])
    }))
})

/** A tracer whose spans keep nothing, but for what `own` says of each. */
const tracerOf = (
  own: (name: string, parent: Option.Option<Tracer.AnySpan>, startTime: bigint) => Partial<Tracer.Span>,
  context: Tracer.Tracer["context"] = (f) => f()
) =>
  Tracer.make({
    context,
    span: (name, parent, context, links, startTime, kind) => ({
      _tag: "Span",
      spanId: name,
      traceId: "trace",
      name,
      parent,
      context,
      status: { _tag: "Started", startTime },
      attributes: new Map(),
      links: [...links],
      sampled: true,
      kind,
      attribute: () => {},
      event: () => {},
      addLinks: () => {},
      end: () => {},
      ...own(name, parent, startTime)
    })
  })

describe("spans", () => {
  it.effect("one for each request, no child of the caller's", () =>
    Effect.gen(function*() {
      const spans: Array<
        { readonly name: string; readonly parent: boolean; readonly attributes: Map<string, unknown> }
      > = []
      const tracer = tracerOf((name, parent) => {
        const attributes = new Map<string, unknown>()
        spans.push({ name, parent: Option.isSome(parent), attributes })
        return { attribute: (key, value) => attributes.set(key, value) }
      })
      yield* Effect.gen(function*() {
        const { client } = yield* scenario((_, index) => index === 0 ? 503 : 200, {
          retrySchedule: Schedule.spaced("1 second")
        })
        yield* Effect.withSpan(trackMany(client, 2), "the caller's")
        const flush = yield* Effect.fork(client.flush)
        yield* TestClock.adjust("1 second")
        yield* flush
      }).pipe(Effect.withSpan("the builder's"), Effect.scoped, Effect.withTracer(tracer))
      const sent = spans.filter(({ name }) => name === "amplitude.send")
      assert.deepStrictEqual(
        sent.map(({ attributes, parent }) => [
          parent,
          attributes.get("amplitude.batch_size"),
          attributes.get("amplitude.status"),
          attributes.get("amplitude.attempt")
        ]),
        [[false, 2, 503, 1], [false, 2, 200, 2]]
      )
    }))
})

describe("the span of a request", () => {
  it.effect("is the current one of whatever sends it, and of nothing after it", () =>
    Effect.gen(function*() {
      const seen: Array<string | undefined> = []
      let current: Tracer.AnySpan | undefined
      // as a tracer does that tells others which span is active
      const tracer = tracerOf(() => ({}), (f, fiber) => {
        const before = current
        current = fiber.currentSpan
        const result = f()
        current = before
        return result
      })
      const see = () => {
        seen.push(current?.spanId)
      }
      const statuses = [503, 200]
      const fetch = (() => {
        see()
        return Promise.resolve(new Response("", { status: statuses.shift()! }))
      }) as unknown as typeof globalThis.fetch
      const own = Layer.succeed(Transport, {
        send: () =>
          Effect.sync(() => {
            see()
            return { status: 200, headers: {}, body: "" }
          })
      })
      for (const transport of [Transport.layerFetch, own]) {
        yield* Effect.gen(function*() {
          yield* Amplitude.track({ event_type: "e", user_id: "user-12345" })
          yield* Amplitude.flush
        }).pipe(
          Effect.provide(Amplitude.layerServices.pipe(
            Layer.provide([EventStorage.layerMemory, transport, AmplitudeLogger.layerNone]),
            Layer.provide(AmplitudeConfig.layer({
              apiKey: "a-key",
              // asked for between two requests, by the fiber that sends them
              retrySchedule: Schedule.tapInput(Schedule.forever, () => Effect.sync(see))
            }))
          )),
          Effect.provideService(FetchHttpClient.Fetch, fetch),
          Effect.withSpan("building"),
          Effect.withTracer(tracer)
        )
      }
      assert.deepStrictEqual(seen, ["amplitude.send", "building", "amplitude.send", "amplitude.send"])
    }))
})

describe("a span", () => {
  for (const isTimed of [true, false]) {
    it.effect(`ends once, ${isTimed ? "with" : "without"} timing`, () =>
      Effect.gen(function*() {
        const times: Array<readonly [start: bigint, end: bigint]> = []
        const tracer = tracerOf((_name, _parent, startTime) => ({
          end: (endTime) => times.push([startTime, endTime])
        }))
        yield* Effect.gen(function*() {
          yield* TestClock.setTime(1000)
          const { client } = yield* scenario(
            (_, index) => index === 0 ? Effect.as(Effect.sleep("1 second"), 200) : Effect.never,
            { shutdownTimeout: "5 seconds" }
          )
          yield* trackMany(client, 1)
          const flush = yield* Effect.fork(client.flush)
          yield* TestClock.adjust("1 second")
          yield* flush
          yield* trackMany(client, 1)
          const shutdown = yield* Effect.fork(Effect.zipRight(Effect.fork(client.flush), client.shutdown))
          yield* TestClock.adjust("5 seconds")
          yield* shutdown
        }).pipe(Effect.scoped, Effect.withTracer(tracer), Effect.withTracerTiming(isTimed))
        assert.deepStrictEqual(
          times,
          isTimed ? [[1_000_000_000n, 2_000_000_000n], [2_000_000_000n, 7_000_000_000n]] : [[0n, 0n], [0n, 0n]]
        )
      }))
  }
})

describe("logs", () => {
  interface Line {
    readonly level: LogLevel.LogLevel
    readonly text: string
  }

  /** The lines that a program's client writes, through Effect's own logger. */
  const linesOf = (
    send: Transport.Service["send"],
    program: (client: Amplitude.Client) => Effect.Effect<unknown, unknown>
  ) =>
    Effect.gen(function*() {
      const lines: Array<Line> = []
      const logger = Logger.make(({ annotations, cause, logLevel, message }) => {
        const all = Object.fromEntries(HashMap.toEntries(annotations))
        lines.push({
          level: logLevel,
          text: `${String(message)} ${JSON.stringify(all)} ${Cause.isEmpty(cause) ? "" : Cause.pretty(cause)}`
        })
      })
      yield* Effect.gen(function*() {
        const client = yield* Amplitude
        yield* program(client)
      }).pipe(
        Effect.provide(Amplitude.layerServices.pipe(
          Layer.provide([EventStorage.layerMemory, AmplitudeLogger.layerEffect, Layer.succeed(Transport, { send })]),
          Layer.provide(AmplitudeConfig.layer({ apiKey: "a-secret-key", shutdownTimeout: 0 }))
        )),
        Logger.withMinimumLogLevel(LogLevel.Debug),
        Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      )
      yield* TestClock.adjust(0)
      return lines
    })

  it.effect("an hour of outage is a handful of lines, and none above debug holds a key, a value or an id", () =>
    Effect.gen(function*() {
      const lines = yield* linesOf(
        () => Effect.succeed({ status: 503, headers: {}, body: "a-secret-key secret-user" }),
        (client) =>
          Effect.gen(function*() {
            for (let minute = 0; minute < 60; minute++) {
              for (let event = 0; event < 50; event++) {
                yield* client.track("Clicked", { value: "secret-value" }, { user_id: "secret-user" })
                yield* client.track("", { value: "secret-value" }, { user_id: "secret-user" })
              }
              yield* TestClock.adjust("1 minute")
            }
          })
      )
      const above = lines.filter(({ level }) => LogLevel.greaterThan(level, LogLevel.Debug))
      assert.isBelow(above.filter(({ text }) => !text.includes("Invalid")).length, 40)
      assert.isBelow(above.length, 110)
      for (const { text } of above) {
        assert.notInclude(text, "secret")
        assert.include(text, "\"package\":\"effect-amplitude\"")
        assert.include(text, "\"module\":")
      }
      assert.notInclude(lines.map(({ text }) => text).join(), "a-secret-key")
    }))

  it.effect("Effect's own logger writes from its minimum level on, and one that writes nothing is asked for nothing", () =>
    Effect.gen(function*() {
      const linesFrom = (level: LogLevel.LogLevel, logger: Layer.Layer<AmplitudeLogger>) =>
        Effect.gen(function*() {
          const lines: Array<string> = []
          const own = Logger.make(({ logLevel, message }) => {
            lines.push(`${logLevel.label} ${String(message)}`)
          })
          const send: Transport.Service["send"] = ({ body }) =>
            Effect.succeed({ status: String(body).includes("refused") ? 422 : 200, headers: {}, body: "" })
          yield* Effect.gen(function*() {
            for (const event_type of ["taken", "refused"]) {
              yield* Amplitude.track({ event_type, user_id: "user-12345" })
              yield* Amplitude.flush
            }
          }).pipe(
            Effect.provide(Amplitude.layerServices.pipe(
              Layer.provide([EventStorage.layerMemory, logger, Layer.succeed(Transport, { send })]),
              Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key" })),
              Layer.provide([Logger.minimumLogLevel(level), Logger.replace(Logger.defaultLogger, own)])
            ))
          )
          return lines
        })
      const sent = "DEBUG sent 1 events"
      const dropped = "WARN 1 events dropped: Rejected"
      const { layerEffect, layerNone } = AmplitudeLogger
      assert.deepStrictEqual(yield* linesFrom(LogLevel.Debug, layerEffect), [sent, sent, dropped])
      assert.deepStrictEqual(yield* linesFrom(LogLevel.Info, layerEffect), [dropped])
      assert.deepStrictEqual(yield* linesFrom(LogLevel.Error, layerEffect), [])
      assert.deepStrictEqual(yield* linesFrom(LogLevel.All, layerNone), [])
    }))

  it.effect("what needs a person is an error", () =>
    Effect.map(
      linesOf(
        () => Effect.succeed({ status: 400, headers: {}, body: "{\"error\":\"Invalid API key: a-secret-key\"}" }),
        (client) => Effect.zipRight(trackMany(client, 3), client.flush)
      ),
      (lines) => {
        const errors = lines.filter(({ level }) => level === LogLevel.Error)
        assert.strictEqual(errors.length, 1)
        assert.include(errors[0]?.text, "API key")
        assert.notInclude(lines.map(({ text }) => text).join(), "a-secret-key")
      }
    ))
})

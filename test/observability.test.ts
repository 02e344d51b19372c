import { FetchHttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import type { Exit, MetricPair } from "effect"
import { Cause, Effect, HashMap, Layer, Logger, LogLevel, Metric, Option, Schedule, TestClock, Tracer } from "effect"
import {
  Amplitude,
  AmplitudeConfig,
  AmplitudeLogger,
  Event,
  EventStorage,
  Plugin,
  Transport,
  TransportError
} from "effect-amplitude"
import { inspect } from "node:util"
import { scenario, trackMany } from "./support/scripted.js"

/** The current values of the counters, by name and tag. */
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

/** A tracer whose spans record nothing except what `own` gives for each. */
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
      // as a tracer does that exposes the active span
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

describe("no span and no line holds the API key", () => {
  const echo = (key: string) => ({ status: 400, body: { code: 400, error: `Invalid API key: ${key}` } })

  it.effect("that the answer of the request repeats", () =>
    Effect.gen(function*() {
      const exits: Array<Exit.Exit<unknown, unknown>> = []
      const tracer = tracerOf(() => ({ end: (_time, exit) => exits.push(exit) }))
      yield* Effect.gen(function*() {
        const { client } = yield* scenario(() => echo("a-secret-key"))
        yield* trackMany(client, 1)
        yield* client.flush
      }).pipe(Effect.scoped, Effect.withTracer(tracer))
      assert.strictEqual(exits.length, 1)
      assert.notInclude(inspect(exits, { depth: 10 }), "a-secret-key")
    }))

  const { body, status } = echo("the-first-key")
  for (
    const [what, answer] of [
      ["an answer", Effect.succeed({ status, headers: {}, body: JSON.stringify(body) })],
      ["a transport that dies", Effect.die(new Error(body.error))]
    ] as const
  ) {
    it.scoped(`of a request, if the settings have another key meanwhile: ${what}`, () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const gate = yield* Effect.makeLatch()
        const request = yield* Effect.makeLatch()
        const logger = Layer.succeed(AmplitudeLogger, {
          log: (_level, message, annotations) =>
            Effect.sync(() => lines.push(`${message} ${JSON.stringify(annotations)}`))
        })
        const transport = Layer.succeed(Transport, {
          send: () => request.open.pipe(Effect.zipRight(gate.await), Effect.zipRight(answer))
        })
        const context = yield* Layer.build(Amplitude.layerServices.pipe(
          Layer.provide([EventStorage.layerMemory, transport, logger]),
          Layer.provide(AmplitudeConfig.layer({ apiKey: "the-first-key", flushMaxRetries: 0, logLevel: "Debug" }))
        ))
        const client = yield* Effect.provide(Amplitude, context)
        yield* trackMany(client, 1)
        const flush = yield* Effect.fork(client.flush)
        yield* request.await
        yield* client.updateConfig({ apiKey: "the-second-key" })
        yield* gate.open
        yield* TestClock.adjust("1 second")
        yield* flush
        yield* client.shutdown
        assert.isTrue(lines.some((line) => line.startsWith("sent 1 event")))
        assert.deepStrictEqual(lines.filter((line) => line.includes("the-first-key")), [])
      }))
  }
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
    readonly message: string
    readonly annotations: Readonly<Record<string, unknown>>
    readonly text: string
  }

  /** The lines that a program's client writes, through Effect's own logger. */
  const linesOf = (
    send: Transport.Service["send"],
    program: (client: Amplitude.Client) => Effect.Effect<unknown, unknown>,
    { level = LogLevel.Debug, ...options }: Partial<AmplitudeConfig.Options> & { level?: LogLevel.LogLevel } = {}
  ) =>
    Effect.gen(function*() {
      const lines: Array<Line> = []
      const logger = Logger.make(({ annotations, cause, logLevel, message }) => {
        const all = Object.fromEntries(HashMap.toEntries(annotations))
        lines.push({
          level: logLevel,
          message: String(message),
          annotations: all,
          text: `${String(message)} ${JSON.stringify(all)} ${Cause.isEmpty(cause) ? "" : Cause.pretty(cause)}`
        })
      })
      yield* Effect.gen(function*() {
        const client = yield* Amplitude
        yield* program(client)
      }).pipe(
        Effect.provide(Amplitude.layerServices.pipe(
          Layer.provide([EventStorage.layerMemory, AmplitudeLogger.layerEffect, Layer.succeed(Transport, { send })]),
          Layer.provide(AmplitudeConfig.layer({ apiKey: "a-secret-key", shutdownTimeout: 0, ...options }))
        )),
        Logger.withMinimumLogLevel(level),
        Effect.provide(Logger.replace(Logger.defaultLogger, logger))
      )
      yield* TestClock.adjust(0)
      return lines
    })

  const answering = (status: number, body: unknown = ""): Transport.Service["send"] => () =>
    Effect.succeed({ status, headers: {}, body: typeof body === "string" ? body : JSON.stringify(body) })

  /** The messages above debug. */
  const warnings = (lines: ReadonlyArray<Line>): ReadonlyArray<string> =>
    lines.filter(({ level }) => LogLevel.greaterThan(level, LogLevel.Debug)).map(({ message }) => message)

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

  it.effect("without logLevel Effect's own logger writes from the program's level on, and layerNone nothing", () =>
    Effect.gen(function*() {
      const linesFrom = (level: LogLevel.LogLevel, logger: Layer.Layer<AmplitudeLogger>) =>
        Effect.gen(function*() {
          const lines: Array<string> = []
          const own = Logger.make(({ logLevel, message }) => {
            lines.push(`${logLevel.label} ${String(message)}`)
          })
          const send: Transport.Service["send"] = ({ body }) =>
            Effect.succeed({
              status: new TextDecoder().decode(body).includes("refused") ? 422 : 200,
              headers: {},
              body: ""
            })
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
      const accepted = (type: string) => `DEBUG accepted an event of type "${type}"`
      const sent = "DEBUG sent 1 event"
      const dropped = "WARN 1 event dropped: Rejected (the service refuses it): HTTP 422; event type \"refused\""
      const { layerEffect, layerNone } = AmplitudeLogger
      assert.deepStrictEqual(yield* linesFrom(LogLevel.Debug, layerEffect), [
        accepted("taken"),
        sent,
        accepted("refused"),
        sent,
        dropped
      ])
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

  describe("say why", () => {
    it.effect("an event is refused: the field, what was expected, and the type of the event; one burst a cause", () =>
      Effect.map(
        linesOf(answering(200), (client) =>
          Effect.gen(function*() {
            yield* client.track("Clicked", { value: "secret-value" })
            yield* client.track("Clicked", {}, { user_id: "abc" })
            const notJson: Record<string, unknown> = { when: new Map() }
            yield* client.track("Viewed", notJson, { user_id: "secret-user" })
            yield* client.track("Viewed", {}, { user_id: "xy" })
            yield* client.track("Clicked", {}, { user_id: "xyz" })
            yield* TestClock.adjust("1 minute")
          }), { level: LogLevel.Info }),
        (lines) => {
          const messages = warnings(lines)
          assert.strictEqual(messages.length, 4)
          assert.match(messages[0]!, /^1 event dropped: Invalid .*user_id.*expected .*; event type "Clicked"$/)
          assert.match(messages[1]!, /^1 event dropped: Invalid .*user_id: expected .*5.*; event type "Clicked"$/)
          assert.match(messages[2]!, /^1 event dropped: .*event_properties\.when: expected .*; event type "Viewed"$/)
          assert.match(messages[3]!, /^2 events dropped: .*user_id: expected .*; event types "Viewed", "Clicked"$/)
          for (const { annotations, text } of lines) {
            assert.notInclude(text, "secret")
            assert.strictEqual(annotations.reason, "Invalid")
          }
        }
      ))

    it.effect("a time in seconds: the events are sent, and one line says what time is", () =>
      Effect.map(
        linesOf(answering(200), (client) =>
          Effect.gen(function*() {
            yield* client.track("Clicked", {}, { user_id: "user-12345", time: 1_700_000_000 })
            yield* client.track("Clicked", {}, { user_id: "user-12345", time: new Date(1_700_000_000) })
            yield* client.track("Clicked", {}, { user_id: "user-12345", time: 1_700_000_000_000 })
            yield* client.flush
            yield* TestClock.adjust("1 minute")
          }), { level: LogLevel.Info }),
        (lines) =>
          assert.deepStrictEqual(
            warnings(lines),
            Array.from({ length: 2 }, () => "1 event with a time before 2000: time is in milliseconds")
          )
      ))

    for (
      const [name, plugins] of [
        ["without plugins", []],
        ["before an enrichment plugin, once", [Plugin.enrichment("same", Effect.succeed)]],
        ["between plugins", [
          Plugin.before("same", Effect.succeed),
          Plugin.enrichment("copy", (event) => Effect.succeed(new Event({ ...event })))
        ]]
      ] as ReadonlyArray<readonly [string, ReadonlyArray<Plugin.Plugin>]>
    ) {
      it.effect(`R5: a time of the caller that is now, in 1970, has its warning ${name}, and one of the clock has none`, () =>
        Effect.map(
          linesOf(answering(200), (client) =>
            Effect.gen(function*() {
              yield* Effect.forEach(plugins, client.add)
              yield* client.track("Clicked", {}, { user_id: "user-12345" })
              yield* client.flush
              yield* client.track("Clicked", {}, { user_id: "user-12345", time: 0 })
              yield* client.flush
              yield* TestClock.adjust("1 minute")
            }), { level: LogLevel.Info }),
          (lines) =>
            assert.deepStrictEqual(warnings(lines), ["1 event with a time before 2000: time is in milliseconds"])
        ))
    }

    it.effect("R7: more groups than the service tracks are sent, with one line at once and one a minute with the count", () =>
      Effect.gen(function*() {
        const sent: Array<string> = []
        const names = (count: number) => Array.from({ length: count }, (_, index) => `name-${index}`)
        const types = (count: number) => Object.fromEntries(names(count).map((name) => [name, "one"]))
        const lines = yield* linesOf(
          ({ body }) => {
            sent.push(new TextDecoder().decode(body))
            return answering(200)({ url: "", headers: {}, body })
          },
          (client) =>
            Effect.gen(function*() {
              const track = (groups: Readonly<Record<string, string | ReadonlyArray<string>>>) =>
                client.track("Clicked", {}, { user_id: "user-12345", groups })
              yield* track(types(5))
              yield* track({ type: names(10) })
              yield* client.flush
              assert.strictEqual(sent.length, 1)
              yield* track(types(6))
              yield* track({ type: names(11) })
              yield* track({ type: names(10), other: "name" })
              yield* client.flush
              yield* TestClock.adjust("2 minutes")
            }),
          { level: LogLevel.Info }
        )
        assert.include(sent[1], "name-5")
        assert.include(sent[1], "name-10")
        const rest = "with more than 5 group types or 10 group names: the service does not track the rest"
        assert.deepStrictEqual(warnings(lines), [`1 event ${rest}`, `2 events ${rest}`])
      }))

    it.effect("R19: what overflow drops is one line at once, then one a minute with the count", () =>
      Effect.map(
        linesOf(answering(200), (client) =>
          Effect.gen(function*() {
            yield* trackMany(client, 5)
            yield* TestClock.adjust("59 seconds")
            yield* trackMany(client, 3)
            yield* TestClock.adjust("1 second")
            yield* client.flush
            yield* TestClock.adjust("2 minutes")
          }), { level: LogLevel.Info, bufferCapacity: 1, flushInterval: "1 hour" }),
        (lines) =>
          assert.deepStrictEqual(
            warnings(lines).map((message) => message.replace(/;.*/, "")),
            [
              "1 event dropped: BufferFull (the overflow policy dropped it): the buffer is full: 1 events",
              "6 events dropped: BufferFull (the overflow policy dropped it): the buffer is full: 1 events"
            ]
          )
      ))

    it.effect("R5: a time of an enrichment plugin has its warning", () =>
      Effect.map(
        linesOf(answering(200), (client) =>
          Effect.gen(function*() {
            yield* client.add(Plugin.enrichment("early", (event) => Effect.succeed(new Event({ ...event, time: 5 }))))
            yield* client.track("Clicked", {}, { user_id: "user-12345" })
            yield* client.flush
          }), { level: LogLevel.Info }),
        (lines) => assert.deepStrictEqual(warnings(lines), ["1 event with a time before 2000: time is in milliseconds"])
      ))

    it.effect("the service refuses an event: its text, without what it repeats of the event", () =>
      Effect.gen(function*() {
        const track = (client: Amplitude.Client) =>
          Effect.zipRight(
            client.track("Clicked", { mail: "bob@example.com", nested: { value: "secret-value" }, n: 1234567 }, {
              user_id: "u1",
              device_id: "secret-device"
            }),
            client.flush
          )
        const messageOf = (status: number, body: unknown) =>
          Effect.map(linesOf(answering(status, body), track, { level: LogLevel.Info, minIdLength: 1 }), (lines) => {
            assert.strictEqual(lines.length, 1)
            assert.strictEqual(lines[0]!.annotations.code, status)
            return lines[0]!.message
          })
        const rejected = "1 event dropped: Rejected (the service refuses it)"
        const error = "Invalid field values on some events"
        assert.strictEqual(
          yield* messageOf(422, { error }),
          `${rejected}: HTTP 422, ${error}; event type "Clicked"`
        )
        const echo = "u1 of secret-device: secret-value, bob@example.com, alice@example.com, 1234567 a-secret-key"
        assert.strictEqual(
          yield* messageOf(404, { error: `bad event of ${echo}` }),
          `${rejected}: HTTP 404, bad event of <removed> of <removed>: <removed>, <removed>, <removed>, <removed> ` +
            `<redacted>; event type "Clicked"`
        )
        assert.strictEqual(
          yield* messageOf(413, { error: "Payload too large" }),
          "1 event dropped: PayloadTooLarge (too large for a request): HTTP 413, Payload too large; event type \"Clicked\""
        )
      }))

    it.effect("an outage: the words of the transport or of the service; a retry is counted as a retry", () =>
      Effect.gen(function*() {
        const words = "the request could not be sent: connect ECONNREFUSED 127.0.0.1:9"
        const lines = yield* linesOf(
          () => Effect.fail(new TransportError({ message: words })),
          (client) =>
            Effect.gen(function*() {
              yield* client.track("Clicked", {}, { user_id: "secret-user" })
              yield* client.flush.pipe(Effect.fork)
              yield* TestClock.adjust("2 minutes")
            }),
          { level: LogLevel.Info, flushMaxRetries: 3, retrySchedule: Schedule.spaced("1 second") }
        )
        assert.deepStrictEqual(warnings(lines), [
          `1 retry: the event is sent again: ${words}; event type "Clicked"`,
          `1 event dropped: RetriesExhausted (no retries are left): ${words}; event type "Clicked"`,
          `2 retries: events are sent again: ${words}; event type "Clicked"`
        ])
        for (const { annotations } of lines) assert.isUndefined(annotations.code)
        const busy = yield* linesOf(
          answering(503),
          (client) =>
            Effect.zipRight(
              trackMany(client, 5),
              Effect.zipRight(Effect.fork(client.flush), TestClock.adjust("2 seconds"))
            ),
          { level: LogLevel.Info, flushMaxRetries: 1, retrySchedule: Schedule.spaced("1 second") }
        )
        assert.deepStrictEqual(warnings(busy), [
          "5 retries: events are sent again: HTTP 503; event types \"1\", \"2\", \"3\" and others",
          "5 events dropped: RetriesExhausted (no retries are left): HTTP 503; event types \"1\", \"2\", \"3\" and others"
        ])
      }))

    it.effect("the key is unknown: the zone that was asked, and the other one", () =>
      Effect.gen(function*() {
        const messageOf = (options: Partial<AmplitudeConfig.Options>) =>
          Effect.map(
            linesOf(
              answering(400, { error: "Invalid API key: a-secret-key" }),
              (client) => Effect.zipRight(trackMany(client, 1), client.flush),
              { level: LogLevel.Error, ...options }
            ),
            (lines) => lines.map(({ message }) => message).join()
          )
        const dropped = "1 event dropped: InvalidApiKey (the service does not know the API key): HTTP 400, " +
          "Invalid API key: <redacted>. The key was sent to "
        assert.strictEqual(
          yield* messageOf({}),
          `${dropped}the US zone: a project in the EU needs serverZone "EU"; event type "1"`
        )
        assert.strictEqual(
          yield* messageOf({ serverZone: "EU" }),
          `${dropped}the EU zone: a project in the US needs serverZone "US"; event type "1"`
        )
        assert.strictEqual(
          yield* messageOf({ serverUrl: "https://proxy.example/in" }),
          `${dropped}serverUrl: a key is known in one zone only, US or EU; event type "1"`
        )
      }))

    it.effect("any number of causes is a bounded number of lines, and each event is counted", () =>
      Effect.gen(function*() {
        let request = 0
        const lines = yield* linesOf(
          () => Effect.succeed({ status: 404, headers: {}, body: `no route ${"x".repeat(++request)} here` }),
          (client) =>
            Effect.gen(function*() {
              for (let event = 0; event < 300; event++) {
                yield* client.track("Clicked", {}, { user_id: "user-12345" })
                yield* client.flush
              }
              yield* TestClock.adjust("1 minute")
            }),
          { level: LogLevel.Info }
        )
        assert.strictEqual(lines.length, 22)
        const counted = warnings(lines).map((message) => Number(/^[0-9]+/.exec(message)![0]))
        assert.strictEqual(counted.reduce((sum, count) => sum + count, 0), 300)
        assert.match(warnings(lines)[21]!, /^279 events dropped: .*several causes, the first one: HTTP 404, no route x/)
      }))
  })

  describe("logLevel", () => {
    const track = (client: Amplitude.Client) =>
      Effect.gen(function*() {
        yield* client.track("Clicked", { value: "a-secret-key" }, { user_id: "user-12345" })
        yield* client.flush
        yield* client.track("")
      })

    it.effect("Debug shows each accepted event and each request with its answer, whatever the program's level", () =>
      Effect.gen(function*() {
        for (const level of [LogLevel.Info, LogLevel.None]) {
          const lines = yield* linesOf(
            answering(200, `{"code":200,"key":"a-secret-key","${"x".repeat(10_000)}`),
            track,
            { level, logLevel: "Debug" }
          )
          assert.deepStrictEqual(lines.map(({ level, message }) => `${level._tag} ${message.slice(0, 35)}`), [
            "Debug accepted an event of type \"Clicked\"",
            "Debug sent 1 event",
            "Warning 1 event dropped: Invalid (the servi"
          ])
          const event = JSON.parse(String(lines[0]!.annotations.event)) as Record<string, unknown>
          assert.deepInclude(event, { event_type: "Clicked", user_id: "user-12345" })
          assert.deepStrictEqual(event.event_properties, { value: "<redacted>" })
          const { answer, attempt, bytes, status } = lines[1]!.annotations
          assert.deepStrictEqual([attempt, status], [1, 200])
          assert.isAbove(bytes as number, 100)
          assert.isAtMost(String(answer).length, 1000)
          assert.match(String(answer), /^\{"code":200,"key":"<redacted>"/)
          assert.notInclude(lines.map(({ text }) => text).join(), "a-secret-key")
        }
      }))

    it.effect("of a request without an answer says why there was none", () =>
      Effect.map(
        linesOf(
          () => Effect.fail(new TransportError({ message: "connect ECONNREFUSED a-secret-key" })),
          (client) => Effect.zipRight(trackMany(client, 1), client.flush),
          { level: LogLevel.Info, logLevel: LogLevel.Debug, flushMaxRetries: 0 }
        ),
        (lines) => {
          const { answer, status } = lines.find(({ message }) => message === "sent 1 event")!.annotations
          assert.deepStrictEqual([status, answer], [0, "connect ECONNREFUSED <redacted>"])
        }
      ))

    it.effect("hides what the program would show", () =>
      Effect.gen(function*() {
        const levelsAt = (logLevel: LogLevel.Literal) =>
          Effect.map(
            linesOf(answering(200), track, { level: LogLevel.All, logLevel }),
            (lines) => lines.map(({ level }) => level._tag)
          )
        assert.deepStrictEqual(yield* levelsAt("Info"), ["Warning"])
        assert.deepStrictEqual(yield* levelsAt("Error"), [])
        assert.deepStrictEqual(yield* levelsAt("None"), [])
        assert.deepStrictEqual(yield* levelsAt("All"), ["Debug", "Debug", "Warning"])
      }))

    it.effect("can be changed while the client lives", () =>
      Effect.map(
        linesOf(answering(200), (client) =>
          Effect.gen(function*() {
            yield* client.track("one", {}, { user_id: "user-12345" })
            yield* client.updateConfig({ logLevel: "Debug" })
            yield* client.track("two", {}, { user_id: "user-12345" })
            yield* client.updateConfig({ logLevel: undefined })
            yield* client.track("three", {}, { user_id: "user-12345" })
          }), { level: LogLevel.Error }),
        (lines) => assert.deepStrictEqual(lines.map(({ message }) => message), ["accepted an event of type \"two\""])
      ))

    it.effect("decides for a logger of the user's, which gets every line else", () =>
      Effect.gen(function*() {
        const linesAt = (options: Partial<AmplitudeConfig.Options>, minimumLevel?: LogLevel.LogLevel) =>
          Effect.gen(function*() {
            const lines: Array<string> = []
            const logger: AmplitudeLogger.Service = {
              log: (level, message) => Effect.sync(() => lines.push(`${level._tag} ${message.slice(0, 8)}`)),
              ...(minimumLevel === undefined ? undefined : { minimumLevel: Effect.succeed(minimumLevel) })
            }
            yield* Effect.flatMap(Amplitude, track).pipe(
              Effect.provide(Amplitude.layerServices.pipe(
                Layer.provide([
                  EventStorage.layerMemory,
                  Layer.succeed(AmplitudeLogger, logger),
                  Layer.succeed(Transport, { send: answering(200) })
                ]),
                Layer.provide(AmplitudeConfig.layer({ apiKey: "a-secret-key", ...options }))
              ))
            )
            return lines
          })
        const [accepted, sent, dropped] = ["Debug accepted", "Debug sent 1 e", "Warning 1 event "]
        assert.deepStrictEqual(yield* linesAt({}), [sent, dropped])
        assert.deepStrictEqual(yield* linesAt({ logLevel: "Debug" }), [accepted, sent, dropped])
        assert.deepStrictEqual(yield* linesAt({ logLevel: "Warning" }), [dropped])
        assert.deepStrictEqual(yield* linesAt({}, LogLevel.Warning), [dropped])
        assert.deepStrictEqual(yield* linesAt({ logLevel: "Debug" }, LogLevel.Warning), [accepted, sent, dropped])
      }))
  })

  it.effect("lines that wait for a slow logger are bounded, and those that were dropped are counted", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const gate = yield* Effect.makeLatch(false)
      const logger: AmplitudeLogger.Service = {
        log: (_, message) => Effect.zipRight(gate.await, Effect.sync(() => lines.push(message)))
      }
      const context = yield* Layer.build(Amplitude.layerServices.pipe(
        Layer.provide([
          EventStorage.layerMemory,
          Layer.succeed(AmplitudeLogger, logger),
          Layer.succeed(Transport, { send: answering(200) })
        ]),
        Layer.provide(AmplitudeConfig.layer({ apiKey: "a-secret-key", logLevel: "Debug", flushQueueSize: 1_000_000 }))
      ))
      const client = yield* Effect.provide(Amplitude, context)
      yield* trackMany(client, 10_100)
      yield* gate.open
      yield* client.flush
      yield* TestClock.adjust("1 second")
      assert.strictEqual(lines[0], "accepted an event of type \"1\"")
      assert.match(lines[1]!, /^\d+ lines of the log dropped: the logger is too slow$/)
      // one line is with the logger, the requests have lines too
      assert.isAtLeast(parseInt(lines[1]!), 99)
      assert.strictEqual(lines.filter((line) => line.startsWith("accepted")).length, 10_100 - parseInt(lines[1]!))
    }).pipe(Effect.scoped))
})

/**
 * The faults between a client and a service, over real sockets: one table of cases, each run over `fetch` and over
 * undici.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Schedule } from "effect"
import type { AmplitudeConfig, DeliveryReport } from "effect-amplitude"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { spawn } from "node:child_process"
import { inspect } from "node:util"
import { built } from "../support/built.js"
import type { FaultRequest, FaultServer, Script } from "../support/FaultServer.js"
import * as Server from "../support/FaultServer.js"
import { trackMany, typesOf } from "../support/scripted.js"

const apiKey = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

const layers: Readonly<Record<string, (options: AmplitudeConfig.Options) => Layer.Layer<Amplitude, unknown>>> = {
  "Amplitude.layer": (options) => Amplitude.layer(options),
  "AmplitudeNode.layer": (options) => AmplitudeNode.layer(options)
}

type Options = Partial<AmplitudeConfig.Options>

interface World {
  readonly client: Amplitude.Client
  readonly server: FaultServer
  readonly reports: Array<DeliveryReport.DeliveryReport>
  /** Every line of the log, with all it carries. */
  readonly logged: Array<string>
}

/** The outcome of each event: the reason or `Delivered`, the status, and the number of its requests. */
type Ends = Readonly<Record<string, readonly [outcome: string, code: number, attempts: number]>>

const endOf = (report: DeliveryReport.DeliveryReport): Ends[string] => [
  report._tag === "Dropped" ? report.reason : report._tag,
  report.code,
  report.attempts
]

const endsOf = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>): Ends =>
  Object.fromEntries(reports.map((report) => [report.event.event_type, endOf(report)]))

/** The types of the events of each request. */
const sentIn = (requests: ReadonlyArray<FaultRequest>) => requests.map(({ events }) => typesOf(events).join(" "))

/** Checks the promises that hold for every server, after the client has shut down. */
const check = ({ logged, reports, server }: World): void => {
  const types = reports.map(({ event }) => event.event_type)
  assert.strictEqual(new Set(types).size, types.length, "an event was reported twice")
  const bytes = new Map<string, string>()
  const seen = new Map<string, number>()
  for (const { events, headers, raw } of server.requests) {
    const texts = events.map((event) => JSON.stringify(event))
    assert.strictEqual(raw, `{"api_key":"${apiKey}","events":[${texts.join(",")}]}`)
    assert.match(String(headers["content-type"]), /^application\/json/)
    events.forEach(({ event_type }, index) => {
      assert.strictEqual(bytes.get(event_type) ?? texts[index], texts[index], `${event_type} changed`)
      bytes.set(event_type, texts[index]!)
      seen.set(event_type, (seen.get(event_type) ?? 0) + 1)
    })
  }
  for (const { attempts, event } of reports) {
    assert.isAtMost(seen.get(event.event_type) ?? 0, attempts, `${event.event_type} was sent once too often`)
  }
  const told = [...reports.map((report) => JSON.stringify(report)), inspect(reports, { depth: 10 }), ...logged].join("")
  assert.notInclude(told, apiKey)
}

/** A client of the layer at a server, and what both saw; `use` ends with the client shut down. */
const world = (
  layer: (options: AmplitudeConfig.Options) => Layer.Layer<Amplitude, unknown>,
  script: Script,
  options: Options,
  serverOptions: Server.Options,
  use: (world: World) => Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const server = yield* Server.make(script, serverOptions)
    const reports: Array<DeliveryReport.DeliveryReport> = []
    const logged: Array<string> = []
    const logger = Logger.make(({ annotations, cause, message }) => {
      logged.push(inspect([message, cause, [...annotations]], { depth: 10 }))
    })
    const context = yield* Layer.build(
      layer({
        apiKey,
        serverUrl: server.url,
        // a request that is late on a busy machine is not at fault
        requestTimeout: "30 seconds",
        shutdownTimeout: "5 seconds",
        retrySchedule: Schedule.spaced("10 millis"),
        callback: (report) => Effect.sync(() => reports.push(report)),
        ...options
      }).pipe(Layer.provide(Logger.replace(Logger.defaultLogger, logger)))
    )
    const it: World = { client: Context.get(context, Amplitude), server, reports, logged }
    yield* use(it)
    yield* it.client.shutdown
    check(it)
  }).pipe(Effect.scoped)

interface Case {
  readonly script: Script
  /** How many events are tracked, `1`, `2` and so on; 3 unless told otherwise. */
  readonly count?: number
  readonly userOf?: (index: number) => string
  readonly options?: Options
  readonly serverOptions?: Server.Options
  /** How many events are left waiting: the client is shut down when the others have their outcomes. */
  readonly leftovers?: number
  readonly ends?: Ends
  /** The events of each request that was read. */
  readonly sent?: ReadonlyArray<string>
  readonly also?: (world: World) => void
}

/** Three events that all end in one way. */
const all = (...end: Ends[string]): Ends => ({ 1: end, 2: end, 3: end })

/** The first request meets `first`, the others are taken. */
const firstly = (first: Server.Scripted): Script => ({ index }) => index === 0 ? first : 200

/** A request that was answered in no whole way counts a retry, and the next one is taken. */
const retried = (first: Server.Scripted, options: Options = {}): Case => ({
  script: firstly(first),
  options,
  ends: all("Delivered", 200, 2),
  sent: ["1 2 3", "1 2 3"]
})

/** The same fault for every request: after two retries the events are dropped with the last status. */
const exhausted = (always: Server.Scripted, code: number, options: Options = {}): Case => ({
  script: () => always,
  options: { flushMaxRetries: 2, ...options },
  ends: all("RetriesExhausted", code, 3),
  sent: ["1 2 3", "1 2 3", "1 2 3"]
})

/** A 400 whose list names the second of three events. */
const naming = (body: object, reason: string): Case => ({
  script: firstly({ status: 400, body: { code: 400, error: "Request has bad events", ...body } }),
  ends: { 1: ["Delivered", 200, 2], 2: [reason, 400, 1], 3: ["Delivered", 200, 2] },
  sent: ["1 2 3", "1 3"]
})

/** A service that refuses every request with a certain event, and does not name it. */
const refusing = (status: number, culprit: string): Case => ({
  count: 64,
  options: { flushQueueSize: 64 },
  script: ({ events }) => typesOf(events).includes(culprit) ? { status, body: "no" } : 200,
  also: ({ reports, server }) => {
    assert.isAtMost(server.requests.length, 13)
    assert.strictEqual(reports.length, 64)
    assert.deepStrictEqual(
      reports.filter(({ _tag }) => _tag === "Dropped").map((report) => [report.event.event_type, ...endOf(report)]),
      [[culprit, "Rejected", status, 7]]
    )
  }
})

/** The pause takes 30 real seconds, which the test does not wait for: the paused events are still there at shutdown. */
const paused = (body: object): Case => ({
  script: firstly({ status: 429, body: { code: 429, error: "Too many requests for some devices and users", ...body } }),
  leftovers: 1,
  options: { shutdownTimeout: "100 millis" },
  ends: { 1: ["Delivered", 200, 2], 2: ["Shutdown", 0, 1], 3: ["Delivered", 200, 2] },
  sent: ["1 2 3", "1 3"]
})

const overQuota = (body: object): Case => ({
  script: firstly({ status: 429, body: { code: 429, error: "Exceeded daily quota", ...body } }),
  ends: { 1: ["Delivered", 200, 2], 2: ["QuotaExceeded", 429, 1], 3: ["Delivered", 200, 2] },
  sent: ["1 2 3", "1 3"]
})

const redirecting = (status: number): Case => ({
  ...exhausted(status, status),
  script: ({ path }) => path === "/elsewhere" ? 200 : { status, headers: { location: "/elsewhere" } },
  also: ({ server }) => assert.isTrue(server.requests.every(({ path }) => path !== "/elsewhere"))
})

/** The time between the first two requests. */
const gap = ({ server }: World): number => server.requests[1]!.time - server.requests[0]!.time

/** For a request that is late, and one after it that is not. */
const once: Options = { requestTimeout: "4 seconds" }

/** For requests that are all late. */
const brief: Options = { requestTimeout: "2 seconds" }

/** The options for a fault that only ends with `requestTimeout`. */
const lateIn = (fault: Server.Fault, options: Options): Options =>
  fault === "hang" || fault === "trickle" ? options : {}

const cases: Readonly<Record<string, Case>> = {
  "200 with an empty body": { script: () => ({ status: 200, body: "" }), ends: all("Delivered", 200, 1) },
  "200 with a page instead of JSON": {
    script: () => ({ status: 200, body: "<html>hello", headers: { "content-type": "text/html" } }),
    ends: all("Delivered", 200, 1)
  },
  "200 with {}": { script: () => ({ status: 200, body: {} }), ends: all("Delivered", 200, 1) },
  "200 whose body says 400": {
    script: () => ({ status: 200, body: { code: 400, events_with_invalid_fields: { time: [0] } } }),
    ends: all("Delivered", 200, 1)
  },
  "202 and 204": {
    script: ({ index }) => [202, 204][index] ?? 500,
    options: { flushQueueSize: 2 },
    ends: { 1: ["Delivered", 202, 1], 2: ["Delivered", 202, 1], 3: ["Delivered", 204, 1] }
  },
  "400 Invalid API key, which echoes it": {
    script: () => ({ status: 400, body: { code: 400, error: `Invalid API key: ${apiKey}` } }),
    ends: all("InvalidApiKey", 400, 1),
    also: ({ reports }) => assert.isTrue(reports.every(({ message }) => message.startsWith("Invalid API key: <")))
  },
  "400 with missing_field, even beside indices": {
    script: () => ({
      status: 400,
      body: {
        code: 400,
        error: "Request missing required field",
        missing_field: "event_type",
        events_with_invalid_fields: { time: [1] }
      }
    }),
    ends: all("Rejected", 400, 1),
    also: ({ reports }) => assert.include(reports[0]?.message, "event_type")
  },
  "400 with events_with_invalid_fields": naming({ events_with_invalid_fields: { time: [1] } }, "Rejected"),
  "400 with events_with_missing_fields": naming({ events_with_missing_fields: { event_type: [1] } }, "Rejected"),
  "400 with events_with_invalid_id_lengths": naming(
    { events_with_invalid_id_lengths: { user_id: [1, 9, -1] } },
    "Rejected"
  ),
  "400 with silenced_events": naming({ silenced_events: [1] }, "Silenced"),
  "400 that names the first offending event only, round after round": {
    count: 6,
    script: ({ events }) => {
      const index = typesOf(events).findIndex((type) => ["2", "3", "6"].includes(type))
      return index < 0 ? 200 : { status: 400, body: { code: 400, events_with_invalid_fields: { time: [index] } } }
    },
    ends: {
      1: ["Delivered", 200, 4],
      2: ["Rejected", 400, 1],
      3: ["Rejected", 400, 2],
      4: ["Delivered", 200, 4],
      5: ["Delivered", 200, 4],
      6: ["Rejected", 400, 3]
    },
    sent: ["1 2 3 4 5 6", "1 3 4 5 6", "1 4 5 6", "1 4 5"]
  },
  "400 with indices that are not of the request, bisected": {
    script: ({ events }) =>
      typesOf(events).includes("3") ? { status: 400, body: { events_with_invalid_fields: { time: [77] } } } : 200,
    ends: { 1: ["Delivered", 200, 2], 2: ["Delivered", 200, 2], 3: ["Rejected", 400, 2] },
    sent: ["1 2 3", "1 2", "3"]
  },
  "unindexed 400": refusing(400, "1"),
  "unindexed 400, at the end": refusing(400, "64"),
  "403": refusing(403, "33"),
  "422": refusing(422, "64"),
  "404": {
    script: () => ({ status: 404, body: "not here" }),
    ends: all("Rejected", 404, 1),
    sent: ["1 2 3"]
  },
  "413 by count": {
    count: 16,
    options: { flushQueueSize: 16 },
    script: ({ events }) => events.length > 4 ? { status: 413, body: "Payload too large" } : 200,
    also: ({ reports, server }) => {
      assert.strictEqual(reports.filter(({ _tag }) => _tag === "Delivered").length, 16)
      assert.deepStrictEqual(typesOf(server.took), Array.from({ length: 16 }, (_, index) => String(index + 1)))
    }
  },
  "413 for a single event": {
    script: ({ events }) => typesOf(events).includes("2") ? 413 : 200,
    ends: { 1: ["Delivered", 200, 3], 2: ["PayloadTooLarge", 413, 3], 3: ["Delivered", 200, 2] },
    sent: ["1 2 3", "1 2", "1", "2", "3"]
  },
  "429 with throttled users": paused({ throttled_users: { "user-000001": 40 } }),
  "429 with throttled users as a list": paused({ throttled_users: ["user-000001"] }),
  "429 with throttled devices": paused({ throttled_devices: { "user-000001": 40 } }),
  "429 with throttled events": paused({ throttled_events: [1] }),
  "429 with users over their quota": overQuota({ exceeded_daily_quota_users: { "user-000001": 500_001 } }),
  "429 with devices over their quota": overQuota({ exceeded_daily_quota_devices: { "user-000001": 500_001 } }),
  "400 with silenced and throttled ones in one body": {
    script: firstly({ status: 400, body: { code: 400, silenced_events: [0, 1], throttled_events: [1, 2] } }),
    count: 4,
    leftovers: 1,
    options: { shutdownTimeout: "100 millis" },
    ends: { 1: ["Silenced", 400, 1], 2: ["Silenced", 400, 1], 3: ["Shutdown", 0, 1], 4: ["Delivered", 200, 2] },
    sent: ["1 2 3 4", "4"]
  },
  "429 with a throttled user whose later events wait behind": {
    script: firstly({ status: 429, body: { throttled_events: [0] } }),
    count: 4,
    userOf: (index) => index % 2 === 1 ? "user-odd" : "user-even",
    leftovers: 2,
    options: { shutdownTimeout: "100 millis" },
    ends: { 1: ["Shutdown", 0, 1], 2: ["Delivered", 200, 2], 3: ["Shutdown", 0, 1], 4: ["Delivered", 200, 2] },
    sent: ["1 2 3 4", "2 4"]
  },
  "bare 429": retried(429),
  "429 whose lists name nobody of the request": retried({ status: 429, body: { throttled_users: { somebody: 40 } } }),
  "429 with Retry-After in seconds": {
    ...retried({ status: 429, headers: { "retry-after": "1" } }),
    also: (world) => assert.isAtLeast(gap(world), 990)
  },
  "429 with Retry-After as a date": {
    ...retried(429),
    script: ({ index }) =>
      index === 0
        ? { status: 429, headers: { "retry-after": new Date(Date.now() + 2000).toUTCString() } }
        : 200,
    also: (world) => assert.isAtLeast(gap(world), 900)
  },
  "503 with Retry-After in seconds": {
    ...retried({ status: 503, headers: { "Retry-After": "1" } }),
    also: (world) => assert.isAtLeast(gap(world), 990)
  },
  "a refused connection": {
    ...exhausted(200, 0),
    sent: []
  },
  "a name that does not resolve": {
    // a resolver can take its time to say so
    ...exhausted(200, 0, { serverUrl: "http://does-not-exist.invalid/", ...brief }),
    sent: []
  },
  "a connection that is reset before the request is read": {
    script: () => 200,
    serverOptions: { resetUnread: (index) => index < 2 },
    ends: all("Delivered", 200, 3),
    sent: ["1 2 3"]
  },
  "an answer later than requestTimeout": {
    script: ({ index }) => ({ status: 200, ...(index === 0 ? { delay: 10_000 } : {}) }),
    // long enough for the second answer to come in time on a busy machine
    options: once,
    ends: all("Delivered", 200, 2),
    sent: ["1 2 3", "1 2 3"]
  },
  "an answer just in time": {
    script: () => ({ status: 200, delay: 150 }),
    ends: all("Delivered", 200, 1),
    sent: ["1 2 3"]
  },
  "a 400 that is cut off, which is no answer": {
    script: firstly({ status: 400, body: "{}", headers: { "content-length": "100", connection: "close" } }),
    ends: all("Delivered", 200, 2),
    sent: ["1 2 3", "1 2 3"]
  },
  "gzip": {
    ...retried(503, { compression: "gzip" }),
    count: 3
  },
  ...Object.fromEntries([408, 500, 502, 503, 504].map((status) => [`${status}, once`, retried(status)])),
  ...Object.fromEntries([408, 500, 502, 503, 504].map((status) => [`${status}, for ever`, exhausted(status, status)])),
  ...Object.fromEntries(Server.faults.map((fault) => [`${fault}, once`, retried(fault, lateIn(fault, once))])),
  ...Object.fromEntries(
    Server.faults.map((fault) => [`${fault}, for ever`, exhausted(fault, 0, lateIn(fault, brief))])
  ),
  ...Object.fromEntries(
    [301, 302, 303, 307, 308].map((status) => [`${status} to where it would be taken`, redirecting(status)])
  )
}

/** Runs a case with its server, or with a URL where nobody listens. */
const run = (name: string, layer: (options: AmplitudeConfig.Options) => Layer.Layer<Amplitude, unknown>) =>
  Effect.gen(function*() {
    const { also, count = 3, ends, leftovers, options, script, sent, serverOptions, userOf } = cases[name]!
    const nowhere = name === "a refused connection" ? { serverUrl: yield* Server.refusingUrl } : {}
    yield* world(layer, script, { ...options, ...nowhere }, serverOptions ?? {}, (it) =>
      Effect.gen(function*() {
        yield* trackMany(it.client, count, (index) =>
          (userOf ?? ((number) =>
            `user-${String(number - 1).padStart(6, "0")}`))(index))
        const flush = yield* Effect.fork(it.client.flush)
        if (leftovers !== undefined) {
          yield* Effect.repeat(Effect.sleep("10 millis"), {
            until: () =>
              it.reports.length === count - leftovers
          })
          yield* it.client.shutdown
        }
        yield* Fiber.join(flush)
        if (ends !== undefined) {
          assert.deepStrictEqual(endsOf(it.reports), ends)
        }
        if (sent !== undefined) {
          assert.deepStrictEqual(sentIn(it.server.requests), sent)
        }
        assert.strictEqual(it.reports.length, count)
        also?.(it)
      }))
  })

for (const [title, layer] of Object.entries(layers)) {
  describe(`${title} and a service that`, { concurrent: true }, () => {
    for (const name of Object.keys(cases)) {
      it.live(`answers with ${name}`, () => run(name, layer))
    }

    it.live("refuses what is too large, until it does not: the limit comes back", () =>
      world(
        layer,
        ({ events }) => events.length > 4 ? 413 : 200,
        { flushQueueSize: 16 },
        {},
        ({ client, reports, server }) =>
          Effect.gen(function*() {
            yield* trackMany(client, 16)
            yield* client.flush
            const before = server.requests.length
            server.become(() => 200)
            for (let round = 0; round < 3; round++) {
              yield* Effect.forEach(
                Array.from({ length: 16 }, (_, index) => index),
                (index) => client.track({ event_type: `${round}-${index}`, user_id: `user-${index}` }),
                { discard: true }
              )
              yield* client.flush
            }
            assert.strictEqual(server.requests.at(-1)?.events.length, 16)
            assert.isAtMost(server.requests.length - before, 6)
            assert.isTrue(reports.every(({ _tag }) => _tag === "Delivered"))
            assert.strictEqual(reports.length, 64)
          })
      ))

    it.live("refuses bodies by their bytes: what fits is taken, and the limit comes back", () =>
      world(
        layer,
        ({ raw }) => raw.length > 100_000 ? 413 : 200,
        { flushQueueSize: 1000 },
        {},
        ({ client, reports, server }) =>
          Effect.gen(function*() {
            const track = (event_type: string, kilobytes: number) =>
              client.track({
                event_type,
                user_id: "user-12345",
                event_properties: { list: Array.from({ length: kilobytes }, () => "x".repeat(1000)) }
              })
            for (let index = 1; index <= 40; index++) yield* track(String(index), index === 20 ? 200 : 10)
            yield* client.flush
            assert.deepStrictEqual(
              reports.filter(({ _tag }) => _tag === "Dropped").map((report) => [
                report.event.event_type,
                ...endOf(report).slice(0, 2)
              ]),
              [["20", "PayloadTooLarge", 413]]
            )
            assert.strictEqual(reports.length, 40)
            assert.deepStrictEqual(
              typesOf(server.took),
              Array.from({ length: 40 }, (_, index) => String(index + 1)).filter((type) => type !== "20")
            )
            server.become(() => 200)
            for (const round of ["a", "b", "c", "d"]) {
              for (let index = 0; index < 40; index++) yield* track(`${round}${index}`, 10)
              yield* client.flush
            }
            assert.strictEqual(server.requests.at(-1)?.events.length, 40)
          })
      ))

    it.live("goes away while requests are under way: shutdown is not held up", () =>
      world(
        layer,
        () => "hang",
        { requestTimeout: "1 minute", shutdownTimeout: "200 millis", flushConcurrency: 4, flushQueueSize: 1 },
        {},
        ({ client, reports, server }) =>
          Effect.gen(function*() {
            yield* trackMany(client, 8)
            const flush = yield* Effect.fork(client.flush)
            yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => server.requests.length === 4 })
            // the test has less time than the requests
            yield* client.shutdown
            yield* Fiber.join(flush)
            assert.deepStrictEqual(
              Object.values(endsOf(reports)).map(([outcome, _, attempts]) => `${outcome} ${attempts}`).sort(),
              [...Array<string>(4).fill("Shutdown 0"), ...Array<string>(4).fill("Shutdown 1")]
            )
          })
      ))
  })
}

/** Tracks over a layer, shuts down, and gives the handles that would keep the process alive. */
const lifetime = (module: string, name: string, shutdownTimeout: string) => `
  const { Effect, Logger } = await import("effect")
  const { Amplitude } = await import("./src/index.js")
  const layer = (await import("./src/${module}.js")).${name}.layer({
    apiKey: "${apiKey}",
    serverUrl: process.argv[1],
    flushQueueSize: 2,
    flushConcurrency: 2,
    requestTimeout: "30 seconds",
    shutdownTimeout: "${shutdownTimeout}"
  })
  await Effect.forEach(
    Array.from({ length: 9 }, (_, index) => index),
    (index) => Amplitude.track({ event_type: String(index), user_id: "user-" + index })
  ).pipe(
    Effect.zipRight(Effect.sleep("300 millis")),
    Effect.provide(layer),
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    Effect.runPromise
  )
  const closed = performance.now()
  // a connection that is destroyed is gone some turns of the loop later
  for (let turns = 0; turns < 40 && process.getActiveResourcesInfo().includes("TCPSocketWrap"); turns++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  console.log(JSON.stringify(process.getActiveResourcesInfo()))
  process.on("exit", () => console.log(Math.round(performance.now() - closed)))
`

/** A process of its own that runs a script with a URL, until it ends. */
const inChild = (script: string, url: string) =>
  Effect.flatMap(
    Effect.promise(built),
    (cwd) =>
      Effect.async<{ readonly code: number | null; readonly signal: string | null; readonly lines: Array<string> }>(
        (resume) => {
          const child = spawn(
            process.execPath,
            ["--input-type=module", "--eval", script, url],
            { cwd, stdio: ["ignore", "pipe", "inherit"], timeout: 40_000, killSignal: "SIGKILL" }
          )
          let output = ""
          child.stdout.setEncoding("utf8").on("data", (text: string) => output += text)
          child.on(
            "close",
            (code, signal) => resume(Effect.succeed({ code, signal, lines: output.trim().split("\n") }))
          )
          return Effect.sync(() => child.kill("SIGKILL"))
        }
      )
  )

describe("a process whose client has shut down ends by itself", { concurrent: true, timeout: 60_000 }, () => {
  for (const [module, name] of [["index", "Amplitude"], ["AmplitudeNode", "AmplitudeNode"]] as const) {
    for (const answer of [200, "hang", "trickle", "refused"] as const) {
      it.scopedLive(`${name}.layer, ${answer}`, () =>
        Effect.gen(function*() {
          const server = yield* Server.make(() => answer === "refused" ? 200 : answer)
          const url = answer === "refused" ? yield* Server.refusingUrl : server.url
          const { code, lines, signal } = yield* inChild(
            // an answered request ends by itself
            lifetime(module, name, answer === 200 ? "20 seconds" : "300 millis"),
            url
          )
          assert.deepStrictEqual({ code, signal }, { code: 0, signal: null })
          const left = JSON.parse(lines[0]!) as Array<string>
          yield* Effect.logDebug(`${name} ${answer}: ${left.join(" ")}, ended after ${lines[1]} ms`)
          assert.notInclude(left, "Timeout")
          assert.notInclude(left, "TCPSocketWrap")
          assert.strictEqual(server.took.length, answer === 200 ? 9 : 0)
        }))
    }
  }
})

/**
 * The examples of plugins, live settings and telemetry, each as a process of its own against a local server.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { json } from "node:stream/consumers"
import { printedBy, run, start } from "./support/example.js"

/** A server that records the posted bodies by their paths. */
const sink = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const bodies: Array<{ readonly path: string | undefined; readonly body: any }> = []
      const server = createServer((request, response) => {
        void json(request).then((body) => {
          bodies.push({ path: request.url, body })
          response.writeHead(200, { "content-type": "application/json" }).end("{}")
        })
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return { bodies, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    }),
    ({ server }) =>
      Effect.promise(() =>
        new Promise((resolve) => {
          server.close(resolve)
          server.closeAllConnections()
        })
      )
  ),
  ({ bodies, url }) => ({
    url,
    posted: (path: string) => bodies.filter((one) => one.path === path).map((one) => one.body)
  })
)

/** The uploads of the server: somebody can wait for the first one with a text in it. */
const watched = () => {
  const bodies: Array<string> = []
  const waiting = new Map<() => boolean, () => void>()
  return {
    layer: DevServer.layer({
      intercept: ({ body }) => {
        bodies.push(body)
        for (const [isThere, resolve] of waiting) if (isThere()) resolve()
        return Option.none()
      }
    }),
    uploaded: (text: string) =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          const isThere = () => bodies.some((body) => body.includes(text))
          waiting.set(isThere, resolve)
          if (isThere()) resolve()
        })
      )
  }
}

/** A file for the life of the scope, and how to write it. */
const settingsFile = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "effect-amplitude-"))),
    (directory) => Effect.promise(() => rm(directory, { recursive: true }))
  ),
  (directory) => {
    const path = join(directory, "settings.json")
    return { path, write: (text: string) => Effect.promise(() => writeFile(path, text)) }
  }
)

const songs = [
  { id: 1, name: "Song Played", user: "user-12345", properties: { title: "So What" } },
  { id: 2, name: "Song Played", user: "user-12345", properties: { title: "Blue in Green" } },
  { id: 3, name: "Song Liked", user: "user-12345", properties: { title: "Blue in Green" } }
]

const songsAtAmplitude = Effect.map(
  DevServer.events,
  (events) =>
    events.map(({ event_id: id, event_properties: properties, event_type: name, user_id: user }) => ({
      id,
      name,
      user,
      properties
    }))
)

describe("the examples of plugins, live settings and telemetry", { timeout: 60_000 }, () => {
  it.scopedLive("plugins, with a local server as the other API", () =>
    Effect.gen(function*() {
      const lines = (yield* run("plugins")).split("\n")
      for (const receiver of ["Amplitude", "the other API"]) {
        assert.deepStrictEqual(
          lines.filter((line) => line.startsWith(receiver)),
          songs.map(({ id, name, user }) => `${receiver} received ${id}: ${name} of ${user}`)
        )
      }
      assert.deepStrictEqual(yield* songsAtAmplitude, songs)
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("plugins, with an API of the user's", () =>
    Effect.gen(function*() {
      const { posted, url } = yield* sink
      yield* run("plugins", { env: { OTHER_API_URL: `${url}/ingest` } })
      assert.deepStrictEqual(posted("/ingest"), songs)
      assert.deepStrictEqual(yield* songsAtAmplitude, songs)
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("reload", () => {
    const { layer, uploaded } = watched()
    return Effect.gen(function*() {
      const { path, write } = yield* settingsFile
      yield* write(JSON.stringify({ flushInterval: 50, eventOptions: { app_version: "1.0.0" } }))
      const example = yield* start("reload", { args: [path] })
      yield* uploaded(`"app_version":"1.0.0"`)

      // each of these files is refused, and the settings stay as they were
      yield* write(JSON.stringify({ flushInterval: 0, eventOptions: { app_version: "refused" } }))
      yield* example.signal("SIGHUP")
      yield* example.printed(/stay as they are: flushInterval: expected a duration longer than zero, got 0/)
      yield* write(JSON.stringify({ apiKey: "another", eventOptions: { app_version: "refused" } }))
      yield* example.signal("SIGHUP")
      yield* example.printed(/\["apiKey"\]\s+└─ is unexpected/)
      yield* write("{")
      yield* example.signal("SIGHUP")
      yield* example.printed(/stay as they are: [^]* JSON at position 1/)

      yield* write(JSON.stringify({ flushInterval: 50, eventOptions: { app_version: "2.0.0" } }))
      yield* example.signal("SIGHUP")
      yield* uploaded(`"app_version":"2.0.0"`)

      // from here on no event leaves by itself: the end of the program delivers them
      yield* write(JSON.stringify({ flushInterval: 3_600_000, eventOptions: { app_version: "3.0.0" } }))
      yield* example.signal("SIGHUP")
      yield* example.printed(/"app_version":"3\.0\.0"[^]*job \d+ is done[^]*job \d+ is done/)
      yield* example.signal("SIGTERM")
      const output = printedBy(yield* example.ended)

      const jobs = output.match(/(?<=^job )\d+(?= is done$)/gm)?.map(Number) ?? []
      const events = yield* DevServer.events
      assert.deepStrictEqual(jobs, jobs.map((_, index) => index + 1))
      // the last one may have been tracked when the signal came before it was printed
      assert.deepStrictEqual(events.slice(0, jobs.length).map(({ event_properties }) => event_properties.job), jobs)
      assert.isAtMost(events.length, jobs.length + 1)
      assert.isTrue(events.every(({ device_id, event_type }) => event_type === "Job Done" && device_id === "worker-1"))
      const versions = events.map(({ app_version }) => app_version)
      assert.deepStrictEqual(versions, versions.toSorted())
      assert.deepStrictEqual([...new Set(versions)], ["1.0.0", "2.0.0", "3.0.0"])
    }).pipe(Effect.provide(layer))
  })

  const metrics = [
    "amplitude_batch_size",
    "amplitude_events_delivered",
    "amplitude_events_dropped",
    "amplitude_events_tracked",
    "amplitude_queue_depth",
    "amplitude_request_bytes",
    "amplitude_request_duration_ms",
    "amplitude_requests"
  ]

  it.scopedLive("telemetry, with a local server as the collector", () =>
    Effect.gen(function*() {
      const lines = (yield* run("telemetry")).split("\n")
      assert.deepStrictEqual(
        lines.flatMap((line) =>
          /^the collector received (?:metric|span) (amplitude.+) \([1-9]\d*\)$/.exec(line)?.[1] ?? []
        ),
        [...metrics, "amplitude.send"]
      )
      const [request] = yield* DevServer.requests
      assert.strictEqual(request?.events, 2)
      for (
        const line of [
          "# TYPE amplitude_events_tracked counter",
          "amplitude_events_tracked 2",
          "amplitude_events_delivered 2",
          `amplitude_events_dropped{reason="Invalid"} 1`,
          `amplitude_requests{status="200"} 1`,
          `amplitude_request_bytes ${request?.bytes}`,
          "# TYPE amplitude_queue_depth gauge",
          "amplitude_queue_depth 0",
          "# TYPE amplitude_batch_size histogram",
          `amplitude_batch_size_bucket{le="1"} 0`,
          `amplitude_batch_size_bucket{le="2"} 1`,
          `amplitude_batch_size_bucket{le="+Inf"} 1`,
          "amplitude_batch_size_sum 2",
          "amplitude_batch_size_count 1",
          "amplitude_request_duration_ms_count 1"
        ]
      ) {
        assert.include(lines, line)
      }
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("telemetry, with a collector of the user's", () =>
    Effect.gen(function*() {
      const { posted, url } = yield* sink
      yield* run("telemetry", { env: { OTEL_EXPORTER_OTLP_ENDPOINT: url } })
      const last = posted("/v1/metrics").at(-1).resourceMetrics[0]
      assert.deepInclude(last.resource.attributes, { key: "service.name", value: { stringValue: "shop" } })
      const received = new Map<string, any>(last.scopeMetrics[0].metrics.map((metric: any) => [metric.name, metric]))
      assert.includeMembers([...received.keys()], metrics)
      assert.deepInclude(received.get("amplitude_events_delivered").sum.dataPoints[0], { asDouble: 2 })
      assert.deepInclude(received.get("amplitude_events_dropped").sum.dataPoints[0], {
        asDouble: 1,
        attributes: [{ key: "reason", value: { stringValue: "Invalid" } }]
      })
      assert.deepInclude(received.get("amplitude_queue_depth").gauge.dataPoints[0], { asDouble: 0 })
      assert.deepInclude(received.get("amplitude_batch_size").histogram.dataPoints[0], { count: 1, sum: 2 })
      const spans = posted("/v1/traces").flatMap(({ resourceSpans }) => resourceSpans[0].scopeSpans[0].spans)
      assert.deepStrictEqual(spans.map(({ name, parentSpanId }) => ({ name, parentSpanId })), [
        { name: "amplitude.send", parentSpanId: undefined }
      ])
    }).pipe(Effect.provide(DevServer.layer())))
})

/**
 * The metrics, spans and logs of the SDK. They are exported over OTLP with `@effect/opentelemetry`, and the metrics are
 * printed in the text format of Prometheus. If OTEL_EXPORTER_OTLP_ENDPOINT is not set, the collector is a server of
 * this example, which prints what it received.
 *
 *     AMPLITUDE_API_KEY=... npx tsx examples/telemetry.ts
 */
import * as Otlp from "@effect/opentelemetry/Otlp"
import { FetchHttpClient, HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import type { MetricPair } from "effect"
import { Config, Console, Effect, Layer, Metric, MetricState, Option, Schema } from "effect"
import { Amplitude, AmplitudeLive } from "effect-amplitude"
import { createServer } from "node:http"

// The collector

const Metrics = Schema.Struct({
  resourceMetrics: Schema.Array(Schema.Struct({
    scopeMetrics: Schema.Array(Schema.Struct({
      metrics: Schema.Array(Schema.Struct({ name: Schema.String }))
    }))
  }))
})

const Spans = Schema.Struct({
  resourceSpans: Schema.Array(Schema.Struct({
    scopeSpans: Schema.Array(Schema.Struct({
      spans: Schema.Array(Schema.Struct({ name: Schema.String }))
    }))
  }))
})

/** A collector that counts what it receives by name, and prints the counts when it ends. */
const localCollector = Effect.gen(function*() {
  const server = yield* NodeHttpServer.make(createServer, { host: "127.0.0.1", port: 0 })
  const counts = new Map<string, number>()
  const count = (kind: string, received: ReadonlyArray<{ readonly name: string }>) => {
    for (const { name } of received) counts.set(`${kind} ${name}`, (counts.get(`${kind} ${name}`) ?? 0) + 1)
    return HttpServerResponse.unsafeJson({})
  }
  yield* Effect.addFinalizer(() =>
    Effect.forEach([...counts].sort(), ([name, times]) => Console.log(`the collector received ${name} (${times})`))
  )
  yield* HttpRouter.empty.pipe(
    HttpRouter.post(
      "/v1/metrics",
      Effect.map(
        HttpServerRequest.schemaBodyJson(Metrics),
        ({ resourceMetrics }) =>
          count("metric", resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics)))
      )
    ),
    HttpRouter.post(
      "/v1/traces",
      Effect.map(
        HttpServerRequest.schemaBodyJson(Spans),
        ({ resourceSpans }) =>
          count("span", resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
      )
    ),
    HttpRouter.post("/v1/logs", HttpServerResponse.json({})),
    HttpServer.serveEffect(),
    Effect.provideService(HttpServer.HttpServer, server),
    Effect.withTracerEnabled(false)
  )
  return HttpServer.formatAddress(server.address)
})

const collector = Effect.flatMap(
  Config.option(Config.string("OTEL_EXPORTER_OTLP_ENDPOINT")),
  Option.match({ onNone: () => localCollector, onSome: Effect.succeed })
)

/** Metrics, spans and logs, every few seconds and once more at the end. */
const Telemetry = Layer.unwrapScoped(
  Effect.map(collector, (baseUrl) => Otlp.layerJson({ baseUrl, resource: { serviceName: "shop" } }))
).pipe(Layer.provide(FetchHttpClient.layer))

// Prometheus

const typeOf = (state: MetricState.MetricState.Untyped): string | undefined =>
  MetricState.isCounterState(state)
    ? "counter"
    : MetricState.isGaugeState(state)
    ? "gauge"
    : MetricState.isHistogramState(state)
    ? "histogram"
    : undefined

const escape = (text: string): string => text.replace(/[\\"\n]/g, (char) => char === "\n" ? "\\n" : `\\${char}`)

const linesOf = ({ metricKey: { name, tags }, metricState }: MetricPair.MetricPair.Untyped): ReadonlyArray<string> => {
  const line = (suffix: string, value: unknown, more: ReadonlyArray<readonly [string, string]> = []) => {
    const labels = [...tags.map(({ key, value }) => [key, value] as const), ...more]
      .map(([key, value]) => `${key}="${escape(value)}"`)
    return `${name}${suffix}${labels.length === 0 ? "" : `{${labels.join(",")}}`} ${String(value)}`
  }
  if (MetricState.isCounterState(metricState)) return [line("", metricState.count)]
  if (MetricState.isGaugeState(metricState)) return [line("", metricState.value)]
  if (!MetricState.isHistogramState(metricState)) return []
  return [
    ...[...metricState.buckets].filter(([boundary]) => Number.isFinite(boundary))
      .map(([boundary, count]) => line("_bucket", count, [["le", String(boundary)]])),
    line("_bucket", metricState.count, [["le", "+Inf"]]),
    line("_sum", metricState.sum),
    line("_count", metricState.count)
  ]
}

/** The metrics whose names begin with a prefix, in the text format of Prometheus. */
const prometheus = (prefix: string) =>
  Effect.map(Metric.snapshot, (pairs) => {
    const families = new Map<string, Array<MetricPair.MetricPair.Untyped>>()
    for (const pair of pairs) {
      const { name } = pair.metricKey
      if (name.startsWith(prefix)) families.set(name, [...(families.get(name) ?? []), pair])
    }
    return [...families].sort(([a], [b]) => a < b ? -1 : 1).flatMap(([name, family]) => {
      const [{ metricState }] = family as [MetricPair.MetricPair.Untyped]
      return [`# TYPE ${name} ${typeOf(metricState)}`, ...family.flatMap(linesOf)]
    }).join("\n")
  })

// The program

const program = Effect.gen(function*() {
  yield* Amplitude.track("Product Viewed", { sku: "tea" }, { user_id: "user-12345" })
  yield* Amplitude.track("Product Viewed", { sku: "mug" }, { user_id: "user-12345" })
  // An event without a user is invalid: it is dropped and counted.
  yield* Amplitude.track("Product Viewed", { sku: "teapot" })
  yield* Amplitude.flush
  yield* Console.log(yield* prometheus("amplitude_"))
})

// The client closes before the telemetry does, which exports its last metrics.
program.pipe(Effect.provide(Layer.provideMerge(AmplitudeLive, Telemetry)), NodeRuntime.runMain)

/**
 * The two plugins of the guide of Amplitude's Python SDK: one that numbers the events, and one that sends each event to
 * another API as well. If OTHER_API_URL is not set, the other API is a server of this example, which prints what it
 * receives.
 *
 *     AMPLITUDE_API_KEY=... npx tsx examples/plugins.ts
 */
import {
  FetchHttpClient,
  HttpClient,
  HttpClientRequest,
  HttpRouter,
  HttpServer,
  HttpServerRequest,
  HttpServerResponse
} from "@effect/platform"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Console, Effect, Layer, Option, Schedule, Schema } from "effect"
import { Amplitude, AmplitudeConfig, Event, Plugin } from "effect-amplitude"
import { createServer } from "node:http"

// The plugins

/** Numbers the events of the process, from 1. */
const eventId = Effect.sync(() => {
  let last = 0
  return Plugin.enrichment("event-id", (event) => Effect.sync(() => new Event({ ...event, event_id: ++last })))
})

/** Each destination has its own fiber: an API that is slow or down delays neither the program nor Amplitude. */
const otherApi = Effect.gen(function*() {
  const url = yield* otherApiUrl
  const client = (yield* HttpClient.HttpClient).pipe(
    HttpClient.filterStatusOk,
    HttpClient.retryTransient({ times: 3, schedule: Schedule.exponential("100 millis") })
  )
  return Plugin.destination({
    name: "other-api",
    execute: ({ event_id, event_properties, event_type, user_id }) =>
      HttpClientRequest.post(url).pipe(
        HttpClientRequest.bodyJson({ id: event_id, name: event_type, user: user_id, properties: event_properties }),
        Effect.flatMap(client.execute),
        Effect.flatMap((response) => response.text)
      ),
    // Amplitude.flush waits for destinations that have a flush, also for one that does nothing.
    flush: Effect.void
  })
})

// The other API

const OtherApiEvent = Schema.Struct({ id: Schema.Int, name: Schema.String, user: Schema.String })

const localApi = Effect.gen(function*() {
  const server = yield* NodeHttpServer.make(createServer, { host: "127.0.0.1", port: 0 })
  yield* HttpRouter.empty.pipe(
    HttpRouter.post(
      "/events",
      Effect.gen(function*() {
        const { id, name, user } = yield* HttpServerRequest.schemaBodyJson(OtherApiEvent)
        yield* Console.log(`the other API received ${id}: ${name} of ${user}`)
        return HttpServerResponse.empty()
      })
    ),
    HttpServer.serveEffect(),
    Effect.provideService(HttpServer.HttpServer, server)
  )
  return `${HttpServer.formatAddress(server.address)}/events`
})

const otherApiUrl = Effect.flatMap(
  Config.option(Config.string("OTHER_API_URL")),
  Option.match({ onNone: () => localApi, onSome: Effect.succeed })
)

// The program

const program = Effect.gen(function*() {
  yield* Amplitude.add(yield* eventId)
  yield* Amplitude.add(yield* otherApi)

  yield* Amplitude.track("Song Played", { title: "So What" })
  yield* Amplitude.track("Song Played", { title: "Blue in Green" })
  yield* Amplitude.track("Song Liked", { title: "Blue in Green" })

  // Completes when Amplitude and the other API have all events.
  yield* Amplitude.flush
}).pipe(Amplitude.withEventOptions({ user_id: "user-12345" }), Effect.scoped)

/** The settings of the environment, and a callback that prints the outcome of each event. */
const AmplitudeLayer = Amplitude.layerConfig(
  Config.map(AmplitudeConfig.environment, (options) => ({
    ...options,
    callback: ({ _tag, event: { event_id, event_type, user_id } }) =>
      Console.log(
        `Amplitude ${_tag === "Delivered" ? "received" : "did not take"} ${event_id}: ${event_type} of ${user_id}`
      )
  }))
)

program.pipe(Effect.provide(Layer.merge(AmplitudeLayer, FetchHttpClient.layer)), NodeRuntime.runMain)

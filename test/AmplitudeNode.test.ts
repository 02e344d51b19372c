import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Stream } from "effect"
import { Amplitude, AmplitudeConfig } from "effect-amplitude"
import { AmplitudeNode, AmplitudeNodeLive } from "effect-amplitude/AmplitudeNode"
import { DevServer } from "effect-amplitude/DevServer"
import { run } from "./support/example.js"

const program = Amplitude.track("Button Clicked", { source: "notification" }, { user_id: "user-12345" })

/** The events that arrive at a real server when the program runs with the client of `layer`. */
const arrived = <E>(layer: (url: string) => Layer.Layer<Amplitude, E>) =>
  Effect.gen(function*() {
    const server = yield* DevServer
    yield* Effect.provide(program, layer(server.urlV2))
    return (yield* server.events).map(({ event_type }) => event_type)
  }).pipe(Effect.provide(DevServer.layer()))

const environment = (url: string) =>
  Layer.setConfigProvider(ConfigProvider.fromMap(
    new Map([
      ["AMPLITUDE_API_KEY", "a-key"],
      ["AMPLITUDE_SERVER_URL", url]
    ])
  ))

describe("clients over real sockets", () => {
  it.live("AmplitudeNode.layer", () =>
    Effect.map(
      arrived((serverUrl) => AmplitudeNode.layer({ apiKey: "a-key", serverUrl })),
      (events) => assert.deepStrictEqual(events, ["Button Clicked"])
    ))

  it.live("AmplitudeNode.layerConfig and AmplitudeNodeLive", () =>
    Effect.gen(function*() {
      for (const layer of [AmplitudeNodeLive, AmplitudeNode.layerConfig(AmplitudeConfig.environment)]) {
        assert.deepStrictEqual(
          yield* arrived((url) => Layer.provide(layer, environment(url))),
          ["Button Clicked"]
        )
      }
    }))

  it.live("Amplitude.make, beside the client of the program, and the statics that have no arguments", () =>
    Effect.gen(function*() {
      const server = yield* DevServer
      const other = yield* Amplitude.make({ apiKey: "another-key", serverUrl: server.urlBatch, useBatch: true })
      yield* other.track({ event_type: "other", user_id: "user-12345" })
      yield* other.shutdown
      yield* Effect.gen(function*() {
        const reports = yield* Effect.fork(Stream.runCount(Amplitude.deliveries))
        yield* Effect.yieldNow()
        yield* Amplitude.trackAndWait({ event_type: "mine", user_id: "user-12345" }).pipe(
          Effect.zipLeft(Amplitude.flush, { concurrent: true })
        )
        yield* Amplitude.shutdown
        assert.strictEqual(yield* reports, 1)
      }).pipe(Effect.provide(Amplitude.layer({ apiKey: "a-key", serverUrl: server.urlV2, flushQueueSize: 1 })))
      assert.deepStrictEqual((yield* server.events).map(({ event_type }) => event_type), ["other", "mine"])
    }).pipe(Effect.scoped, Effect.provide(DevServer.layer())))

  it.live("a server that is not there is no answer, and the report says what the socket said", () =>
    Effect.gen(function*() {
      const url = yield* Effect.map(DevServer, (server) => server.urlV2).pipe(Effect.provide(DevServer.layer()))
      const error = yield* Amplitude.trackAndWait({ event_type: "lost", user_id: "user-12345" }).pipe(
        Effect.flip,
        Effect.provide(
          Amplitude.layer({ apiKey: "a-secret-key", serverUrl: url, flushMaxRetries: 0, flushQueueSize: 1 })
        )
      )
      assert.isTrue(error._tag === "DeliveryError" && error.reason === "RetriesExhausted" && error.report?.code === 0)
      assert.include(error.message, "ECONNREFUSED")
    }))
})

describe("a client that nobody closes", { timeout: 60_000 }, () => {
  it.scopedLive.each(["fetch", "undici"])(
    "lets its process end over %s, when all is delivered and not before",
    (transport) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* run("../test/support/leftOpen", { args: [transport] }), "")
        assert.deepStrictEqual((yield* DevServer.events).map(({ event_type }) => event_type), ["Left Open"])
      }).pipe(Effect.provide(DevServer.layer()))
  )
})

describe("compression", () => {
  it.live("bodies of more than 2048 bytes leave in gzip, smaller ones as they are", () =>
    Effect.gen(function*() {
      const server = yield* DevServer
      for (const make of [Amplitude.layer, AmplitudeNode.layer]) {
        yield* server.clear
        yield* Effect.gen(function*() {
          yield* program
          yield* Amplitude.flush
          yield* Amplitude.track("Large", { text: Array.from({ length: 10 }, () => "é漢😀".repeat(100)) }, {
            user_id: "user-12345"
          })
        }).pipe(Effect.provide(make({ apiKey: "a-key", serverUrl: server.urlV2, compression: "gzip" })))
        assert.deepStrictEqual(
          (yield* server.requests).map(({ contentEncoding, status }) => [status, contentEncoding]),
          [[200, undefined], [200, "gzip"]]
        )
        assert.deepStrictEqual((yield* server.events)[1]?.event_properties, {
          text: Array.from({ length: 10 }, () => "é漢😀".repeat(100))
        })
      }
    }).pipe(Effect.provide(DevServer.layer())))
})

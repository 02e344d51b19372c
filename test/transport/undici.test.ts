/** The client over undici: its connections, and a platform whose undici cannot dispatch, as Bun. */
import { FetchHttpClient } from "@effect/platform"
import { Undici } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import * as TcpServer from "../support/tcpServer.js"

/** Runs an effect while the agents of undici have no `dispatch`. */
const withoutDispatch = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() =>
      Object.defineProperty(Undici.Agent.prototype, "dispatch", { value: undefined, configurable: true })
    ),
    () => effect,
    (prototype) => Effect.sync(() => Reflect.deleteProperty(prototype, "dispatch"))
  )

describe("AmplitudeNode without a dispatcher", () => {
  it.live("sends over fetch", () => {
    const urls: Array<string> = []
    const fetch = Layer.succeed(FetchHttpClient.Fetch, (url) => {
      urls.push(String(url))
      return Promise.resolve(new Response("{}"))
    })
    const serverUrl = "http://localhost/2/httpapi"
    return withoutDispatch(
      Amplitude.trackAndWait({ event_type: "Clicked", user_id: "user-12345" }).pipe(
        Effect.provide(Layer.provide(AmplitudeNode.layer({ apiKey: "key", serverUrl, flushQueueSize: 1 }), fetch)),
        Effect.map(({ code }) => assert.deepStrictEqual({ code, urls }, { code: 200, urls: [serverUrl] }))
      )
    )
  })
})

describe("AmplitudeNode", () => {
  // undici itself closes such a connection after 10 seconds
  it.scopedLive("closes a connection whose handshake has not ended", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<void>()
      const { port } = yield* TcpServer.make((socket) => {
        socket.on("data", () => Deferred.unsafeDone(begun, Effect.void))
        socket.on("close", () => Deferred.unsafeDone(closed, Effect.void))
      })
      yield* Amplitude.track({ event_type: "Clicked", user_id: "user-12345" }).pipe(
        Effect.zipRight(Deferred.await(begun)),
        Effect.provide(AmplitudeNode.layer({
          apiKey: "key",
          serverUrl: `https://127.0.0.1:${port}/`,
          flushQueueSize: 1,
          shutdownTimeout: 0
        }))
      )
      yield* Deferred.await(closed)
    }), 9000)

  it.scopedLive("opens as many connections as it needs without a warning", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []
      const onWarning = ({ message }: Error) => warnings.push(message)
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("warning", onWarning)),
        () => Effect.sync(() => process.off("warning", onWarning))
      )
      const allOpen = yield* Deferred.make<void>()
      let open = 0
      const { port } = yield* TcpServer.make((socket) => {
        socket.resume()
        if (++open === 12) Deferred.unsafeDone(allOpen, Effect.void)
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const context = yield* Layer.build(AmplitudeNode.layer({
          apiKey: "key",
          serverUrl: `http://127.0.0.1:${port}`,
          flushQueueSize: 1,
          flushConcurrency: 12,
          shutdownTimeout: 0
        }))
        const client = Context.get(context, Amplitude)
        for (let user = 0; user < 12; user++) {
          yield* client.track({ event_type: "Clicked", user_id: `user-1234${user}` })
        }
        yield* Deferred.await(allOpen)
      }))
      assert.deepStrictEqual(warnings, [])
    }))
})

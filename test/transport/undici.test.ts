/** The client over undici on a platform whose undici cannot dispatch, as on Bun. */
import { FetchHttpClient } from "@effect/platform"
import { Undici } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"

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

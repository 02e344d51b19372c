/** The client over undici where undici cannot dispatch, as on Bun. */
import { FetchHttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { vi } from "vitest"

vi.mock("@effect/platform-node/Undici", () => ({ Agent: class {} }))

describe("AmplitudeNode without a dispatcher", () => {
  it.live("sends over fetch", () => {
    const urls: Array<string> = []
    const fetch = Layer.succeed(FetchHttpClient.Fetch, (url) => {
      urls.push(String(url))
      return Promise.resolve(new Response("{}"))
    })
    const serverUrl = "http://localhost/2/httpapi"
    return Amplitude.trackAndWait({ event_type: "Clicked", user_id: "user-12345" }).pipe(
      Effect.provide(Layer.provide(AmplitudeNode.layer({ apiKey: "key", serverUrl, flushQueueSize: 1 }), fetch)),
      Effect.map(({ code }) => assert.deepStrictEqual({ code, urls }, { code: 200, urls: [serverUrl] }))
    )
  })
})

/**
 * The floor written with Effect, which shows the cost of Effect itself: the same loop in one fiber, an operation for
 * each event, and batches of 200 over an `HttpClient`.
 */
import { FetchHttpClient, HttpBody, HttpClient, HttpClientRequest } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import type { Layer } from "effect"
import { Effect, ManagedRuntime } from "effect"
import { makeEvent } from "../event.js"
import type { Open } from "./client.js"
import { batchSize, encode } from "./floor.js"

const openOver = (layer: Layer.Layer<HttpClient.HttpClient>): Open => async ({ url }) => {
  const runtime = ManagedRuntime.make(layer)
  const client = await runtime.runPromise(HttpClient.HttpClient)
  const batch: Array<string> = []

  const send = Effect.suspend(() => {
    const body = `{"api_key":"key","events":[${batch.splice(0, batchSize).join(",")}]}`
    return Effect.flatMap(
      client.execute(HttpClientRequest.post(url, { body: HttpBody.text(body, "application/json") })),
      (response) => response.text
    )
  })

  const trackAll = (count: number, from: number, isSent: (isLast: boolean) => boolean) =>
    Effect.suspend(() => {
      let index = from
      return Effect.whileLoop<unknown, unknown, never>({
        while: () => index < from + count,
        body: () =>
          Effect.suspend(() => {
            batch.push(encode(makeEvent(index++)))
            return isSent(index === from + count) ? send : Effect.void
          }),
        step: () => {}
      })
    })

  const run = (effect: Effect.Effect<unknown, unknown>): Promise<void> =>
    runtime.runPromise(Effect.asVoid(Effect.withTracerEnabled(effect, false)))

  const isFull = () => batch.length === batchSize

  const sendAll = Effect.whileLoop<unknown, unknown, never>({
    while: () => batch.length > 0,
    body: () => send,
    step: () => {}
  })

  return {
    burst: (count, from) => run(trackAll(count, from, () => false)),
    produce: (count) => run(trackAll(count, 0, (isLast) => isLast || isFull())),
    steady: (count, from) => run(trackAll(count, from, isFull)),
    flush: () => run(sendAll),
    close: () => runtime.dispose()
  }
}

export const floorEffect = {
  "floor-effect": openOver(NodeHttpClient.layerUndici),
  "floor-effect-fetch": openOver(FetchHttpClient.layer)
} satisfies Record<string, Open>

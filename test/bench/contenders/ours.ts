/** This package, with its default settings but for what a contender's name says. */
import type { HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer, ManagedRuntime } from "effect"
import type { Event } from "effect-amplitude"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { makeEvent } from "../event.js"
import type { Client, Open, Settings } from "./client.js"

type Options = AmplitudeConfig.Options
type ClientLayer = Layer.Layer<Amplitude, unknown>

const overHttpClient = (client: Layer.Layer<HttpClient.HttpClient>) => (options: Options): ClientLayer =>
  Amplitude.layerServices.pipe(
    Layer.provide([
      EventStorage.layerMemory,
      Layer.provide(Transport.layerHttp, client),
      AmplitudeLogger.layerEffect
    ]),
    Layer.provide(AmplitudeConfig.layer(options))
  )

/** Nothing leaves by itself: neither for its number nor for its age. */
const held: Partial<Options> = { flushQueueSize: 10_000_000, flushInterval: "1 hour" }

/** After `flush` nothing is left for closing to deliver. */
export const optionsOf = ({ hold, url, waiting }: Settings): Options => ({
  apiKey: "key",
  serverUrl: url,
  shutdownTimeout: 0,
  ...(hold ? held : {}),
  // more than fits waits for room, so that the buffer keeps its default size
  ...(waiting > 100_000 ? hold ? { bufferCapacity: waiting } : { overflow: "suspend" } : {})
})

export type Runtime = ManagedRuntime.ManagedRuntime<Amplitude, unknown>

/** A loop in one running fiber, as fast as it goes. */
export const trackAll = (
  client: Amplitude.Client,
  count: number,
  from: number,
  eventOf: (index: number) => Event.Input = makeEvent
): Effect.Effect<void> =>
  Effect.suspend(() => {
    let index = from
    return Effect.whileLoop({
      while: () => index < from + count,
      body: () => client.track(eventOf(index++)),
      step: () => {}
    })
  })

/** The client in its runtime, and what the bench does with it. */
export const clientIn = (runtime: Runtime, amplitude: Amplitude.Client): Client => {
  const burst = (count: number, from: number) => runtime.runPromise(trackAll(amplitude, count, from))
  return {
    burst,
    produce: (count) => burst(count, 0),
    flush: () => runtime.runPromise(amplitude.flush),
    close: () => runtime.dispose()
  }
}

const openOver =
  (layerOf: (options: Options) => ClientLayer, extra: Partial<Options> = {}): Open => async (settings) => {
    const runtime = ManagedRuntime.make(layerOf({ ...optionsOf(settings), ...extra }))
    return clientIn(runtime, await runtime.runPromise(Amplitude))
  }

/** Someone reads the reports: one more of them is made for each event, and counted. */
const openWithCallback: Open = async (settings) => {
  let reports = 0
  const callback = () => Effect.sync(() => void reports++)
  const client = await openOver(AmplitudeNode.layer, { callback })(settings)
  return { ...client, notes: () => ({ reports }) }
}

/** A call through the runtime for each event, as from code that is not written with Effect. */
const openThrough = (call: (runtime: Runtime, effect: Effect.Effect<void>) => unknown): Open => async (settings) => {
  const runtime = ManagedRuntime.make(AmplitudeNode.layer(optionsOf(settings)))
  const amplitude = await runtime.runPromise(Amplitude)
  const burst = (count: number, from: number) => {
    for (let index = from; index < from + count; index++) call(runtime, amplitude.track(makeEvent(index)))
  }
  return { ...clientIn(runtime, amplitude), burst, produce: async (count) => burst(count, 0) }
}

export const ours = {
  fetch: openOver(Amplitude.layer),
  undici: openOver(AmplitudeNode.layer),
  "http-client": openOver(overHttpClient(NodeHttpClient.layerUndici)),
  "node-http": openOver(overHttpClient(NodeHttpClient.layer)),
  "undici+callback": openWithCallback,
  "undici-4": openOver(AmplitudeNode.layer, { flushConcurrency: 4 }),
  "undici-8": openOver(AmplitudeNode.layer, { flushConcurrency: 8 }),
  "runtime.runSync": openThrough((runtime, effect) => runtime.runSync(effect)),
  "runtime.runFork": openThrough((runtime, effect) => runtime.runFork(effect))
} satisfies Record<string, Open>

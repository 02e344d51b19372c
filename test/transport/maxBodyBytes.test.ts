/** A transport that takes smaller bodies than the service does. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"

const lengthOf = (body: string | Uint8Array): number => Buffer.from(body).length

describe("maxBodyBytes of a transport", () => {
  it.effect("bounds every body of more than one event, and refuses no event", () => {
    const bodies: Array<{ readonly bytes: number; readonly indices: ReadonlyArray<number> }> = []
    const transport = Layer.succeed(Transport, {
      maxBodyBytes: 1000,
      send: ({ body }) =>
        Effect.sync(() => {
          const { events } = JSON.parse(Buffer.from(body).toString())
          bodies.push({
            bytes: lengthOf(body),
            indices: events.map(({ event_properties }: any) => event_properties.index)
          })
          return { status: 200, headers: {}, body: "{}" }
        })
    })
    const layer = Amplitude.layerServices.pipe(
      Layer.provide([EventStorage.layerMemory, transport, AmplitudeLogger.layerEffect]),
      Layer.provide(AmplitudeConfig.layer({ apiKey: "key" }))
    )
    const lengths = [100, 0, 300, 10, 2000, 50, 0, 0, 400, 400]
    return Effect.gen(function*() {
      for (const [index, length] of lengths.entries()) {
        yield* Amplitude.track("Clicked", { index, text: "x".repeat(length) }, { device_id: "device-1" })
      }
      yield* Amplitude.flush
      assert.deepStrictEqual(bodies.flatMap(({ indices }) => indices), lengths.map((_, index) => index))
      for (const { bytes, indices } of bodies) assert.isTrue(bytes <= 1000 || indices.length === 1, `${bytes}`)
      assert.isTrue(bodies.some(({ indices }) => indices.length > 1))
    }).pipe(Effect.provide(layer))
  })
})

/**
 * Nanoseconds per call in one running fiber. `floor` is what any client has to do for an event: JSON.stringify and
 * crypto.randomUUID. Prints one line of JSON.
 *
 *     npx tsx test/bench/track.ts track|floor
 */
import { Effect, Layer } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import { makeEvent } from "./event.js"

const warmUp = 20_000
const calls = 100_000
const event = makeEvent(1)

const repeat = (times: number, call: () => Effect.Effect<void>): Effect.Effect<void> =>
  Effect.suspend(() => {
    let done = 0
    return Effect.whileLoop({ while: () => done++ < times, body: call, step: () => {} })
  })

const measure = (call: () => Effect.Effect<void>) =>
  Effect.gen(function*() {
    yield* repeat(warmUp, call)
    const started = process.hrtime.bigint()
    yield* repeat(calls, call)
    return Number(process.hrtime.bigint() - started) / calls
  })

/** Nothing overflows, and every request is taken at once. The loop yields now and then: sending is in the figure. */
const AmplitudeLayer = Amplitude.layerServices.pipe(
  Layer.provide([
    EventStorage.layerMemory,
    Layer.succeed(Transport, { send: () => Effect.succeed({ status: 200, headers: {}, body: "" }) }),
    AmplitudeLogger.layerNone
  ]),
  Layer.provide(AmplitudeConfig.layer({
    apiKey: "key",
    bufferCapacity: 10_000_000,
    flushQueueSize: 10_000_000,
    flushInterval: "1 hour",
    shutdownTimeout: 0
  }))
)

const contenders: Record<string, Effect.Effect<number, unknown>> = {
  track: Effect.flatMap(Amplitude, (client) => measure(() => client.track(event))).pipe(Effect.provide(AmplitudeLayer)),
  floor: Effect.suspend(() => {
    const buffer: Array<string> = []
    return measure(() =>
      Effect.sync(() => {
        buffer.push(JSON.stringify({ ...event, insert_id: crypto.randomUUID(), time: Date.now() }))
      })
    )
  })
}

const nanoseconds = await Effect.runPromise(contenders[process.argv[2] ?? "track"]!)
console.log(JSON.stringify({ nanoseconds }))

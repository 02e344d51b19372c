import { Effect, Layer } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import { makeEvent } from "./event.js"
const flushInterval = process.argv[2] ?? "10 seconds"
const N = Number(process.argv[3] ?? 100000)
const times: number[] = []; let n = 0
const L = Amplitude.layerServices.pipe(
  Layer.provide([EventStorage.layerMemory, Layer.succeed(Transport, { send: (r) => Effect.sync(() => { times.push(performance.now()); n += (r.body as string).split('"event_type":').length - 1; return { status: 200, headers: {}, body: "" } }) }), AmplitudeLogger.layerNone]),
  Layer.provide(AmplitudeConfig.layer({ apiKey: "key", bufferCapacity: 1e7, flushQueueSize: 200, flushInterval: flushInterval as any })))
const t0 = performance.now()
const log = (s: string) => console.log(s, (performance.now() - t0).toFixed(0), n, times.length)
await Effect.runPromise(Effect.gen(function*() {
  const c = yield* Amplitude
  let i = 0
  yield* Effect.whileLoop({ while: () => i < N, body: () => c.track(makeEvent(i++)), step: () => {} })
  log("tracked")
  yield* c.flush
  log("flushed")
}).pipe(Effect.provide(L)))
log("closed")
let worst = 0; for (let i = 1; i < times.length; i++) worst = Math.max(worst, times[i]! - times[i - 1]!)
console.log("largest gap", worst)

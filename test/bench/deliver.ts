/**
 * Seconds and CPU seconds until 100,000 events are delivered to the sink. `floor` is written by hand: one JSON.stringify
 * and one randomUUID per event, one undici connection that is kept alive, batches of 200, one request at a time. Prints
 * one line of JSON; `events` is what the sink has counted.
 *
 *     npx tsx test/bench/deliver.ts fetch|undici|floor http://127.0.0.1:PORT/
 */
import * as Undici from "@effect/platform-node/Undici"
import { Effect } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { makeEvent } from "./event.js"

const count = 100_000
const batchSize = 200
const [contender = "fetch", serverUrl = ""] = process.argv.slice(2)

// after `flush` nothing is left for closing to deliver
const options = { apiKey: "key", serverUrl, flushQueueSize: batchSize, bufferCapacity: 2 * count, shutdownTimeout: 0 }

const program = Effect.gen(function*() {
  const client = yield* Amplitude
  let index = 0
  yield* Effect.whileLoop({
    while: () => index < count,
    body: () => client.track(makeEvent(index++)),
    step: () => {}
  })
  yield* client.flush
})

const floor = Effect.promise(async () => {
  const agent = new Undici.Agent({ connections: 1 })
  let batch: Array<string> = []
  for (let index = 0; index < count; index++) {
    batch.push(JSON.stringify({ ...makeEvent(index), insert_id: crypto.randomUUID(), time: Date.now() }))
    if (batch.length < batchSize && index < count - 1) continue
    const { body } = await Undici.request(serverUrl, {
      dispatcher: agent,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"api_key":"key","events":[${batch.join(",")}]}`
    })
    await body.text()
    batch = []
  }
  await agent.close()
})

const contenders: Record<string, Effect.Effect<void, unknown>> = {
  fetch: Effect.provide(program, Amplitude.layer(options)),
  undici: Effect.provide(program, AmplitudeNode.layer(options)),
  floor
}

await fetch(serverUrl, { method: "DELETE" })
const cpu = process.cpuUsage()
const started = performance.now()
await Effect.runPromise(contenders[contender]!)
const seconds = (performance.now() - started) / 1000
const { system, user } = process.cpuUsage(cpu)
const { events } = await fetch(serverUrl).then((response) => response.json()) as { readonly events: number }
console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, events }))

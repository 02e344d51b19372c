/** Seconds and CPU seconds from before the client is opened until all events are delivered and it is closed. */
import { contender } from "../contenders/index.js"
import * as Control from "../control.js"
import { cpuSeconds } from "../cpu.js"
import type { Sampler } from "../sample.js"

export const sample: Sampler = async (name, { delay, events, ...place }) => {
  const open = await contender(name)
  await Control.order(place, { events: events!, delay: delay! })
  const cpu = cpuSeconds()
  const started = performance.now()
  const client = await open({ ...place, waiting: events!, hold: false, slow: delay! > 0 })
  await client.produce(events!)
  await client.flush()
  await client.close()
  return { seconds: (performance.now() - started) / 1000, cpuSeconds: cpuSeconds() - cpu, ...client.notes?.() }
}

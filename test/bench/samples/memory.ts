/**
 * Heap and resident memory of events that wait, and of the client after it has delivered them. The same is done once
 * before what is read, so that code, pools and pages that stay are not taken for events.
 */
import type { Client } from "../contenders/client.js"
import { contender } from "../contenders/index.js"
import * as Control from "../control.js"
import type { Figures, Sampler } from "../sample.js"

interface Reading {
  readonly heap: number
  readonly rss: number
}

/** Collected as far as it goes: what finalizers free only goes with a later collection. */
const read = async (): Promise<Reading> => {
  for (let times = 0; times < 5; times++) {
    gc!()
    await Control.sleep(50)
  }
  const { external, heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

/** Tracks, reads while everything waits, and drains. The sink holds its answers for those that cannot be told to. */
const cycle = async (client: Client, place: Control.Place, events: number): Promise<Reading> => {
  await Control.order(place, { events, hold: true })
  await client.burst(events, 0)
  const reading = await read()
  await Control.release(place)
  await client.flush()
  return reading
}

export const sample: Sampler = async (name, { events, ...place }): Promise<Figures> => {
  const open = await contender(name)
  const client = await open({ ...place, waiting: events!, hold: true, slow: false })
  const cold = await read()
  const first = await cycle(client, place, events!)
  const warm = await read()
  const second = await cycle(client, place, events!)
  const { bytes, distinct } = await Control.arrivalOf(place, events!, 2000)
  const after = await read()
  return {
    json: bytes / distinct,
    heapCold: (first.heap - cold.heap) / events!,
    rssCold: (first.rss - cold.rss) / events!,
    heap: (second.heap - warm.heap) / events!,
    rss: (second.rss - warm.rss) / events!,
    heapAfterCold: after.heap / cold.heap,
    rssAfterCold: after.rss / cold.rss,
    heapAfter: after.heap / warm.heap,
    rssAfter: after.rss / warm.rss
  }
}

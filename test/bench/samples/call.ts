/** The median nanoseconds of a call in bursts. Flushing between the bursts is not timed. */
import type { Client } from "../contenders/client.js"
import { contender } from "../contenders/index.js"
import { makeEvent } from "../event.js"
import type { Sampler } from "../sample.js"
import { median } from "../statistics.js"

/** The bare work that every client has: the text of an event, and an id. */
const bare: Client = {
  burst: (count, from) => {
    let length = 0
    for (let index = from; index < from + count; index++) {
      length += JSON.stringify(makeEvent(index)).length + crypto.randomUUID().length
    }
    if (length === 0) throw new Error("nothing was made")
  },
  produce: async () => {},
  flush: async () => {},
  close: async () => {}
}

export const sample: Sampler = async (name, { bursts, calls, ...place }) => {
  const client = name === "stringify+uuid"
    ? bare
    : await (await contender(name))({ ...place, waiting: 100_000, hold: true, slow: false })
  const size = Math.min(client.burstSize ?? calls!, calls!)
  const repeat = Math.ceil(bursts! * Math.min(calls! / size, 20))
  const times: Array<number> = []
  for (let burst = 0; burst < repeat * 2; burst++) {
    const started = process.hrtime.bigint()
    await client.burst(size, burst * size)
    const nanoseconds = Number(process.hrtime.bigint() - started) / size
    // the first half warms up
    if (burst >= repeat) times.push(nanoseconds)
    await client.flush()
  }
  return { nanoseconds: median(times), calls: size * repeat * 2 }
}

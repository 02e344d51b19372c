/** The delay of the event loop of a host that tracks steadily while batches leave. */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { contender } from "../contenders/index.js"
import * as Control from "../control.js"
import { cpuSeconds } from "../cpu.js"
import type { Sampler } from "../sample.js"
import { steadily } from "../steadily.js"

/** Long enough for the code that runs all the time to be compiled. */
const warmUpSeconds = 2

export const sample: Sampler = async (name, { rate, seconds, ...place }) => {
  const total = rate! * (seconds! + warmUpSeconds)
  await Control.order(place, { events: total })
  // the host alone, for what the machine adds
  const client = name === "nothing"
    ? undefined
    : await (await contender(name))({ ...place, waiting: total, hold: false, slow: false })
  const track = client === undefined ? () => {} : client.steady ?? client.burst
  await steadily(rate!, warmUpSeconds, 0, track)
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  const cpu = cpuSeconds()
  await steadily(rate!, seconds!, rate! * warmUpSeconds, track)
  histogram.disable()
  const used = cpuSeconds() - cpu
  void client?.flush().catch(() => {})
  const { distinct } = await Control.arrivalOf(place, client === undefined ? 0 : total, 12_000)
  return {
    mean: histogram.mean / 1e6,
    p99: histogram.percentile(99) / 1e6,
    max: histogram.max / 1e6,
    cpuShare: used / seconds!,
    events: total,
    distinct
  }
}

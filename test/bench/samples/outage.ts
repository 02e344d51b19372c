/** The service refuses connections while events are tracked, and comes back: how long until all are there. */
import { contender } from "../contenders/index.js"
import * as Control from "../control.js"
import type { Sampler } from "../sample.js"
import { steadily } from "../steadily.js"

/** After so long without a new event no more is expected. Longer than any interval or delay of a contender. */
const patience = 12_000

export const sample: Sampler = async (name, { events, seconds, ...place }) => {
  const open = await contender(name)
  await Control.order(place, { events: events! })
  const client = await open({ ...place, waiting: events!, hold: false, slow: false })
  await Control.stop(place)
  await steadily(events! / seconds!, seconds!, 0, client.steady ?? client.burst)
  await Control.start(place)
  void client.flush().catch(() => {})
  const { distinct, lastAt, startedAt } = await Control.arrivalOf(place, events!, patience)
  // what comes twice may come later
  await Control.sleep(500)
  const { arrived } = await Control.state(place)
  return {
    recovery: Math.max(0, lastAt - startedAt) / 1000,
    lost: events! - distinct,
    doubled: arrived - distinct
  }
}

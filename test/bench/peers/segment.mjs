/**
 * `@segment/analytics-node`. The options are those of its `AnalyticsSettings` (`dist/types/app/settings.d.ts`) and of
 * https://segment.com/docs/connections/sources/catalog/libraries/server/node/#configuration: `flushAt`, "the number of
 * events to enqueue before flushing", is 200 as for the others; the default of 15 is slower.
 *
 * Full batches are sent at once, however many are under way, and every event keeps what it needs until its answer. So
 * the loop waits for `flush` after each batch, which is faster, or after ten where answers take long.
 */
import { Analytics } from "@segment/analytics-node"
import { segmentEventOf } from "./events.mjs"
import { pace } from "./pace.mjs"

const flushAt = 200

/** @type {import("../contenders/client.ts").Open} */
export const open = async ({ slow, url }) => {
  const client = new Analytics({ writeKey: "key", host: url.replace(/\/$/, ""), flushAt })
  // without a listener a failed delivery would end the process
  client.on("error", () => {})
  const burst = (count, from) => {
    for (let index = from; index < from + count; index++) client.track(segmentEventOf(index))
  }
  const flush = () => client.flush()
  const every = slow ? 10 * flushAt : flushAt
  return { burst, produce: (count) => pace(count, every, burst, flush), flush, close: () => client.closeAndFlush() }
}

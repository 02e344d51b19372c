/**
 * `@rudderstack/rudder-sdk-node`. The options are those of "SDK Initialization Options" in its README.md:
 *
 * - `flushAt`: its default of 20. Every call makes the JSON of the whole queue to know its size, so that larger batches
 *   cost more CPU than they save; 100 where answers take long. For the same reason no more is tracked than one batch
 *   before it is flushed, and a burst is no longer than that.
 * - `maxInternalQueueSize`: when it is reached, new events are dropped.
 * - `gzip: false`: nobody else compresses either, and it would cost CPU.
 * - `retryCount`: 12 instead of 3, as many as this package has. After them a batch is lost.
 * - `errorHandler`: without one a failed request ends the process.
 */
import Analytics from "@rudderstack/rudder-sdk-node"
import { segmentEventOf } from "./events.mjs"
import { pace } from "./pace.mjs"

/** @type {import("../contenders/client.ts").Open} */
export const open = async ({ slow, url, waiting }) => {
  const flushAt = slow ? 100 : 20
  const client = new Analytics("key", {
    dataPlaneUrl: url,
    flushAt,
    maxInternalQueueSize: Math.max(waiting, 20_000),
    gzip: false,
    retryCount: 12,
    logLevel: "none",
    errorHandler: () => {}
  })
  const burst = (count, from) => {
    for (let index = from; index < from + count; index++) client.track(segmentEventOf(index))
  }
  // one `flush` sends one batch
  const flush = async () => {
    while (client.queue.length > 0) await client.flush()
    await client.flush()
  }
  return { burst, produce: (count) => pace(count, flushAt, burst, flush), flush, close: flush, burstSize: flushAt }
}

/**
 * `posthog-node`. The options are those of `PostHogCoreOptions` in `@posthog/core/dist/types.d.ts`, and of
 * https://posthog.com/docs/libraries/node:
 *
 * - `flushAt` and `maxBatchSize`, "the maximum number of queued messages to be flushed as part of a single batch": 200
 *   as for the others, 1000 where answers take long. The defaults, 20 and 100, are slower.
 * - `maxQueueSize`: when it is reached, the oldest event is dropped.
 * - `disableCompression`: nobody else compresses either, and it would cost CPU.
 *
 * What was answered is looked up in the whole queue, so that a short queue is faster: one batch is tracked and flushed.
 */
import { PostHog } from "posthog-node"
import { flatPropertiesOf } from "./events.mjs"
import { pace } from "./pace.mjs"

/** @type {import("../contenders/client.ts").Open} */
export const open = async ({ slow, url, waiting }) => {
  const flushAt = slow ? 1000 : 200
  const client = new PostHog("key", {
    host: url,
    flushAt,
    maxBatchSize: flushAt,
    maxQueueSize: Math.max(waiting, 10_000),
    disableCompression: true
  })
  const burst = (count, from) => {
    for (let index = from; index < from + count; index++) {
      client.capture({
        distinctId: `user-${index % 1000}`,
        event: "Button Clicked",
        properties: flatPropertiesOf(index)
      })
    }
  }
  const flush = () => client.flush()
  return { burst, produce: (count) => pace(count, flushAt, burst, flush), flush, close: () => client.shutdown() }
}

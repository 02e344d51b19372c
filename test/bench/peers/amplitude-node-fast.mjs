/**
 * `@amplitude/analytics-node` at its fastest. `flush()` ("Flush all unsent events" in
 * `@amplitude/analytics-core/lib/esm/types/client/core-client.d.ts`) takes all events that wait in the timeline at
 * once, where otherwise each takes a timer of its own, and sends them without waiting for `flushIntervalMillis`. What
 * was answered is looked up in the whole queue, so that a short queue is faster: no more is tracked than one batch
 * before it is flushed. 200 is the default of `flushQueueSize`, and faster than larger ones unless answers take long.
 */
import { createInstance, Types } from "@amplitude/analytics-node"
import { makeEvent } from "../built/event.js"
import { pace } from "./pace.mjs"

/** @type {import("../contenders/client.ts").Open} */
export const open = async ({ slow, url }) => {
  const flushQueueSize = slow ? 1000 : 200
  const client = createInstance()
  await client.init("key", { serverUrl: url, flushQueueSize, logLevel: Types.LogLevel.None }).promise
  const burst = (count, from) => {
    for (let index = from; index < from + count; index++) client.track(makeEvent(index))
  }
  const flush = () => client.flush().promise
  let waiting = 0
  let flushing = false
  const steady = (count, from) => {
    burst(count, from)
    waiting += count
    if (waiting < flushQueueSize || flushing) return
    waiting = 0
    flushing = true
    void flush().finally(() => {
      flushing = false
    })
  }
  return {
    burst,
    steady,
    produce: (count) => pace(count, flushQueueSize, burst, flush),
    flush,
    close: async () => {}
  }
}

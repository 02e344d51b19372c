/**
 * `@amplitude/analytics-node` with its defaults: `flushQueueSize` 200, `flushIntervalMillis` 10 000.
 * See https://amplitude.com/docs/sdks/analytics/node/node-js-sdk, "Configure the SDK".
 *
 * Events pass a timeline that takes one with each timer, and leave when the interval has passed. Its `flush` resolves
 * without having tried again what failed, so that a program which leaves delivery to the client does not call it: what
 * is awaited here are the promises that `track` returns.
 */
import { createInstance, Types } from "@amplitude/analytics-node"
import { makeEvent } from "../built/event.js"

/** @type {import("../contenders/client.ts").Open} */
export const open = async ({ url }) => {
  const client = createInstance()
  await client.init("key", { serverUrl: url, logLevel: Types.LogLevel.None }).promise
  let pending = 0
  let settled = () => {}
  const done = () => {
    if (--pending === 0) settled()
  }
  const burst = (count, from) => {
    for (let index = from; index < from + count; index++) {
      pending++
      void client.track(makeEvent(index)).promise.then(done)
    }
  }
  return {
    burst,
    produce: async (count) => burst(count, 0),
    flush: () =>
      new Promise((resolve) => {
        settled = resolve
        if (pending === 0) resolve()
      }),
    close: async () => {}
  }
}

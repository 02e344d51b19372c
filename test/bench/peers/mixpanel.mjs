/**
 * `mixpanel`. It has no queue and does not try again: a call is a request. The way to send many events is
 * `track_batch` ("track multiple events at once" in its readme.md) with lists that the caller has collected. A request
 * takes 50 of them at most, `max_batch_size`, and all requests of a list leave at once: five of them, or twenty where
 * answers take long. `keepAlive` is on by default.
 */
import Mixpanel from "mixpanel"
import { flatPropertiesOf } from "./events.mjs"
import { pace } from "./pace.mjs"

/** @type {import("../contenders/client.ts").Open} */
export const open = async ({ slow, url }) => {
  const size = slow ? 1000 : 250
  const client = Mixpanel.init("key", { host: new URL(url).host, protocol: "http", keepAlive: true })
  let list = []
  let underWay = []
  const send = () => {
    if (list.length === 0) return
    const events = list
    list = []
    underWay.push(new Promise((resolve) => client.track_batch(events, { max_batch_size: 50 }, resolve)))
  }
  const burst = (count, from) => {
    for (let index = from; index < from + count; index++) {
      list.push({
        event: "Button Clicked",
        properties: { distinct_id: `user-${index % 1000}`, ...flatPropertiesOf(index) }
      })
      if (list.length >= size) send()
    }
  }
  const flush = async () => {
    send()
    const all = underWay
    underWay = []
    await Promise.all(all)
  }
  return { burst, produce: (count) => pace(count, size, burst, flush), flush, close: flush }
}

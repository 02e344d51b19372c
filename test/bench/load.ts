/** Uploads to an ingestion server, one after the other, for the process that forked it. */
import { Agent, request } from "node:http"
import { uploadOf } from "./upload.js"

interface Order {
  readonly url: string
  readonly uploads: number
  readonly events: number
  readonly from: number
  /** The time from the start of an upload to that of the next, in milliseconds; 0 is at once. */
  readonly every: number
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

const post = (url: string, body: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: "POST", agent, headers: { "content-type": "application/json" } },
      (response) => {
        response.resume()
        response.on("end", () => resolve(response.statusCode ?? 0))
      }
    )
    sent.on("error", reject)
    sent.end(body)
  })

/** Answers how many were taken, and how long the slowest took in milliseconds. */
const run = async ({ events, every, from, uploads, url }: Order) => {
  let taken = 0
  let slowest = 0
  const start = performance.now()
  for (let index = 0; index < uploads; index++) {
    const body = uploadOf(from + index, events)
    const due = start + index * every
    const wait = due - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const began = performance.now()
    if (await post(url, body) === 200) taken++
    slowest = Math.max(slowest, performance.now() - began)
  }
  return { taken, slowest, seconds: (performance.now() - start) / 1000 }
}

process.on("message", (order: Order) => {
  void run(order).then((done) => process.send!(done))
})

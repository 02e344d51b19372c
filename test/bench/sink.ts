/**
 * A server that takes everything, in a process of its own. It finds events by their `"bench_index":` without parsing,
 * so that it never is what limits a contender, and marks which it has seen: lost and doubled events are exact.
 *
 * It prints its two ports. On the first it is the service that contenders send to; the second is for the bench:
 *
 * - `GET /` gives its `State`
 * - `PUT /` with an `Order` forgets what arrived, and says how many events there will be and how to answer
 * - `PUT /release` answers all that was held, and holds no more
 * - `PUT /stop` refuses connections, `PUT /start` takes them again
 */
import { once } from "node:events"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"

/** The settings of the next sample. */
export interface Order {
  /** The indices of the events are below this. */
  readonly events: number
  /** How long an answer takes. */
  readonly delay?: number
  /** Whether answers are held until they are released. */
  readonly hold?: boolean
}

/** What has arrived. */
export interface State {
  readonly requests: number
  readonly arrived: number
  readonly distinct: number
  /** The bodies as JSON, decompressed. */
  readonly bytes: number
  /** When connections were taken again, and when an event arrived last that had not arrived before. */
  readonly startedAt: number
  readonly lastAt: number
  /** CPU seconds of this process since the order. */
  readonly cpuSeconds: number
}

const needle = Buffer.from("\"bench_index\":")

let order: Order = { events: 0 }
let seen = new Uint8Array(0)
let requests = 0
let arrived = 0
let distinct = 0
let bytes = 0
let lastAt = 0
let startedAt = Date.now()
let cpu = process.cpuUsage()
let held: Array<() => void> = []

const count = (json: Buffer): void => {
  const before = distinct
  requests++
  bytes += json.length
  for (let at = json.indexOf(needle); at >= 0; at = json.indexOf(needle, at)) {
    at += needle.length
    // Python's JSON has a space here
    if (json[at] === 32) at++
    let index = 0
    for (let digit = json[at]! - 48; digit >= 0 && digit <= 9; digit = json[++at]! - 48) index = index * 10 + digit
    arrived++
    if (index < seen.length && seen[index] === 0) {
      seen[index] = 1
      distinct++
    }
  }
  if (distinct > before) lastAt = Date.now()
}

/** The JSON of a request: as it is, compressed, or in the form or the query of Mixpanel, as base64. */
const jsonOf = (request: IncomingMessage, body: Buffer): Buffer => {
  if (request.headers["content-encoding"] === "gzip") return gunzipSync(body)
  if (body.length === 0) {
    return Buffer.from(new URL(request.url!, "http://sink").searchParams.get("data") ?? "", "base64")
  }
  return request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true
    ? Buffer.from(body.toString("latin1").slice("data=".length), "base64")
    : body
}

/** Mixpanel's answer, or what the others take for a success, all in one. */
const answerTo = (request: IncomingMessage): string =>
  request.url!.startsWith("/track") ? "1" : "{\"code\":200,\"status\":1,\"success\":true,\"events_ingested\":1}"

const withBody = (listener: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void) => {
  const listen: RequestListener = (request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => listener(request, response, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
  }
  return listen
}

const service = createServer(withBody((request, response, body) => {
  count(jsonOf(request, body))
  const answer = () => {
    response.setHeader("content-type", "application/json")
    response.end(answerTo(request))
  }
  if (order.hold === true) held.push(answer)
  else if (order.delay !== undefined && order.delay > 0) setTimeout(answer, order.delay)
  else answer()
}))
service.keepAliveTimeout = 60_000

const take = (next: Order): void => {
  order = next
  seen = new Uint8Array(next.events)
  requests =
    arrived =
    distinct =
    bytes =
    lastAt =
      0
  held = []
  cpu = process.cpuUsage()
}

const release = (): void => {
  order = { ...order, hold: false }
  for (const answer of held) answer()
  held = []
}

const stop = async (): Promise<void> => {
  service.close()
  service.closeAllConnections()
  await once(service, "close")
}

const state = (): State => {
  const { system, user } = process.cpuUsage(cpu)
  return { requests, arrived, distinct, bytes, startedAt, lastAt, cpuSeconds: (system + user) / 1e6 }
}

const start = async (port = 0): Promise<number> => {
  if (service.listening) return port
  service.listen(port, "127.0.0.1")
  await once(service, "listening")
  startedAt = Date.now()
  return (service.address() as AddressInfo).port
}

const port = await start()

const orders: Record<string, (body: Buffer) => Promise<unknown> | void> = {
  "/": (body) => take(JSON.parse(body.toString()) as Order),
  "/release": release,
  "/stop": stop,
  "/start": () => start(port)
}

const control = createServer(withBody((request, response, body) => {
  const done = request.method === "PUT" ? orders[request.url!]!(body) : undefined
  void Promise.resolve(done).then(() => response.end(JSON.stringify(state())))
}))

control.listen(0, "127.0.0.1", () => console.log(`${port} ${(control.address() as AddressInfo).port}`))

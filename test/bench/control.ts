/** The bench's side of the sink's control port. Over `node:http`, so that no contender's client is warmed up by it. */
import { Agent, request } from "node:http"
import type { Order, State } from "./sink.js"

/** Where the sink is: what contenders send to, and the control port. */
export interface Place {
  readonly url: string
  readonly control: string
}

const agent = new Agent({ keepAlive: true })

const ask = (method: "GET" | "PUT", url: string, order?: Order): Promise<State> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method, agent }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString()) as State))
    })
    sent.on("error", reject)
    sent.end(order === undefined ? undefined : JSON.stringify(order))
  })

export const state = ({ control }: Place): Promise<State> => ask("GET", control)
export const order = ({ control }: Place, next: Order): Promise<State> => ask("PUT", control, next)
export const release = ({ control }: Place): Promise<State> => ask("PUT", `${control}release`)
export const stop = ({ control }: Place): Promise<State> => ask("PUT", `${control}stop`)
export const start = ({ control }: Place): Promise<State> => ask("PUT", `${control}start`)

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Waits until so many events have arrived, or no new one has for `patience` milliseconds. */
export const arrivalOf = async (place: Place, events: number, patience: number): Promise<State> => {
  const waitingSince = Date.now()
  for (;;) {
    const now = await state(place)
    if (now.distinct >= events || Date.now() - Math.max(now.lastAt, waitingSince) > patience) return now
    await sleep(20)
  }
}

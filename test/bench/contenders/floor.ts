/**
 * The floor: a minimal client written by hand. It uses the same event objects, one `randomUUID` and one
 * `JSON.stringify` each, and batches of 200 over keep-alive connections of undici. It checks nothing, drops nothing,
 * reports nothing.
 */
import * as Undici from "@effect/platform-node/Undici"
import { setTimeout as sleep } from "node:timers/promises"
import { makeEvent } from "../event.js"
import type { Open } from "./client.js"

export const batchSize = 200

export type Send = (batch: ReadonlyArray<string>) => Promise<void>

/** Writes into the event that was given: copying it first, as a client must, takes as long again. */
export const encode = (event: object): string =>
  JSON.stringify(Object.assign(event, { insert_id: crypto.randomUUID(), time: Date.now() }))

export const openSend = (url: string, connections: number): { readonly send: Send; readonly agent: Undici.Agent } => {
  const agent = new Undici.Agent({ connections })
  const send: Send = async (batch) => {
    const { body } = await Undici.request(url, {
      dispatcher: agent,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"api_key":"key","events":[${batch.join(",")}]}`
    })
    await body.text()
  }
  return { send, agent }
}

/** Tries again after 100 ms, twice as long each time, jittered by a fifth: as our own default does. */
const persistently = async (send: () => Promise<void>): Promise<void> => {
  for (let delay = 100;; delay *= 2) {
    try {
      return await send()
    } catch {
      await sleep(delay * (0.8 + 0.4 * Math.random()))
    }
  }
}

const openWith = (concurrency: number): Open => async ({ hold, url }) => {
  const { agent, send } = openSend(url, concurrency)
  const full: Array<ReadonlyArray<string>> = []
  let batch: Array<string> = []
  let sent = 0
  let pumps: Array<Promise<void>> = []

  /** Sends one full batch after the other. */
  const pump = async (): Promise<void> => {
    while (sent < full.length) {
      const next = full[sent]!
      // sent events are not kept
      full[sent++] = []
      await persistently(() => send(next))
    }
  }

  const pumpAll = (): Promise<void> => {
    const all = Promise.all(Array.from({ length: concurrency }, pump)).then(() => {
      full.length = sent = 0
      pumps = []
      if (batch.length === 0) batch = []
    })
    pumps.push(all)
    return all
  }

  const cut = (): void => {
    full.push(batch)
    batch = []
  }

  const flush = async (): Promise<void> => {
    await Promise.all(pumps)
    if (batch.length > 0) cut()
    if (full.length > 0) await pumpAll()
  }

  const burst = (count: number, from: number): void => {
    for (let index = from; index < from + count; index++) {
      batch.push(encode(makeEvent(index)))
      if (batch.length === batchSize) cut()
    }
    if (!hold && full.length > 0 && pumps.length === 0) void pumpAll()
  }

  /** Makes a batch, sends it, and makes the next one when a request is free. */
  const produce = async (count: number): Promise<void> => {
    let index = 0
    const line = async (): Promise<void> => {
      while (index < count) {
        const lines: Array<string> = []
        while (lines.length < batchSize && index < count) lines.push(encode(makeEvent(index++)))
        await send(lines)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, line))
  }

  return { burst, produce, flush, close: () => agent.close() }
}

export const floor = { floor: openWith(1), "floor-8": openWith(8) } satisfies Record<string, Open>

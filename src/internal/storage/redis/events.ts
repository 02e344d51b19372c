/** Events as arguments and answers of scripts. */
import type { EventStorage } from "../../../EventStorage.js"
import { decode, encode } from "../../event/utf8.js"
import { decodeLane, encodeLane } from "../sql/rows.js"
import type { Argument, Reply } from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

/** An event of an answer: what is not in its text is beside it. */
export interface Stored {
  /** As it is stored. */
  readonly lane: Uint8Array
  readonly state: Uint8Array
  readonly text: Uint8Array
}

/** A client as it is stored. Two clients are never stored as one. */
export const encodeClient: (client: string) => string = encodeLane

/** What `append` takes for an event. */
export const argumentsOf = (event: EncodedEvent): ReadonlyArray<Argument> => [
  event.sequence,
  encodeLane(event.lane),
  event.attempts === 0 && event.retries === 0 ? "" : `${event.attempts} ${event.retries} 0`,
  bytesOf(event)
]

/** ioredis sends the bytes of a `Buffer` as they are. */
const bytesOf = ({ buffer, end, start }: EncodedEvent): Uint8Array =>
  Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start)

export const textOf = (reply: Reply): string => typeof reply === "number" ? String(reply) : decode(reply as Uint8Array)

/** The answer of `append` and `evict`: lane, state and text of each event, one after the other. */
export const storedOf = (reply: Reply, from: number, step: number): ReadonlyArray<Stored> => {
  const fields = reply as ReadonlyArray<Uint8Array>
  return Array.from({ length: fields.length / step }, (_, index) => {
    const at = index * step + from
    return { lane: fields[at]!, state: fields[at + 1]!, text: fields[at + 2]! }
  })
}

/** The events side by side in one buffer: it is sent in one piece. */
export const eventsOf = (stored: ReadonlyArray<Stored>): ReadonlyArray<EncodedEvent> => {
  const parts = stored.map(parse)
  const buffer = new Uint8Array(parts.reduce((sum, { json }) => sum + json.length + 1, 0))
  let end = -1
  return parts.map(({ json, ...fields }) => {
    const start = end + 1
    if (start > 0) buffer[end] = comma
    buffer.set(json, start)
    end = start + json.length
    return { ...fields, buffer, start, end }
  })
}

const comma = ",".charCodeAt(0)
const space = " ".charCodeAt(0)

const parse = ({ lane, state, text }: Stored) => {
  const created = text.indexOf(space) + 1
  const length = text.indexOf(space, created) + 1
  const client = text.indexOf(space, length) + 1
  const json = client + Number(decode(text.subarray(length, client - 1)))
  const [attempts = 0, retries = 0] = state.length === 0 ? [] : decode(state).split(" ", 2).map(Number)
  return {
    clientId: decodeLane(text.subarray(client, json)),
    sequence: Number(decode(text.subarray(0, created - 1))),
    lane: decodeLane(lane),
    attempts,
    retries,
    json: text.subarray(json)
  }
}

/** The shard of a lane: FNV-1a of its bytes. */
export const shardOf = (lane: string, shards: number): number => {
  if (shards === 1) return 0
  let hash = 0x811c9dc5
  for (const byte of encode(lane)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % shards
}

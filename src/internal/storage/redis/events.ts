/** Events as arguments and answers of scripts. */
import type { EventStorage } from "../../../EventStorage.js"
import { byteLength, decode, encode } from "../../event/utf8.js"
import { decodeLane, encodeLane } from "../sql/rows.js"
import type { Reply } from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

/** An event of an answer: what is not in its text is beside it. */
export interface Stored {
  /** As it is stored. */
  readonly lane: string | Uint8Array
  readonly state: string
  readonly text: Uint8Array
}

/** A client as it is stored. Two clients are never stored as one. */
export const encodeClient: (client: string) => string = encodeLane

/** What `append` takes of an event, beside the event as it is stored. */
export const fieldsOf = ({ attempts, lane, retries, sequence }: EncodedEvent): ReadonlyArray<string | number> => [
  sequence,
  encodeLane(lane),
  attempts === 0 && retries === 0 ? "" : `${attempts} ${retries} 0`
]

/** Events as they are stored: `sequence length-of-client client json`. ioredis sends the bytes of a `Buffer` as they are. */
export const textsOf = (events: ReadonlyArray<EncodedEvent>): ReadonlyArray<Uint8Array> => {
  const clients = new Map<string, Uint8Array>()
  const clientOf = (client: string) => {
    const text = encodeClient(client)
    const known = clients.get(client) ?? encode(`${byteLength(text)} ${text}`)
    clients.set(client, known)
    return known
  }
  const most = events.reduce(
    (sum, { clientId, end, start }) => sum + maxDigits + clientOf(clientId).length + end - start,
    0
  )
  const all = Buffer.allocUnsafe(most)
  let source: Buffer | undefined = undefined
  let end = 0
  return events.map((event) => {
    const start = end
    const client = clientOf(event.clientId)
    end += all.write(`${event.sequence} `, end, "latin1")
    all.set(client, end)
    end += client.length
    const { buffer } = event
    if (source?.buffer !== buffer.buffer || source.byteOffset !== buffer.byteOffset) {
      source = Buffer.from(buffer.buffer, buffer.byteOffset, buffer.length)
    }
    end += source.copy(all, end, event.start, event.end)
    return all.subarray(start, end)
  })
}

/** What a sequence and the space after it take at the most. */
const maxDigits = 17

export const textOf = (reply: Reply): string => typeof reply === "number" ? String(reply) : decode(reply as Uint8Array)

/** The answer of `append` and `evict`: lane, state and text of each event, one after the other. */
export const storedOf = (reply: Reply): ReadonlyArray<Stored> => {
  const fields = reply as ReadonlyArray<Uint8Array>
  return Array.from({ length: fields.length / 3 }, (_, index) => {
    const at = index * 3
    return { lane: fields[at]!, state: decode(fields[at + 1]!), text: fields[at + 2]! }
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
const zero = "0".charCodeAt(0)

const parse = ({ lane, state, text }: Stored) => {
  const length = text.indexOf(space) + 1
  const client = text.indexOf(space, length) + 1
  const json = client + numberOf(text, length, client - 1)
  return {
    clientId: decodeLane(text.subarray(client, json)),
    sequence: numberOf(text, 0, length - 1),
    lane: decodeLane(lane),
    ...countsOf(state),
    json: text.subarray(json)
  }
}

/** A number in decimal digits. */
const numberOf = (text: Uint8Array, from: number, to: number): number => {
  let number = 0
  for (let at = from; at < to; at++) number = number * 10 + (text[at]! - zero)
  return number
}

const countsOf = (state: string): Pick<EncodedEvent, "attempts" | "retries"> => {
  if (state === "") return { attempts: 0, retries: 0 }
  const [attempts, retries] = state.split(" ", 2)
  return { attempts: Number(attempts), retries: Number(retries) }
}

/** An event of a lease, and where it is. */
export interface Leased {
  readonly shard: number
  readonly position: string
  readonly event: EncodedEvent
}

/** The answer of `lease`. */
export const leasedOf = (shard: number, reply: Reply): ReadonlyArray<Leased> => {
  if (reply === null) return []
  const [fieldsText, ...texts] = reply as ReadonlyArray<Uint8Array>
  const fields = JSON.parse(decode(fieldsText!)) as ReadonlyArray<string>
  const events = eventsOf(
    texts.map((text, index) => ({ lane: fields[index * 3 + 1]!, state: fields[index * 3 + 2]!, text }))
  )
  return events.map((event, index) => ({ shard, position: fields[index * 3]!, event }))
}

/** The shard of a lane: FNV-1a of its bytes. */
export const shardOf = (lane: string, shards: number): number => {
  if (shards === 1) return 0
  let hash = 0x811c9dc5
  for (const byte of encode(lane)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % shards
}

/** Events as arguments and answers of scripts. */
import type { EventStorage } from "../../../EventStorage.js"
import { decode, encode } from "../../event/utf8.js"
import { decodeLane, encodeLane } from "../sql/rows.js"
import type { Reply } from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

/** A client as it is stored. Two clients are never stored as one. */
export const encodeClient: (client: string) => string = encodeLane

/** What `append` takes of an event, beside its JSON. */
export const fieldsOf = ({ attempts, end, lane, retries, sequence, start }: EncodedEvent) => [
  sequence,
  encodeLane(lane),
  attempts === 0 && retries === 0 ? "" : `${attempts} ${retries} 0`,
  end - start
]

/** The JSON of events, without anything between. ioredis sends the bytes of a `Buffer` as they are. */
export const jsonOf = (events: ReadonlyArray<EncodedEvent>): Uint8Array => {
  const all = Buffer.allocUnsafe(events.reduce((sum, { end, start }) => sum + end - start, 0))
  let at = 0
  for (const { buffer, end, start } of events) {
    all.set(start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end), at)
    at += end - start
  }
  return all
}

export const textOf = (reply: Reply): string => typeof reply === "number" ? String(reply) : decode(reply as Uint8Array)

/**
 * An event of an answer. It is a class because V8 can put the objects of a literal into the old part of the heap, where they stay
 * until a major garbage collection.
 */
class StoredEvent implements EncodedEvent {
  readonly clientId: string
  readonly sequence: number
  readonly lane: string
  readonly buffer: Uint8Array
  readonly start: number
  readonly end: number
  readonly attempts: number
  readonly retries: number

  constructor(lane: string, client: string, sequence: string, state: string, buffer: Uint8Array, start: number, end: number) {
    this.clientId = decodeLane(client)
    this.sequence = Number(sequence)
    this.lane = decodeLane(lane)
    this.buffer = buffer
    this.start = start
    this.end = end
    const space = state.indexOf(" ")
    this.attempts = space < 0 ? 0 : Number(state.slice(0, space))
    this.retries = space < 0 ? 0 : Number(state.slice(space + 1, state.indexOf(" ", space + 1)))
  }
}

/** The answer of `append` and `evict`: entry, state and JSON of each event, one after the other. */
export const droppedOf = (reply: Reply): ReadonlyArray<EncodedEvent> => {
  const fields = reply as ReadonlyArray<Uint8Array>
  return Array.from({ length: fields.length / 3 }, (_, index) => {
    const [, lane, client, sequence] = decode(fields[index * 3]!).split("\n")
    const json = fields[index * 3 + 2]!
    return new StoredEvent(lane!, client!, sequence!, decode(fields[index * 3 + 1]!), json, 0, json.length)
  })
}

/** An event of a lease, and where it is. */
export class Leased {
  readonly shard: number
  /** As Redis knows it. */
  readonly entry: string
  readonly event: EncodedEvent

  constructor(shard: number, entry: string, event: EncodedEvent) {
    this.shard = shard
    this.entry = entry
    this.event = event
  }
}

/** The answer of `lease`. The events lie side by side: they are sent in one piece. */
export const leasedOf = (shard: number, reply: Reply): ReadonlyArray<Leased> => {
  const [lines, buffer] = reply as readonly [Uint8Array, Uint8Array]
  const fields = decode(lines).split("\n")
  const leased: Array<Leased> = []
  let end = -1
  for (let at = 0; at < fields.length; at += 6) {
    const [position, lane, client, sequence] = [fields[at + 2]!, fields[at + 3]!, fields[at + 4]!, fields[at + 5]!]
    const start = end + 1
    end = start + Number(fields[at])
    leased.push(
      new Leased(
        shard,
        `${position}\n${lane}\n${client}\n${sequence}`,
        new StoredEvent(lane, client, sequence, fields[at + 1]!, buffer, start, end)
      )
    )
  }
  return leased
}

/** The shard of a lane: FNV-1a of its bytes. */
export const shardOf = (lane: string, shards: number): number => {
  if (shards === 1) return 0
  let hash = 0x811c9dc5
  for (const byte of encode(lane)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % shards
}

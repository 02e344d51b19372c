/** Encodes events as arguments of scripts, and decodes them from answers. */
import type { EventStorage } from "../../../EventStorage.js"
import { decode, encode } from "../../event/utf8.js"
import { ReadEvent } from "../readEvent.js"
import { decodeLane, encodeLane } from "../sql/rows.js"
import type { Reply } from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

/** The stored form of a client id. Different clients have different forms. */
export const encodeClient: (client: string) => string = encodeLane

/** The arguments of an event for `append`, without its JSON: the sequence, the entry without the position, and the state. */
export const fieldsOf = (
  { attempts, end, lane, retries, sequence, start }: EncodedEvent,
  client: string
): readonly [sequence: number, entry: string, state: string] => [
  sequence,
  `${String(end - start).padStart(lengthDigits, "0")}\n${encodeLane(lane)}\n${client}\n${sequence}`,
  attempts === 0 && retries === 0 ? "" : `${attempts} ${retries} 0`
]

const positionDigits = 16
const lengthDigits = 8

/** The JSON of an event. ioredis sends the bytes of a `Buffer` as they are. */
export const jsonOf = ({ buffer, end, start }: EncodedEvent): Uint8Array =>
  Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start)

export const textOf = (reply: Reply): string => typeof reply === "number" ? String(reply) : decode(reply as Uint8Array)

/** An event of an answer. Its state is `attempts retries paused-until`, or empty. */
const readEvent = (
  lane: string,
  client: string,
  sequence: string,
  state: string,
  buffer: Uint8Array,
  start: number,
  end: number
): ReadEvent => {
  const [attempts, retries] = state === "" ? [0, 0] : state.split(" ", 2).map(Number) as [number, number]
  return new ReadEvent(decodeLane(client), Number(sequence), decodeLane(lane), buffer, start, end, attempts, retries)
}

/** The fields of a dropped event in an answer. */
export const fieldsOfDropped = 3

/**
 * Decodes the dropped events in an answer of `append` or `evict`: the entry, state and JSON of each. An event whose JSON the
 * server has lost is left out.
 */
export const droppedOf = (reply: Reply): ReadonlyArray<EncodedEvent> => {
  const fields = reply as ReadonlyArray<Uint8Array | null>
  const events: Array<EncodedEvent> = []
  for (let at = 0; at < fields.length; at += fieldsOfDropped) {
    const json = fields[at + 2]!
    if (json === null) continue
    const [, lane, client, sequence] = decode(fields[at]!).split("\n")
    events.push(readEvent(lane!, client!, sequence!, decode(fields[at + 1]!), json, 0, json.length))
  }
  return events
}

/** An event of a lease, with its shard and its entry. */
export class Leased {
  readonly shard: number
  /** The entry of the event in the lists of Redis. */
  readonly entry: string
  readonly event: EncodedEvent

  constructor(shard: number, entry: string, event: EncodedEvent) {
    this.shard = shard
    this.entry = entry
    this.event = event
  }
}

/** The position at the beginning of an entry. */
export const positionOf = (entry: string): string => entry.slice(0, positionDigits)

/** The decoded answer of `lease`: the lines of the entries, and their states. */
export interface Taken {
  readonly lines: ReadonlyArray<string>
  readonly states: ReadonlyArray<string>
  readonly positions: ReadonlyArray<string>
}

const linesOfEntry = 4

export const takenOf = (reply: Reply): Taken => {
  const [entries, states] = reply as readonly [Uint8Array, Uint8Array]
  const lines = decode(entries).split("\n")
  const positions: Array<string> = []
  for (let at = 0; at < lines.length; at += linesOfEntry) positions.push(positionOf(lines[at]!))
  return { lines, states: states.length === 0 ? [] : decode(states).split("\n"), positions }
}

/** The entry at a place of the answer. */
export const entryOf = ({ lines }: Taken, place: number): string =>
  lines.slice(place * linesOfEntry, (place + 1) * linesOfEntry).join("\n")

/**
 * Combines events with their JSON, and leaves out the events that no longer exist. The events share one buffer, so that they
 * are sent in one piece.
 */
export const leasedOf = (
  shard: number,
  taken: Taken,
  jsons: ReadonlyArray<Uint8Array | null>
): ReadonlyArray<Leased> => {
  const { lines, states } = taken
  let size = 0
  for (const json of jsons) size += json === null ? 0 : json.length + 1
  const buffer = new Uint8Array(size)
  const leased: Array<Leased> = []
  let end = -1
  for (let place = 0; place < jsons.length; place++) {
    const json = jsons[place]!
    if (json === null) continue
    const start = end + 1
    if (start > 0) buffer[end] = comma
    buffer.set(json, start)
    end = start + json.length
    const at = place * linesOfEntry
    const [lane, client, sequence] = [lines[at + 1]!, lines[at + 2]!, lines[at + 3]!]
    leased.push(
      new Leased(
        shard,
        `${lines[at]}\n${lane}\n${client}\n${sequence}`,
        readEvent(lane, client, sequence, states[place] ?? "", buffer, start, end)
      )
    )
  }
  return leased
}

const comma = ",".charCodeAt(0)

/** The shard of a lane: FNV-1a of its bytes. */
export const shardOf = (lane: string, shards: number): number => {
  if (shards === 1) return 0
  let hash = 0x811c9dc5
  for (const byte of encode(lane)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % shards
}

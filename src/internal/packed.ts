/**
 * Events that wait, in the order in which they came. Their JSON is packed: the texts of some dozens become one array of
 * bytes, which lies outside of the heap, takes no more than its length, and is never copied by a garbage collection as
 * each text that waits would be, twice. It is made text again when its first event is taken.
 */
import type { EventStorage } from "../EventStorage.js"
import * as Utf8 from "./utf8.js"

/**
 * Makes what is handed out of an event. `json` shares its memory with that of its neighbours until it is made its own;
 * `sequence` is the order of acceptance.
 */
export type Make<E> = (id: string, lane: string, json: string, attempts: number, sequence: number) => E

export interface Packed<E> {
  readonly push: (event: EventStorage.EncodedEvent) => void
  /** The oldest one, which stays. */
  readonly first: () => E | undefined
  /** Takes out the oldest one. */
  readonly shift: () => E | undefined
  /** Takes out the newest one. */
  readonly pop: () => E | undefined
}

/** Events that are packed together. */
class Chunk {
  /** The order of acceptance of its first one. */
  readonly first: number
  /** Their JSON, one after the other: as bytes while it is packed. */
  content: string | Uint8Array = ""
  /** Where the JSON of each ends in the text, in UTF-16 units. */
  ends: Array<number> = []
  ids: Array<string> = []
  lanes: Array<string> = []
  attempts: Array<number> = []
  /** How many were taken from its beginning. */
  taken = 0
  older: Chunk | undefined = undefined
  newer: Chunk | undefined = undefined

  constructor(first: number) {
    this.first = first
  }
}

/** A chunk is packed when it has so many events, or a text of so many UTF-16 units. */
const maxEvents = 64
const maxLength = 32_768

export const make = <E>(makeEvent: Make<E>): Packed<E> => {
  let oldest: Chunk | undefined
  let newest: Chunk | undefined
  let sequence = 0
  /** The oldest event, once it was asked for. */
  let head: E | undefined

  const addChunk = (): Chunk => {
    const chunk = new Chunk(sequence)
    if (newest === undefined) oldest = chunk
    else newest.newer = chunk
    chunk.older = newest
    newest = chunk
    return chunk
  }

  const unpack = (chunk: Chunk, index: number): E =>
    makeEvent(
      chunk.ids[index]!,
      chunk.lanes[index]!,
      textOf(chunk).slice(startOf(chunk, index), chunk.ends[index]),
      chunk.attempts[index]!,
      chunk.first + index
    )

  const first = (): E | undefined => head ??= oldest === undefined ? undefined : unpack(oldest, oldest.taken)

  /** Takes out a chunk in which nothing is left. */
  const remove = (chunk: Chunk): void => {
    const { newer, older } = chunk
    if (older === undefined) oldest = newer
    else older.newer = newer
    if (newer === undefined) newest = older
    else newer.older = older
    release(chunk)
  }

  return {
    push: ({ attempts, id, json, lane }) => {
      const chunk = newest === undefined || isFull(newest) ? addChunk() : newest
      const text = textOf(chunk) + json
      chunk.content = text
      chunk.ends.push(text.length)
      chunk.ids.push(id)
      chunk.lanes.push(lane)
      chunk.attempts.push(attempts)
      sequence++
      if (isFull(chunk)) pack(chunk)
    },
    first,
    shift: () => {
      const event = first()
      if (oldest === undefined) return undefined
      head = undefined
      if (++oldest.taken === oldest.ends.length) remove(oldest)
      return event
    },
    pop: () => {
      if (newest === undefined) return undefined
      const chunk = newest
      const index = chunk.ends.length - 1
      const event = unpack(chunk, index)
      chunk.content = textOf(chunk).slice(0, startOf(chunk, index))
      for (const column of [chunk.ends, chunk.ids, chunk.lanes, chunk.attempts]) column.pop()
      sequence--
      if (chunk.taken === index) {
        head = undefined
        remove(chunk)
      }
      return event
    }
  }
}

/**
 * Lets go of all that a chunk refers to, when nothing is left in it. The engine may have put it where only a major
 * collection looks, and what it still refers to would wait for that with it.
 */
const release = (chunk: Chunk): void => {
  chunk.older = chunk.newer = undefined
  chunk.content = ""
  chunk.ends =
    chunk.ids =
    chunk.lanes =
    chunk.attempts =
      nothing
}

const nothing: Array<never> = []

const isFull = ({ ends }: Chunk): boolean => ends.length >= maxEvents || ends[ends.length - 1]! >= maxLength

const startOf = ({ ends }: Chunk, index: number): number => index === 0 ? 0 : ends[index - 1]!

const pack = (chunk: Chunk): void => {
  chunk.content = Utf8.encode(textOf(chunk))
}

/** The text of a chunk, which is not packed from then on. */
const textOf = (chunk: Chunk): string =>
  typeof chunk.content === "string" ? chunk.content : chunk.content = Utf8.decode(chunk.content)

/**
 * The same text in memory of its own: a part of a longer one keeps the whole alive. Put together with something else it
 * is copied, since a part of what is in two pieces can only be taken when it is in one.
 */
export const own = (text: string): string => ` ${text}`.slice(1)

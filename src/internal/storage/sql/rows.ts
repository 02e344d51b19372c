/** Converts events to rows, and rows to events. */
import type { EventStorage } from "../../../EventStorage.js"
import type { Place } from "../../event/jsonWriter.js"
import { byteLength, decodeRange, encode, textOf } from "../../event/utf8.js"
import { ReadEvent } from "../readEvent.js"
import type { NewRow, Row } from "./dialect.js"

type EncodedEvent = EventStorage.EncodedEvent

/**
 * The characters that a text column cannot hold, and the escape character: control characters, half a surrogate pair.
 */
const isEscaped = /["\\\u0000-\u001f\ud800-\udfff]/

/** The stored form of a lane. Different lanes have different forms. */
export const encodeLane = (lane: string): string => isEscaped.test(lane) ? JSON.stringify(lane).slice(1, -1) : lane

export const decodeLane = (lane: string | Uint8Array): string => {
  const text = typeof lane === "string" ? lane : decodeRange(lane, 0, lane.length)
  return text.includes("\\") ? JSON.parse(`"${text}"`) as string : text
}

/** A text without the characters that a text column cannot hold. */
export const columnText = (text: string): string => text.replace(/[\u0000\ud800-\udfff]/gu, "\ufffd")

/**
 * A new row of an event. It is a class, since V8 can allocate object literals in the old space, where they stay until a
 * major garbage collection.
 */
class EventRow implements NewRow {
  readonly client: string
  readonly sequence: number
  readonly lane: string
  readonly bytes: Place
  readonly attempts: number
  readonly retries: number
  private decoded: string | undefined = undefined

  constructor(event: EncodedEvent) {
    this.client = event.clientId
    this.sequence = event.sequence
    this.lane = encodeLane(event.lane)
    this.bytes = event
    this.attempts = event.attempts
    this.retries = event.retries
  }

  /** Some dialects insert the bytes, and need no text. */
  get json(): string {
    return this.decoded ??= textOf(this.bytes)
  }
}

export const rowOf = (event: EncodedEvent): NewRow => new EventRow(event)

/** The events of rows. They share one buffer, so that they are sent in one piece. */
export const eventsOf = (rows: ReadonlyArray<Row>): ReadonlyArray<EncodedEvent> => {
  const text = rows.map(({ json }) => json).join(",")
  const buffer = encode(text)
  const isAscii = buffer.length === text.length
  let end = -1
  return rows.map((row) => {
    const start = end + 1
    end = start + (isAscii ? row.json.length : byteLength(row.json))
    return new ReadEvent(
      row.client,
      Number(row.sequence),
      decodeLane(row.lane),
      buffer,
      start,
      end,
      row.attempts,
      row.retries
    )
  })
}

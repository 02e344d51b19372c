/** Events as rows of a table, and back. */
import type { EventStorage } from "../../../EventStorage.js"
import { byteLength, decodeRange, encode } from "../../event/utf8.js"
import type { NewRow, Row } from "./dialect.js"

type EncodedEvent = EventStorage.EncodedEvent

/** What a column of text does not hold as it is: control characters, half a surrogate pair, and the escapes themselves. */

const isEscaped = /["\\\u0000-\u001f\ud800-\udfff]/

/** A lane as it is stored. Two lanes are never stored as one. */
export const encodeLane = (lane: string): string => isEscaped.test(lane) ? JSON.stringify(lane).slice(1, -1) : lane

export const decodeLane = (lane: string | Uint8Array): string => {
  const text = typeof lane === "string" ? lane : decodeRange(lane, 0, lane.length)
  return text.includes("\\") ? JSON.parse(`"${text}"`) as string : text
}

export const rowOf = (event: EncodedEvent): NewRow => ({
  client: event.clientId,
  sequence: event.sequence,
  lane: encodeLane(event.lane),
  json: decodeRange(event.buffer, event.start, event.end),
  attempts: event.attempts,
  retries: event.retries
})

/** The events of rows, side by side in one buffer: it is sent in one piece. */
export const eventsOf = (rows: ReadonlyArray<Row>): ReadonlyArray<EncodedEvent> => {
  const text = rows.map(({ json }) => json).join(",")
  const buffer = encode(text)
  const isAscii = buffer.length === text.length
  let end = -1
  return rows.map((row) => {
    const start = end + 1
    end = start + (isAscii ? row.json.length : byteLength(row.json))
    return {
      clientId: row.client,
      sequence: Number(row.sequence),
      lane: decodeLane(row.lane),
      buffer,
      start,
      end,
      attempts: row.attempts,
      retries: row.retries
    }
  })
}

export const identityOf = ({ clientId, sequence }: EncodedEvent): string => `${sequence} ${clientId}`

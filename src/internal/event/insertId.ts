/** Makes `insert_id`s: random UUIDs, or numbered ones for tests. */
import * as Context from "effect/Context"
import { JsonWriter } from "./jsonWriter.js"

/** Writes the JSON of an id. */
export class InsertId extends Context.Reference<InsertId>()("effect-amplitude/internal/InsertId", {
  defaultValue: (): (writer: JsonWriter) => void => randomUuid
}) {}

/** `00000000-0000-4000-8000-000000000001` and up. */
export const sequential = (): (writer: JsonWriter) => void => {
  let last = 0
  return (writer) => writer.text(`00000000-0000-4000-8000-${String(++last).padStart(12, "0")}`)
}

const size = 16
const pool = new Uint8Array(256 * size)
let taken = pool.length

const hyphen = 0x2d

/**
 * Writes a random UUID (RFC 9562, version 4) as bytes of JSON, since making a string first is slower. The platform
 * gives the random bytes, for many ids at a time.
 */
export const randomUuid = (writer: JsonWriter): void => {
  if (taken === pool.length) {
    globalThis.crypto.getRandomValues(pool)
    taken = 0
  }
  const from = taken
  taken += size
  pool[from + 6] = pool[from + 6]! & 0x0f | 0x40
  pool[from + 8] = pool[from + 8]! & 0x3f | 0x80
  writer.reserve(38)
  writer.openText()
  for (let index = 0; index < size; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) writer.bytes[writer.at++] = hyphen
    writer.hex(pool[from + index]!)
  }
  writer.closeText()
}

/** A random UUID. `crypto.randomUUID` exists on secure origins only, and pages have other ones too. */
export const randomUuidText = (): string => {
  const writer = new JsonWriter()
  randomUuid(writer)
  return JSON.parse(writer.textOf())
}

/**
 * Random UUIDs (RFC 9562, version 4), written as bytes of JSON: a text of each would cost more than all the rest of it.
 * The random bytes are the platform's, asked for many at a time.
 */
import type { Writer } from "./writer.js"

const size = 16
const pool = new Uint8Array(256 * size)
let taken = pool.length

const quote = 0x22
const hyphen = 0x2d
/** The digits of a number in base 16. */
const hex = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0))

export const randomUuid = (writer: Writer): void => {
  if (taken === pool.length) {
    globalThis.crypto.getRandomValues(pool)
    taken = 0
  }
  const from = taken
  taken += size
  pool[from + 6] = pool[from + 6]! & 0x0f | 0x40
  pool[from + 8] = pool[from + 8]! & 0x3f | 0x80
  writer.reserve(38)
  const { bytes } = writer
  let at = writer.at
  bytes[at++] = quote
  for (let index = 0; index < size; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) bytes[at++] = hyphen
    const byte = pool[from + index]!
    bytes[at++] = hex[byte >> 4]!
    bytes[at++] = hex[byte & 15]!
  }
  bytes[at++] = quote
  writer.at = at
}

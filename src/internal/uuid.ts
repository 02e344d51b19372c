/**
 * Random UUIDs (RFC 9562, version 4), written as bytes of JSON: a text of each would cost more than all the rest of it.
 * The random bytes are the platform's, asked for many at a time.
 */
import type { Writer } from "./writer.js"

const size = 16
const pool = new Uint8Array(256 * size)
let taken = pool.length

const hyphen = 0x2d

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
  writer.openText()
  for (let index = 0; index < size; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) writer.bytes[writer.at++] = hyphen
    writer.hex(pool[from + index]!)
  }
  writer.closeText()
}

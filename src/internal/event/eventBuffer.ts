/**
 * Where the JSON of a client's events lies: side by side in large buffers, with a comma after each, so that a run of them
 * is sent in one piece. The bytes of an event never change.
 */

/** Where an event lies. */
export interface Place {
  readonly buffer: Uint8Array
  readonly start: number
  readonly end: number
}

const comma = 0x2c

/** The sizes of a buffer in bytes: of the first one, and at most, unless one event takes more. */
const minSize = 2048
const maxSize = 65_536

export class EventBuffer {
  private buffer = new Uint8Array(minSize)
  /** How many bytes of the buffer are written. */
  private at = 0

  /** Copies the first `length` bytes. */
  write(json: Uint8Array, length: number): Place {
    const needed = length + 1
    if (this.at + needed > this.buffer.length) {
      this.buffer = new Uint8Array(Math.max(Math.min(this.buffer.length * 2, maxSize), needed))
      this.at = 0
    }
    const { at: start, buffer } = this
    const end = start + length
    buffer.set(json.subarray(0, length), start)
    buffer[end] = comma
    this.at = end + 1
    return { buffer, start, end }
  }
}

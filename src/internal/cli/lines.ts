/** Splits bytes into lines. A line can be in several chunks. */

export interface RawLine {
  /** The number of the line, from 1. */
  readonly line: number
  /** The position after the line and its line feed, in bytes. */
  readonly end: number
  /** The line, or undefined if it is too long for an event. */
  readonly text: string | undefined
}

/** The most bytes of a line. The Batch API takes no more in one request. */
export const maxLineBytes = 20_000_000

const lineFeed = 0x0a

export class LineSplitter {
  #rest: Array<Uint8Array> = []
  #restBytes = 0
  #isTooLong = false
  #line: number
  #end: number

  constructor(from: { readonly line: number; readonly end: number } = { line: 0, end: 0 }) {
    this.#line = from.line
    this.#end = from.end
  }

  /** Adds bytes, and gives the lines that end in them. Blank lines are counted and left out. */
  push(bytes: Uint8Array): Array<RawLine> {
    const lines: Array<RawLine> = []
    let from = 0
    for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, from)) {
      this.#add(bytes.subarray(from, at))
      this.#end += 1
      this.#finish(lines)
      from = at + 1
    }
    this.#add(from === 0 ? bytes : bytes.subarray(from))
    return lines
  }

  /** Gives the last line if it has no line feed. */
  finish(): Array<RawLine> {
    const lines: Array<RawLine> = []
    if (this.#restBytes > 0 || this.#isTooLong) this.#finish(lines)
    return lines
  }

  #add(bytes: Uint8Array): void {
    this.#end += bytes.length
    if (bytes.length === 0 || this.#isTooLong) return
    this.#rest.push(bytes)
    this.#restBytes += bytes.length
    if (this.#restBytes > maxLineBytes) {
      this.#isTooLong = true
      this.#rest = []
    }
  }

  #finish(lines: Array<RawLine>): void {
    this.#line += 1
    const text = this.#isTooLong ? undefined : this.#text()
    if (text === undefined || text.trim() !== "") lines.push({ line: this.#line, end: this.#end, text })
    this.#rest = []
    this.#restBytes = 0
    this.#isTooLong = false
  }

  #text(): string {
    const [first] = this.#rest
    const bytes = this.#rest.length === 1 ? first! : Buffer.concat(this.#rest)
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    // removes a byte order mark
    return this.#line === 1 && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  }
}

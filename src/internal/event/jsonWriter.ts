/**
 * Writes JSON as UTF-8 bytes, from left to right. A comma follows each value inside an object or array, and the end of
 * the object or array replaces the last comma.
 *
 * Finished texts are adjacent in large buffers, with a comma after each, so that many of them are sent in one piece.
 * Their bytes never change.
 */
import * as Utf8 from "./utf8.js"

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const minus = 0x2d
const zero = 0x30
const letterU = 0x75
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

/** The letter of each control character that has a short escape. */
const letters: ReadonlyMap<number, number> = new Map([[8, 0x62], [9, 0x74], [10, 0x6e], [12, 0x66], [13, 0x72]])

/** The digits of a number in base 16. */
const hexDigits: Uint8Array = Utf8.encode("0123456789abcdef")

/** The characters that may need an escape. A surrogate needs one if its other half is missing. */
const escaped = /["\\\u0000-\u001f\ud800-\udfff]/

/** The longest string that is written unit by unit, in UTF-16 units. `TextEncoder` is faster for longer ones. */
const maxShort = 64

/** The sizes of the first and of the largest buffer, in bytes. A buffer for one large text can be larger. */
const minSize = 1024
export const maxSize = 65_536

/** The place of a finished text. */
export interface Place {
  readonly buffer: Uint8Array
  readonly start: number
  readonly end: number
}

export class JsonWriter {
  bytes: Uint8Array = new Uint8Array(minSize)
  /** The start of the current text, and the position of its next byte. */
  start = 0
  at = 0

  /** The number of bytes of the current text. */
  get size(): number {
    return this.at - this.start
  }

  /** Removes the bytes of the text after a size that it had before. */
  rewind(size: number): void {
    this.at = this.start + size
  }

  /** Ends the text. The next one starts behind it. */
  take(): Place {
    this.next()
    const { start } = this
    this.start = this.at
    // a long text gets its own buffer, since it would keep the whole shared buffer in memory
    return this.bytes.length > maxSize
      ? { buffer: this.bytes.slice(start, this.at), start: 0, end: this.at - start - 1 }
      : { buffer: this.bytes, start, end: this.at - 1 }
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return
    const { size } = this
    const bytes = new Uint8Array(Math.max(Math.min(this.bytes.length * 2, maxSize), (size + count) * 2))
    bytes.set(this.bytes.subarray(this.start, this.at))
    this.bytes = bytes
    this.start = 0
    this.at = size
  }

  private put(byte: number): void {
    this.reserve(1)
    this.bytes[this.at++] = byte
  }

  /** Writes bytes of JSON. A loop is faster than `set` for a few bytes. */
  copy(source: Uint8Array): void {
    const { length } = source
    this.reserve(length)
    const { at, bytes } = this
    for (let index = 0; index < length; index++) bytes[at + index] = source[index]!
    this.at = at + length
  }

  /** Writes a text that is JSON. */
  raw(json: string): void {
    this.reserve(json.length * Utf8.maxBytesPerUnit)
    this.at += Utf8.encodeInto(json, this.bytes, this.at)
  }

  /** Writes a finite number. */
  number(value: number): void {
    if (Number.isSafeInteger(value)) this.integer(value)
    else this.ascii(`${value}`)
  }

  private integer(value: number): void {
    this.reserve(17)
    if (value < 0) this.bytes[this.at++] = minus
    const size = Math.abs(value)
    if (size < 1e9) this.digits(size, 1)
    else {
      const high = Math.floor(size / 1e9)
      this.digits(high, 1)
      this.digits(size - high * 1e9, 9)
    }
  }

  /** Writes the digits of an integer below 1e9, at least `least` digits. The caller has made room. */
  private digits(value: number, least: number): void {
    let count = least
    for (let power = 10 ** least; power <= value; power *= 10) count++
    const { at, bytes } = this
    let rest = value
    for (let index = at + count - 1; index >= at; index--) {
      const next = (rest / 10) | 0
      bytes[index] = zero + rest - next * 10
      rest = next
    }
    this.at = at + count
  }

  private ascii(text: string): void {
    const { length } = text
    this.reserve(length)
    const { at, bytes } = this
    for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index)
    this.at = at + length
  }

  /** Writes a string as `JSON.stringify` does. */
  text(text: string): void {
    const { length } = text
    if (length > maxShort) {
      this.longText(text)
      return
    }
    this.reserve(length + 2)
    const { bytes } = this
    let at = this.at
    bytes[at++] = quote
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit < 0x20 || unit > 0x7f || unit === quote || unit === backslash) {
        this.at = at
        this.rest(text, index)
        return
      }
      bytes[at++] = unit
    }
    bytes[at++] = quote
    this.at = at
  }

  private longText(text: string): void {
    if (escaped.test(text)) {
      this.raw(JSON.stringify(text))
      return
    }
    this.openText()
    this.raw(text)
    this.closeText()
  }

  /** Writes the beginning of a string, up to the first character that is not ASCII or needs an escape. */
  openText(): void {
    this.put(quote)
  }

  closeText(): void {
    this.put(quote)
  }

  /** Writes two hexadecimal digits. The caller has made room. */
  hex(byte: number): void {
    this.bytes[this.at++] = hexDigits[byte >> 4]!
    this.bytes[this.at++] = hexDigits[byte & 15]!
  }

  /** Writes the rest of a string from a character that is not ASCII or needs an escape. */
  private rest(text: string, from: number): void {
    for (let index = from; index < text.length; index++) {
      this.reserve(6)
      const unit = text.charCodeAt(index)
      if (unit === quote || unit === backslash) this.escape(unit)
      else if (unit < 0x20) {
        const letter = letters.get(unit)
        if (letter === undefined) this.escapeUnit(unit)
        else this.escape(letter)
      } else if (unit < 0x80) this.bytes[this.at++] = unit
      else if (unit < 0x800) this.sequence(0xc0 | unit >> 6, unit, 1)
      else if (!Utf8.isSurrogate(unit)) this.sequence(0xe0 | unit >> 12, unit, 2)
      else {
        const point = text.codePointAt(index)!
        // JSON escapes half a surrogate pair
        if (point <= 0xffff) this.escapeUnit(unit)
        else {
          this.sequence(0xf0 | point >> 18, point, 3)
          index++
        }
      }
    }
    this.put(quote)
  }

  private escape(letter: number): void {
    this.bytes[this.at++] = backslash
    this.bytes[this.at++] = letter
  }

  private escapeUnit(unit: number): void {
    this.escape(letterU)
    this.hex(unit >> 8)
    this.hex(unit & 0xff)
  }

  /** A character of several bytes: the first byte, and how many follow it. */
  private sequence(first: number, point: number, following: number): void {
    this.bytes[this.at++] = first
    for (let shift = 6 * (following - 1); shift >= 0; shift -= 6) this.bytes[this.at++] = 0x80 | point >> shift & 0x3f
  }

  /** Writes the comma after a value inside an object or array. */
  next(): void {
    this.put(comma)
  }

  openObject(): void {
    this.put(openBrace)
  }

  closeObject(): void {
    this.close(closeBrace)
  }

  openArray(): void {
    this.put(openBracket)
  }

  closeArray(): void {
    this.close(closeBracket)
  }

  private close(end: number): void {
    if (this.bytes[this.at - 1] === comma) this.bytes[this.at - 1] = end
    else this.put(end)
  }

  /** The text, or a part of it. */
  textOf(from: number = 0, to: number = this.size): string {
    return Utf8.decodeRange(this.bytes, this.start + from, this.start + to)
  }
}

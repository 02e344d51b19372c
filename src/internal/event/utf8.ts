/** Encodes and decodes UTF-8, and counts the bytes of texts. */
import * as Option from "effect/Option"

/** The most bytes of a UTF-16 unit. It gives an upper bound of the bytes of a text without counting. */
export const maxBytesPerUnit = 3

export const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

/** Whether a surrogate pair begins at an index of a text. */
export const isPairAt = (text: string, index: number): boolean =>
  isHighSurrogate(text.charCodeAt(index)) && isLowSurrogate(text.charCodeAt(index + 1))

/** The count of Node, which is faster, or undefined on other platforms. */
const native = (globalThis as { readonly Buffer?: { readonly byteLength?: (text: string) => number } }).Buffer
  ?.byteLength

/** The number of bytes of a text or of bytes. */
export const byteLength = (content: string | Uint8Array): number =>
  typeof content !== "string" ? content.length : native === undefined ? countBytes(content) : native(content)

/** The number of bytes of a text on any platform. */
export const countBytes = (text: string): number => {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    // a surrogate pair takes four bytes, two for each unit; half a pair is sent as U+FFFD, which takes three
    if (unit < 0x800) bytes += 1
    else if (isPairAt(text, index)) {
      bytes += 2
      index++
    } else bytes += 2
  }
  return bytes
}

const encoder = new TextEncoder()
/** A decoder that keeps a byte order mark at the beginning, as a character of the text. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** The UTF-8 bytes of a text. Half a surrogate pair becomes U+FFFD, which is one UTF-16 unit as well. */
export const encode = (text: string): Uint8Array => encoder.encode(text)

/**
 * Encodes a text into `bytes` from `at`, and gives the number of bytes. There must be room for `maxBytesPerUnit`
 * bytes a unit.
 */
export const encodeInto = (text: string, bytes: Uint8Array, at: number): number =>
  encoder.encodeInto(text, bytes.subarray(at)).written

/** Decodes UTF-8 bytes. */
export const decode = (bytes: Uint8Array): string => decoder.decode(bytes)

/** Makes a resizable buffer, which V8 maps into memory by itself. Engines without this option (ES2024) ignore it. */
export const ResizableArrayBuffer: new(
  size: number,
  options: { readonly maxByteLength: number }
) => ArrayBuffer = ArrayBuffer

/** Whether `TextDecoder` takes resizable buffers. Browsers refuse them. */
const decodesResizable: boolean = Option.isSome(
  Option.liftThrowable(decode)(new Uint8Array(new ResizableArrayBuffer(1, { maxByteLength: 1 })))
)

/** Decodes the bytes from `from` up to `to`. */
export const decodeRange = (bytes: Uint8Array, from: number, to: number): string =>
  decode(decodesResizable ? bytes.subarray(from, to) : bytes.slice(from, to))

/** Decodes the JSON of an encoded event. */
export const textOf = (
  { buffer, end, start }: { readonly buffer: Uint8Array; readonly start: number; readonly end: number }
): string => decodeRange(buffer, start, end)

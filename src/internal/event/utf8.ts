/** Texts as they are on the wire, and how many bytes they take there. */
import * as Option from "effect/Option"

/** No UTF-16 unit takes more than three bytes: a bound that costs nothing, for texts far from a limit. */
export const maxBytesPerUnit = 3

export const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

/** The platform's own count where there is one: Node's reads many bytes at once. */
const native = (globalThis as { readonly Buffer?: { readonly byteLength?: (text: string) => number } }).Buffer
  ?.byteLength

/** How many bytes a text takes, or bytes do. */
export const byteLength = (content: string | Uint8Array): number =>
  typeof content !== "string" ? content.length : native === undefined ? countBytes(content) : native(content)

/** The same anywhere. */
export const countBytes = (text: string): number => {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    // a surrogate pair takes four bytes, two for each unit; half a pair is sent as U+FFFD, which takes three
    if (unit < 0x800) bytes += 1
    else if (isHighSurrogate(unit) && isLowSurrogate(text.charCodeAt(index + 1))) {
      bytes += 2
      index++
    } else bytes += 2
  }
  return bytes
}

const encoder = new TextEncoder()
/** What is a mark of the byte order at the beginning of a text is one of its characters here. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** The bytes of a text. Half a surrogate pair becomes U+FFFD, which is one UTF-16 unit as well. */
export const encode = (text: string): Uint8Array => encoder.encode(text)

/** The same into bytes that are there, from `at`; how many it takes. There has to be room for the longest there can be. */
export const encodeInto = (text: string, bytes: Uint8Array, at: number): number =>
  encoder.encodeInto(text, bytes.subarray(at)).written

/** The text of bytes that were encoded. */
export const decode = (bytes: Uint8Array): string => decoder.decode(bytes)

/** What can be resized is mapped into memory by itself; an engine that does not know the option (ES2024) ignores it. */
export const ResizableArrayBuffer: new(
  size: number,
  options: { readonly maxByteLength: number }
) => ArrayBuffer = ArrayBuffer

/** Browsers decode nothing that can be resized. */
const decodesResizable: boolean = Option.isSome(
  Option.liftThrowable(decode)(new Uint8Array(new ResizableArrayBuffer(1, { maxByteLength: 1 })))
)

/** The text of a part of them. */
export const decodeRange = (bytes: Uint8Array, from: number, to: number): string =>
  decode(decodesResizable ? bytes.subarray(from, to) : bytes.slice(from, to))

/** The text of bytes that lie in a buffer. */
export const textOf = (
  { buffer, end, start }: { readonly buffer: Uint8Array; readonly start: number; readonly end: number }
): string => decodeRange(buffer, start, end)

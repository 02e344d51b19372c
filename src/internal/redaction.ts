/**
 * Removes an API key from a text. The service or a proxy can repeat the key in its answer, and encode it differently.
 * No message, report or log line may hold the key.
 */

/** Replaces a key. */
const redacted = "<redacted>"

/** The shortest encoded key that is removed. Any text contains shorter ones. */
const minEncodedLength = 4

/** The longest form of one character in UTF-16 units, see `formsOf`. */
const maxFormLength = 48

const toBytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

const percentEncoded = (text: string): string => hexOf(toBytes(text)).replace(/../g, "%$&")

/** The pattern of each UTF-16 unit as a JSON escape, with one backslash, or with two for JSON inside of JSON. */
const jsonEscaped = (text: string, backslash: string): string =>
  text.split("").map((unit) => `${backslash}u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")

const htmlNames: Readonly<Record<string, string>> = {
  "&": "amp",
  "<": "lt",
  ">": "gt",
  "\"": "quot",
  "'": "apos"
}

/** Whether no encoding escapes the character. */
const isPlain = (character: string): boolean => /^[A-Za-z0-9]$/.test(character)

/** The pattern of one character in plain text, in a URL, in JSON and in HTML. */
const formsOf = (character: string): string => {
  const code = character.codePointAt(0)!
  const name = htmlNames[character]
  return [
    `\\\\{0,3}${escapeRegExp(character)}`,
    percentEncoded(character),
    jsonEscaped(character, "\\\\{1,3}"),
    `&#0{0,3}${code};`,
    `&#x0{0,3}${code.toString(16)};`,
    ...(name === undefined ? [] : [`&${name};`])
  ].join("|")
}

/** A pattern that matches a text whatever the escaped form of each of its characters. */
const patternOf = (text: string): string =>
  Array.from(text, (character) => isPlain(character) ? character : `(?:${formsOf(character)})`).join("")

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/**
 * The base64 of a key that follows `offset` other bytes, without the characters that depend on other bytes. Base64
 * encodes groups of 3 bytes, so that a key has three forms.
 */
const base64Of = (bytes: Uint8Array, offset: number): string => {
  const bitOf = (bit: number): number => (bytes[(bit >> 3) - offset]! >> (7 - (bit & 7))) & 1
  const first = Math.ceil((offset * 8) / 6)
  const last = Math.floor(((offset + bytes.length) * 8) / 6)
  let text = ""
  for (let index = first; index < last; index++) {
    let value = 0
    for (let bit = index * 6; bit < index * 6 + 6; bit++) value = value * 2 + bitOf(bit)
    text += alphabet[value]
  }
  return text
}

/** The characters around the key in base64 that depend on the key and on other bytes. */
const base64Rest = "[a-z0-9+/_-]{0,2}={0,2}"

/** The pattern of a base64 text in both alphabets. The URL-safe one has two other characters. */
const base64Pattern = (text: string): string =>
  Array.from(
    text,
    (character) => character === "+" ? `(?:${formsOf("+")}|-)` : character === "/" ? `(?:${formsOf("/")}|_)` : character
  ).join("") +
  base64Rest

interface Matcher {
  readonly apiKey: string
  readonly pattern: RegExp
  /** The length of the longest form of the key, in UTF-16 units. */
  readonly longest: number
}

/** Matches a key in every form: in upper and lower case, escaped, in hexadecimal digits and in base64. */
const makeMatcher = (apiKey: string): Matcher => {
  const key = apiKey.trim()
  const bytes = toBytes(key)
  const hex = hexOf(bytes)
  const patterns = [
    patternOf(key),
    percentEncoded(key),
    jsonEscaped(key, "\\\\"),
    jsonEscaped(key, "\\\\\\\\"),
    ...[hex, ...[0, 1, 2].map((offset) => base64Of(bytes, offset))]
      .filter((text) => text.length >= minEncodedLength)
      .map((text) => text === hex ? hex : base64Pattern(text))
  ]
  return {
    apiKey,
    // an empty pattern would match everywhere
    pattern: key === "" ? /(?!)/g : new RegExp(patterns.join("|"), "gi"),
    longest: (key.length + 2) * maxFormLength
  }
}

/** The last matcher is kept, since a client always has the same key. */
let last: Matcher = makeMatcher("")

const matcherOf = (apiKey: string): Matcher => {
  if (last.apiKey !== apiKey) last = makeMatcher(apiKey)
  return last
}

/**
 * Removes the key from a text, and cuts the text to `maxLength` UTF-16 units. The key is removed before the cut, so
 * that no part of it is left at the end. The time depends on `maxLength`, not on the length of the text.
 */
export const redact = (text: string, apiKey: string, maxLength: number = Infinity): string => {
  const { longest, pattern } = matcherOf(apiKey)
  let from = 0
  let result = ""
  while (result.length < maxLength && from < text.length) {
    const left = maxLength - result.length
    const part = text.slice(from, from + left + longest)
    pattern.lastIndex = 0
    const match = pattern.exec(part)
    if (match === null || match.index >= left) return result + part.slice(0, left)
    result += part.slice(0, match.index) + redacted
    from += match.index + match[0].length
  }
  return result.slice(0, maxLength)
}

/** Whether a text holds the key in any form. */
export const holdsKey = (text: string, apiKey: string): boolean => text.search(matcherOf(apiKey).pattern) >= 0

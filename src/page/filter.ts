/**
 * Parses the filter of the events. A filter has words, which must all match: `type:`, `user:`, `lib:`, `is:`,
 * `prop.NAME=VALUE` and free text. A word with a `-` in front must not match. A value with spaces has double quotes.
 * Within them, `\"` is a double quote and `\\` a backslash.
 */

/** The parts of an event that a filter reads. */
export interface Subject {
  readonly type: string
  readonly user: string
  readonly device: string
  readonly library: string
  /** The verdict, and the marks `altered` and `violation`. */
  readonly marks: ReadonlyArray<string>
  readonly properties: unknown
  /** The text that free text is searched in, in lower case. */
  readonly text: () => string
}

/** Decides whether an event is selected. */
export type Filter = (subject: Subject) => boolean

interface Word {
  readonly negated: boolean
  readonly key: string
  readonly value: string
}

const pattern = /(-?)(?:(type|user|lib|is|prop\.[^\s=:"]+)[:=])?(?:"((?:[^"\\]|\\.)*)"?|(\S+))/gisu

/** The words of a query. */
const words = (query: string): ReadonlyArray<Word> =>
  Array.from(query.matchAll(pattern), ([, minus, key = "", quoted, bare]) => ({
    negated: minus === "-",
    key: key.startsWith("prop.") ? key : key.toLowerCase(),
    value: quoted?.replace(/\\(["\\])/gu, "$1") ?? bare ?? ""
  }))

const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())

/** The value at a dotted path. It also finds a property whose name has dots. */
const valueAt = (value: unknown, path: string): unknown => {
  if (typeof value !== "object" || value === null) {
    return undefined
  }
  if (Object.hasOwn(value, path)) {
    return (value as Record<string, unknown>)[path]
  }
  const dot = path.indexOf(".")
  return dot === -1 || !Object.hasOwn(value, path.slice(0, dot)) ?
    undefined :
    valueAt((value as Record<string, unknown>)[path.slice(0, dot)], path.slice(dot + 1))
}

const isEqual = (value: unknown, text: string): boolean =>
  Array.isArray(value) ?
    value.some((element) => isEqual(element, text)) :
    value !== undefined && (typeof value === "string" ? value : JSON.stringify(value)) === text

const holds = ({ key, value }: Word): Filter => {
  switch (key) {
    case "":
      return (subject) => subject.text().includes(value.toLowerCase())
    case "type":
      return ({ type }) => contains(type, value)
    case "user":
      return ({ device, user }) => contains(user, value) || contains(device, value)
    case "lib":
      return ({ library }) => contains(library, value)
    case "is":
      return ({ marks }) => marks.includes(value.toLowerCase())
    default:
      return ({ properties }) => isEqual(valueAt(properties, key.slice("prop.".length)), value)
  }
}

/** Parses a query. An empty query selects every event. */
export const parse = (query: string): Filter => {
  const filters = words(query).map((word): Filter => {
    const filter = holds(word)
    return word.negated ? (subject) => !filter(subject) : filter
  })
  return (subject) => filters.every((filter) => filter(subject))
}

/** Whether a query contains a word. */
export const has = (query: string, word: string): boolean => query.split(/\s+/u).includes(word)

/** Adds a word to a query, or removes it if it is there. */
export const toggle = (query: string, word: string): string =>
  (has(query, word) ? query.split(/\s+/u).filter((other) => other !== word) : [...query.split(/\s+/u), word])
    .filter((part) => part !== "")
    .join(" ")

/** A value with the quotes that the filter needs. */
export const quote = (value: string): string =>
  /^[^\s"\\]+$/u.test(value) ? value : `"${value.replace(/["\\]/gu, "\\$&")}"`

/**
 * Checks and writes the properties of an event: the values in `event_properties`, `user_properties` and
 * `group_properties`.
 */
import type * as Arbitrary from "effect/Arbitrary"
import * as Either from "effect/Either"
import * as Inspectable from "effect/Inspectable"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Named } from "./names.js"
import { Names } from "./names.js"
import { encode, isPairAt } from "./utf8.js"
import type { ValidationIssue } from "./validationIssue.js"
import { guarded, kindOf } from "./validationIssue.js"
import type { Write, Written } from "./walk.js"
import { Walk } from "./walk.js"

/** The deepest nesting that the service takes. The properties object itself is depth 1. */
const maxDepth = 40

/** The longest string in properties, in UTF-16 units. */
const maxStringLength = 1024

const serializable = "a value that JSON can hold"

const openBrace = 0x7b

const cut = (text: string): string =>
  text.slice(0, isPairAt(text, maxStringLength - 1) ? maxStringLength - 1 : maxStringLength)

export const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value)
  // plain objects of another realm have another `Object.prototype`
  return prototype === null || prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"))
}

const nameOf = (value: object): string => {
  const constructor = value.constructor
  return typeof constructor === "function" && constructor.name !== ""
    ? `an instance of ${constructor.name}`
    : "an object"
}

/** The JSON of a name and the colon after it. */
export const headOf = (name: string): Uint8Array => encode(`${JSON.stringify(name)}:`)

interface Known extends Named<Known> {
  readonly head: Uint8Array
}

/** The names of properties that were written before. `maxKnown` limits their number, and `maxKnownLength` their UTF-16 units. */
const known = new Map<string, Known>()
const maxKnown = 1000
const maxKnownLength = 100
const names = new Names<Known>((name) => known.get(name))

/** Writes the name of a member, and the colon after it. */
export const writeName = (walk: Walk, name: string): boolean => {
  const head = names.get(name)?.head
  if (head !== undefined) {
    walk.writer.copy(head)
    return true
  }
  if (!walk.fits(name)) return false
  const added: Known = { name, head: headOf(name), following: undefined }
  if (known.size < maxKnown && name.length <= maxKnownLength) known.set(name, added)
  walk.writer.copy(added.head)
  return true
}

const [isTrue, isFalse, isNull] = ["true", "false", "null"].map(encode) as [Uint8Array, Uint8Array, Uint8Array]

export const jsonOfBoolean = (value: boolean): Uint8Array => value ? isTrue : isFalse

/** Writes a string. A longer string is cut as the service would cut it. */
const fitting = (text: string): string => text.length > maxStringLength ? cut(text) : text

const writeValue = (walk: Walk, value: unknown, key: string | number, depth: number): Written => {
  switch (typeof value) {
    case "string":
      walk.writer.text(fitting(value))
      return "written"
    case "boolean":
      walk.writer.copy(jsonOfBoolean(value))
      return "written"
    case "number":
      if (!Number.isFinite(value)) return walk.refuse("a finite number", String(value))
      walk.writer.number(value)
      return "written"
    case "undefined":
      return "leftOut"
    case "object":
      if (value !== null) return writeObject(walk, value, key, depth)
      walk.writer.copy(isNull)
      return "written"
    default:
      return walk.refuse(serializable, `a ${typeof value}`)
  }
}

const writeObject = (walk: Walk, value: object, key: string | number, depth: number): Written => {
  const toJSON = (value as { readonly toJSON?: unknown }).toJSON
  if (typeof toJSON !== "function") return writeContainer(walk, value, depth)
  if (isDate(value) && Number.isNaN(timeOf(value))) return walk.refuse("a valid date", "an invalid Date")
  // a Buffer has a `toJSON`, and is refused as every typed array is
  if (ArrayBuffer.isView(value)) return walk.refuse(serializable, nameOf(value))
  const json: unknown = toJSON.call(value, String(key))
  // as in JSON.stringify, the `toJSON` of what `toJSON` returned is not called
  return typeof json === "object" && json !== null
    ? writeContainer(walk, json, depth)
    : writeValue(walk, json, key, depth)
}

/** Whether a value is a `Date`, also of another realm. */
export const isDate = (value: object): boolean =>
  value instanceof Date || Object.prototype.toString.call(value) === "[object Date]"

export const timeOf = (date: object): number => Date.prototype.getTime.call(date)

const writeContainer = (walk: Walk, value: object, depth: number): Written => {
  if (depth > maxDepth) return walk.refuse(`at most ${maxDepth} levels of nesting`, "more, or a cycle")
  if (Array.isArray(value)) return writeArray(walk, value, depth)
  if (isPlain(value)) return writeRecord(walk, value as Readonly<Record<string, unknown>>, depth)
  return walk.refuse("a plain object, an array or an object with toJSON", nameOf(value))
}

const writeArray = (walk: Walk, items: ReadonlyArray<unknown>, depth: number): Written => {
  const { writer } = walk
  // the length is read once, as JSON.stringify does: reading an element can change the array
  const { length } = items
  if (!walk.fitValues(length)) return "refused"
  writer.openArray()
  for (let index = 0; index < length; index++) {
    if (!walk.enter(depth, index)) return "refused"
    const written = writeValue(walk, items[index], index, depth + 1)
    if (written === "refused") return written
    if (written === "written") writer.next()
  }
  writer.closeArray()
  return "written"
}

const hasOwn = Object.prototype.hasOwnProperty

const writeRecord = (walk: Walk, record: Readonly<Record<string, unknown>>, depth: number): Written => {
  const { writer } = walk
  writer.openObject()
  for (const key in record) {
    if (!hasOwn.call(record, key)) continue
    if (!walk.enter(depth, key)) return "refused"
    const value = record[key]
    const before = writer.size
    if (!writeName(walk, key)) return "refused"
    const written = writeValue(walk, value, key, depth + 1)
    if (written === "refused") return written
    if (written === "written") writer.next()
    else writer.rewind(before)
  }
  writer.closeObject()
  return "written"
}

/** Checks a properties object, and writes its JSON. */
export const writeProperties: Write = (walk, value, key) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return walk.refuse("an object", kindOf(value))
  }
  const { writer } = walk
  const from = writer.size
  const written = writeObject(walk, value, key, 1)
  if (written === "refused" || (written === "written" && writer.bytes[writer.start + from] === openBrace)) {
    return written
  }
  const actual = kindOf(written === "leftOut" ? undefined : JSON.parse(writer.textOf(from)))
  return walk.refuse("an object", `an object whose toJSON returns ${actual}`, 0)
}

/** Checks a properties object, and gives a deep copy of it as plain data. `path` is the path of the object. */
export const copyProperties = (
  value: unknown,
  path: string
): Either.Either<Readonly<Record<string, unknown>>, ValidationIssue> => {
  const walk = new Walk()
  walk.enter(0, path)
  return Either.flatMap(
    Either.try({ try: () => writeProperties(walk, value, path), catch: () => walk.unreadable() }),
    () =>
      walk.issue === undefined
        ? Either.right(JSON.parse(walk.writer.textOf()) as Readonly<Record<string, unknown>>)
        : Either.left(walk.issue)
  )
}

/** `Object.assign` that also copies an own member `__proto__`. */
export const assign = <A extends object>(target: A, source: object | null | undefined): A =>
  source !== null && source !== undefined && Object.hasOwn(source, "__proto__")
    ? Object.defineProperties(target, Object.getOwnPropertyDescriptors({ ...source }))
    : Object.assign(target, source)

/** The most values that `arePlain` reads. */
const maxPlainValues = 1000

/** Whether properties are JSON without `toJSON`. It answers false for large ones. */
export const arePlain = (properties: unknown): boolean => {
  let left = maxPlainValues
  const isJson = (value: unknown, depth: number): boolean => {
    if (left-- <= 0) return false
    if (typeof value === "number") return Number.isFinite(value)
    if (typeof value !== "object") return value === undefined || typeof value === "string" || typeof value === "boolean"
    if (value === null) return true
    return depth <= maxDepth && !("toJSON" in value) && (Array.isArray(value) || isPlain(value)) &&
      areJson(value, depth)
  }
  const areJson = (value: object, depth: number): boolean => {
    for (const key in value) {
      if (!isJson((value as Readonly<Record<string, unknown>>)[key], depth + 1)) return false
    }
    return true
  }
  return typeof properties === "object" && properties !== null && !Array.isArray(properties) && isJson(properties, 1)
}

/** The type of properties. `any` admits values of interface types; each value is checked when the event is tracked. */
export interface Properties {
  readonly [key: string]: any
}

/** The check as a schema, for `Schema.Class`es. It does not copy the value. */
export const Properties: Schema.Schema<Properties> = Schema.declare(
  [],
  {
    decode: () => checkProperties,
    encode: () => checkProperties
  },
  {
    identifier: "Properties",
    jsonSchema: { type: "object" },
    arbitrary: () => arbitraryProperties,
    pretty: () => Inspectable.toStringUnknown
  }
)

const arbitraryProperties: Arbitrary.LazyArbitrary<Properties> = (fc) =>
  fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))

const checkProperties = (
  value: unknown,
  _options: unknown,
  ast: ParseResult.Type["ast"]
): Either.Either<Properties, ParseResult.ParseIssue> =>
  Either.mapBoth(guarded("properties", () => copyProperties(value, "properties")), {
    onLeft: ({ actual, expected, path }) =>
      new ParseResult.Type(ast, value, `${path}: expected ${expected}, got ${actual}`),
    onRight: () => value as Properties
  })

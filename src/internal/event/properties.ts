/**
 * Properties are the open part of an event: what a product puts in `event_properties`, `user_properties` and
 * `group_properties`. One walk checks them and writes their JSON: each value is read once, so that what was checked is
 * what is sent, whatever happens to the object afterwards.
 */
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { acquire, release, Writer } from "./jsonWriter.js"
import * as Recurring from "./recurring.js"
import { encode } from "./utf8.js"

/** Where a value is wrong, what was expected there, and the kind of thing found (never the value itself). */
export interface Fault {
  readonly path: string
  readonly expected: string
  readonly actual: string
}

/** The deepest nesting that the service takes; the properties object itself is depth 1. */
const maxDepth = 40

/** The longest string in properties, in UTF-16 units. */
const maxStringLength = 1024

/**
 * The most values in one properties object. Each takes at least two bytes of JSON, so that an object with more could
 * not be sent anyway (20,000,000 bytes are the largest request): this bounds the walk of a small graph in which shared
 * references unfold to an enormous tree.
 */
const maxValues = 10_000_000

/** What is far longer than the largest request (20,000,000 bytes) is not written to its end: the same bound in bytes. */
const maxBytes = 50_000_000

const serializable = "a value that JSON can hold"

/** The state of one walk: a fault is written here, its path from the inside out. */
interface Walk {
  values: number
  /** Whether the whole is written as an object. */
  isRecord: boolean
  path: string
  expected: string
  actual: string
}

/** What became of a value: one that is left out has no JSON, and of one that is refused its walk says why. */
type Written = "written" | "leftOut" | "refused"

const refuse = (walk: Walk, expected: string, actual: string): "refused" => {
  walk.path = ""
  walk.expected = expected
  walk.actual = actual
  return "refused"
}

/** One step of a path: `.name`, or `["a name"]` where it is not an identifier. */
const step = (key: string): string => /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`

const cut = (text: string): string => {
  const last = text.charCodeAt(maxStringLength - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxStringLength - 1 : maxStringLength)
}

const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value)
  // the second test takes plain objects of other realms, whose `Object.prototype` is another one
  return prototype === null || prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"))
}

const nameOf = (value: object): string => {
  const constructor = value.constructor
  return typeof constructor === "function" && constructor.name !== ""
    ? `an instance of ${constructor.name}`
    : "an object"
}

/** How the JSON of a property or field begins. */
export const headOf = (name: string): Uint8Array => encode(`${JSON.stringify(name)}:`)

/** So many are remembered, of names of at most so many UTF-16 units. */
const heads: Recurring.Recurring<Uint8Array> = Recurring.make()
const maxHeads = 1000
const maxKnownName = 100

const knownHeadOf = (name: string): Uint8Array => {
  const known = heads.get(name)
  if (known !== undefined) return known
  const head = headOf(name)
  if (heads.size() < maxHeads && name.length <= maxKnownName) heads.add(name, head)
  return head
}

const [isTrue, isFalse, isNull] = ["true", "false", "null"].map(encode) as [Uint8Array, Uint8Array, Uint8Array]

export const writeBoolean = (writer: Writer, value: boolean): void => writer.copy(value ? isTrue : isFalse)

/** What a string in properties is sent as: the service cuts longer ones, here it happens visibly. */
const fitting = (text: string): string => text.length > maxStringLength ? cut(text) : text

const writeValue = (writer: Writer, value: unknown, key: string, depth: number, walk: Walk): Written => {
  switch (typeof value) {
    case "string":
      writer.text(fitting(value))
      return "written"
    case "boolean":
      writeBoolean(writer, value)
      return "written"
    case "number":
      if (!Number.isFinite(value)) return refuse(walk, "a finite number", String(value))
      writer.number(value)
      return "written"
    case "undefined":
      return "leftOut"
    case "object":
      if (value !== null) return writeObject(writer, value, key, depth, walk)
      writer.copy(isNull)
      return "written"
    default:
      return refuse(walk, serializable, `a ${typeof value}`)
  }
}

const writeObject = (writer: Writer, value: object, key: string, depth: number, walk: Walk): Written => {
  const toJSON = (value as { readonly toJSON?: unknown }).toJSON
  if (typeof toJSON !== "function") return writeContainer(writer, value, depth, walk)
  if (isDate(value) && Number.isNaN(Date.prototype.getTime.call(value))) {
    return refuse(walk, "a valid date", "an invalid Date")
  }
  // a Buffer has a toJSON, and is a typed array all the same
  if (ArrayBuffer.isView(value)) return refuse(walk, serializable, nameOf(value))
  const json: unknown = toJSON.call(value, key)
  // as in JSON.stringify, the `toJSON` of what `toJSON` returned is not called
  return typeof json === "object" && json !== null
    ? writeContainer(writer, json, depth, walk)
    : writeValue(writer, json, key, depth, walk)
}

/** Also of another realm. */
const isDate = (value: object): boolean =>
  value instanceof Date || Object.prototype.toString.call(value) === "[object Date]"

const writeContainer = (writer: Writer, value: object, depth: number, walk: Walk): Written => {
  if (depth > maxDepth) return refuse(walk, `at most ${maxDepth} levels of nesting`, "more, or a cycle")
  if (Array.isArray(value)) return writeArray(writer, value, depth, walk)
  if (isPlain(value)) return writeRecord(writer, value as Readonly<Record<string, unknown>>, depth, walk)
  return refuse(walk, "a plain object, an array or an object with toJSON", nameOf(value))
}

const writeArray = (writer: Writer, items: ReadonlyArray<unknown>, depth: number, walk: Walk): Written => {
  // read once, as JSON.stringify does: reading an element can lengthen its own array
  const { length } = items
  if (!((walk.values += length) <= maxValues)) return refuse(walk, `at most ${maxValues} values`, "more")
  writer.openArray()
  for (let index = 0; index < length; index++) {
    if (writer.at > maxBytes) return refuse(walk, `at most ${maxBytes} bytes of JSON`, "more")
    const written = writeValue(writer, items[index], `${index}`, depth + 1, walk)
    if (written === "refused") {
      walk.path = `[${index}]${walk.path}`
      return written
    }
    if (written === "written") writer.next()
  }
  writer.closeArray()
  return "written"
}

const writeRecord = (
  writer: Writer,
  record: Readonly<Record<string, unknown>>,
  depth: number,
  walk: Walk
): Written => {
  if (depth === 1) walk.isRecord = true
  writer.openObject()
  // the one loop in which the engine reads values without looking each of them up
  for (const key in record) {
    if (!hasOwn.call(record, key)) continue
    if (++walk.values > maxValues) return refuse(walk, `at most ${maxValues} values`, "more")
    if (writer.at > maxBytes) return refuse(walk, `at most ${maxBytes} bytes of JSON`, "more")
    const value = record[key]
    const before = writer.at
    writer.copy(knownHeadOf(key))
    const written = writeValue(writer, value, key, depth + 1, walk)
    if (written === "refused") {
      walk.path = step(key) + walk.path
      return written
    }
    if (written === "written") writer.next()
    else writer.at = before
  }
  writer.closeObject()
  return "written"
}

const hasOwn = Object.prototype.hasOwnProperty

const newWalk = (): Walk => ({ values: 0, isRecord: false, path: "", expected: "", actual: "" })

/**
 * Checks a properties object that stands at `path`, and writes its JSON. Reading it may throw: the caller guards, and
 * finds out where with `pathOfThrowing`.
 */
export const writeProperties = (writer: Writer, value: unknown, path: string): Fault | undefined => {
  const walk = newWalk()
  return writeRoot(writer, value, path, walk) === "refused"
    ? { path: path + walk.path, expected: walk.expected, actual: walk.actual }
    : undefined
}

/** The same for a copy: plain data that shares nothing with what was given. */
export const copyProperties = (
  value: unknown,
  path: string
): Either.Either<Readonly<Record<string, unknown>>, Fault> => {
  const writer = acquire()
  const copied = Either.match(Either.try(() => writeProperties(writer, value, path)), {
    onLeft: () => Either.left({ ...unreadable, path: path + pathOfThrowing(value, 1) }),
    onRight: (fault) =>
      fault === undefined
        ? Either.right(JSON.parse(writer.textOf(0, writer.at)) as Readonly<Record<string, unknown>>)
        : Either.left(fault)
  })
  release(writer)
  return copied
}

const writeRoot = (writer: Writer, value: unknown, key: string, walk: Walk): Written => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(walk, "an object", kindOf(value))
  }
  const from = writer.at
  const written = writeObject(writer, value, key, 1, walk)
  if (written === "refused" || (written === "written" && walk.isRecord)) return written
  const actual = kindOf(written === "leftOut" ? undefined : JSON.parse(writer.textOf(from, writer.at)))
  return refuse(walk, "an object", `an object whose toJSON returns ${actual}`)
}

/** What is wrong with a value that throws when it is read. */
export const unreadable: Omit<Fault, "path"> = {
  expected: "values that can be read",
  actual: "a getter, a toJSON or a proxy that throws"
}

/** Where in a value that throws when it is read it throws: each part is tried again by itself. */
export const pathOfThrowing = (value: unknown, depth: number): string => {
  const attempt = Option.liftThrowable((f: () => unknown) => f())
  const keys = Option.getOrElse(Option.liftThrowable(() => Object.keys(value as object))(), () => [])
  for (const key of keys) {
    const here = Option.exists(attempt(() => Array.isArray(value)), Boolean) ? `[${key}]` : step(key)
    const child = attempt(() => (value as Readonly<Record<string, unknown>>)[key])
    if (Option.isNone(child)) return here
    if (Option.isNone(attempt(() => writeValue(new Writer(), child.value, key, depth + 1, newWalk())))) {
      return here + pathOfThrowing(child.value, depth + 1)
    }
  }
  return ""
}

/** Runs a check that reads what users gave: where reading it throws, that is a fault at `path`. */
export const guarded = <A>(path: string, check: () => Either.Either<A, Fault>): Either.Either<A, Fault> =>
  Either.flatMap(
    Either.try({
      try: check,
      catch: (): Fault => ({ ...unreadable, path })
    }),
    identity
  )

/** What kind of thing a value is, in words that give nothing of it away. */
export const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  switch (typeof value) {
    case "object":
      // a revoked proxy cannot even be asked whether it is an array
      return Option.exists(Option.liftThrowable(Array.isArray)(value), Boolean) ? "an array" : "an object"
    case "number":
      return Number.isFinite(value) ? "a number" : String(value)
    default:
      return `a ${typeof value}`
  }
}

/** Properties as users write them: interface-typed values fit, each value is checked when the event is tracked. */
export interface Properties {
  readonly [key: string]: any
}

/** The check as a schema, for the classes of data; it hands on what it was given. */
export const Properties: Schema.Schema<Properties> = Schema.declare(
  [],
  {
    decode: () => checkProperties,
    encode: () => checkProperties
  },
  { identifier: "Properties", jsonSchema: { type: "object" } }
)

const checkProperties = (
  value: unknown,
  _options: unknown,
  ast: ParseResult.Type["ast"]
): Either.Either<Properties, ParseResult.ParseIssue> =>
  Either.mapBoth(guarded("properties", () => copyProperties(value, "properties")), {
    onLeft: (fault) =>
      new ParseResult.Type(ast, value, `${fault.path}: expected ${fault.expected}, got ${fault.actual}`),
    onRight: () => value as Properties
  })

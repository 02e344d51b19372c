/**
 * Properties are the open part of an event: what a product puts in `event_properties`, `user_properties` and
 * `group_properties`. One walk checks them and copies them: what comes out is plain JSON data that shares nothing with
 * what was given, so later changes to it are not seen, each getter is read once, and `JSON.stringify` of the copy
 * cannot throw or surprise.
 */
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/** Where a value is wrong, what was expected there, and the kind of thing found (never the value itself). */
export interface Fault {
  readonly path: string
  readonly expected: string
  readonly actual: string
}

/** The deepest nesting that the service takes; the properties object itself is depth 1. */
const maxDepth = 40

/** The longest string in properties, in UTF-16 units: the service cuts longer ones, here it happens visibly. */
const maxStringLength = 1024

/**
 * The most values in one properties object. Each takes at least two bytes of JSON, so that an object with more could
 * not be sent anyway (20,000,000 bytes are the largest request): this bounds the walk of a small graph in which shared
 * references unfold to an enormous tree.
 */
const maxValues = 10_000_000

const serializable = "a value that JSON can hold"

/** The state of one walk: a fault is written here, its path from the inside out. */
interface Walk {
  values: number
  path: string
  expected: string
  actual: string
}

/** What the walk returns in the place of a value that was refused. */
const refused = Symbol("refused")

const refuse = (walk: Walk, expected: string, actual: string): typeof refused => {
  walk.path = ""
  walk.expected = expected
  walk.actual = actual
  return refused
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

const copyValue = (value: unknown, key: string, depth: number, walk: Walk): unknown => {
  switch (typeof value) {
    case "string":
      return value.length > maxStringLength ? cut(value) : value
    case "boolean":
      return value
    case "number":
      return Number.isFinite(value) ? value : refuse(walk, "a finite number", String(value))
    case "undefined":
      return undefined
    case "object":
      return value === null ? null : copyObject(value, key, depth, walk)
    default:
      return refuse(walk, serializable, `a ${typeof value}`)
  }
}

const copyObject = (value: object, key: string, depth: number, walk: Walk): unknown => {
  const toJSON = (value as { readonly toJSON?: unknown }).toJSON
  if (typeof toJSON !== "function") return copyContainer(value, depth, walk)
  if (isDate(value) && Number.isNaN(Date.prototype.getTime.call(value))) {
    return refuse(walk, "a valid date", "an invalid Date")
  }
  // a Buffer has a toJSON, and is a typed array all the same
  if (ArrayBuffer.isView(value)) return refuse(walk, serializable, nameOf(value))
  const json: unknown = toJSON.call(value, key)
  // as in JSON.stringify, the `toJSON` of what `toJSON` returned is not called
  return typeof json === "object" && json !== null
    ? copyContainer(json, depth, walk)
    : copyValue(json, key, depth, walk)
}

/** Also of another realm. */
const isDate = (value: object): boolean =>
  value instanceof Date || Object.prototype.toString.call(value) === "[object Date]"

const copyContainer = (value: object, depth: number, walk: Walk): unknown => {
  if (depth > maxDepth) return refuse(walk, `at most ${maxDepth} levels of nesting`, "more, or a cycle")
  if (Array.isArray(value)) return copyArray(value, depth, walk)
  if (isPlain(value)) return copyRecord(value as Readonly<Record<string, unknown>>, depth, walk)
  return refuse(walk, "a plain object, an array or an object with toJSON", nameOf(value))
}

const copyArray = (items: ReadonlyArray<unknown>, depth: number, walk: Walk): unknown => {
  const copy: Array<unknown> = []
  // read once, as JSON.stringify does: reading an element can lengthen its own array
  const { length } = items
  if (!((walk.values += length) <= maxValues)) return refuse(walk, `at most ${maxValues} values`, "more")
  for (let index = 0; index < length; index++) {
    const value = copyValue(items[index], String(index), depth + 1, walk)
    if (value === refused) {
      walk.path = `[${index}]${walk.path}`
      return refused
    }
    if (value !== undefined) copy.push(value)
  }
  return copy
}

const copyRecord = (record: Readonly<Record<string, unknown>>, depth: number, walk: Walk): unknown => {
  const copy: Record<string, unknown> = {}
  const keys = Object.keys(record)
  if ((walk.values += keys.length) > maxValues) return refuse(walk, `at most ${maxValues} values`, "more")
  for (const key of keys) {
    const value = copyValue(record[key], key, depth + 1, walk)
    if (value === refused) {
      walk.path = step(key) + walk.path
      return refused
    }
    if (value === undefined) continue
    if (key === "__proto__") Object.defineProperty(copy, key, { value, enumerable: true })
    else copy[key] = value
  }
  return copy
}

const newWalk = (): Walk => ({ values: 0, path: "", expected: "", actual: "" })

/** Checks and copies a properties object that stands at `path`. */
export const copyProperties = (
  value: unknown,
  path: string
): Either.Either<Readonly<Record<string, unknown>>, Fault> => {
  const walk = newWalk()
  const copied = Either.try(() => copyRoot(value, path, walk))
  if (Either.isLeft(copied)) return Either.left({ ...unreadable, path: path + pathOfThrowing(value, 1) })
  const copy = copied.right
  return copy === refused
    ? Either.left({ path: path + walk.path, expected: walk.expected, actual: walk.actual })
    : Either.right(copy as Readonly<Record<string, unknown>>)
}

const copyRoot = (value: unknown, key: string, walk: Walk): unknown => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(walk, "an object", kindOf(value))
  }
  const copy = copyObject(value, key, 1, walk)
  return copy === refused || (typeof copy === "object" && copy !== null && !Array.isArray(copy))
    ? copy
    : refuse(walk, "an object", `an object whose toJSON returns ${kindOf(copy)}`)
}

const unreadable = {
  expected: "values that can be read",
  actual: "a getter, a toJSON or a proxy that throws"
}

/** Where in a value, whose copy throws, it throws: each part is tried again by itself. */
const pathOfThrowing = (value: unknown, depth: number): string => {
  const attempt = Option.liftThrowable((f: () => unknown) => f())
  const keys = Option.getOrElse(Option.liftThrowable(() => Object.keys(value as object))(), () => [])
  for (const key of keys) {
    const here = Option.exists(attempt(() => Array.isArray(value)), Boolean) ? `[${key}]` : step(key)
    const child = attempt(() => (value as Readonly<Record<string, unknown>>)[key])
    if (Option.isNone(child)) return here
    if (Option.isNone(attempt(() => copyValue(child.value, key, depth + 1, newWalk())))) {
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

/** The guard as a schema, for the classes of data; it hands on what it was given. */
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

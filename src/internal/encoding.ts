/**
 * From what a caller gave to the JSON of an event, pure: checking the shape of each field that is there, filling in
 * defaults and context, validating the whole, encoding it once.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { AmplitudeConfig } from "../AmplitudeConfig.js"
import { Event, faultKey } from "../Event.js"
import { faultOf } from "./fault.js"
import type { Fault } from "./properties.js"
import { copyProperties, kindOf, Properties } from "./properties.js"
import * as Request from "./request.js"
import { byteLength, maxBytesPerUnit } from "./utf8.js"
import { library } from "./version.js"

/** The checked fields of an event: plain data that shares nothing with what was given. */
export type Fields = Record<string, unknown>

/** The longest event type or id, in UTF-16 units. */
const maxLength = 1024

/** The shortest id that the service takes unless `min_id_length` says otherwise. */
const defaultMinIdLength = 5

/** Groups beyond these are sent, but the service does not track them (Amplitude HTTP V2 API, limits). */
const maxGroupTypes = 5
const maxGroupNames = 10

/** Ids that the service refuses, in lower case. */
const refusedIds: ReadonlySet<string> = new Set([
  "anonymous",
  "nil",
  "none",
  "null",
  "n/a",
  "na",
  "undefined",
  "unknown",
  "",
  "00000000-0000-0000-0000-000000000000",
  "{}",
  "lmy47d",
  "0",
  "-1"
])

// -- shape -------------------------------------------------------------------------------------------------------------

/** Checks one value and puts a copy of it into the fields. */
type Check = (value: unknown, name: string, into: Fields) => Fault | undefined

const scalar = (expected: string, is: (value: unknown) => boolean): Check => (value, name, into) => {
  if (!is(value)) return { path: name, expected, actual: kindOf(value) }
  into[name] = value
  return undefined
}

const checkProperties: Check = (value, name, into) =>
  Either.match(copyProperties(value, name), {
    onLeft: (fault) => fault,
    onRight: (copy) => {
      into[name] = copy
      return undefined
    }
  })

/** For the fields that are rare: the schema itself. */
const bySchema = (schema: Schema.Schema.AnyNoContext): Check => {
  const decode = ParseResult.decodeUnknownEither(schema, { onExcessProperty: "error" })
  return (value, name, into) =>
    Either.match(decode(value), {
      onLeft: (issue) => faultOf(issue, name),
      onRight: (decoded) => {
        into[name] = decoded
        return undefined
      }
    })
}

const fastChecks: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  [Schema.String, scalar("a string", (value) => typeof value === "string")],
  [Schema.Boolean, scalar("a boolean", (value) => typeof value === "boolean")],
  [Schema.Finite, scalar("a finite number", Number.isFinite)],
  [Schema.Int, scalar("an integer", Number.isSafeInteger)],
  [Properties, checkProperties]
])

/** Each field's check, from the schema of `Event`, so that the schema stays the only list of the fields. */
const checks: ReadonlyMap<string, Check> = new Map(
  Object.entries(Event.fields).map(([name, field]) => {
    const schema: Schema.Schema.AnyNoContext = "from" in field ? field.from : field
    return [name, fastChecks.get(schema) ?? bySchema(schema)]
  })
)

const checkField = (name: string, value: unknown, into: Fields): Fault | undefined => {
  const check = checks.get(name)
  if (check === undefined) return { path: name, expected: "a field of an event", actual: "an unknown field" }
  return value === undefined || into[name] !== undefined ? undefined : check(value, name, into)
}

/** Copies the fields of an object that are given, and not there yet. */
const copyFields = (given: object, into: Fields): Fault | undefined => {
  for (const name of Object.keys(given)) {
    const fault = checkField(name, (given as Fields)[name], into)
    if (fault !== undefined) return fault
  }
  return undefined
}

const copyEvent = (event: unknown, into: Fields): Fault | undefined => {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    return { path: "event", expected: "an object", actual: kindOf(event) }
  }
  // a constructor found something wrong with its arguments, and left the refusal to this place
  return (event as { readonly [faultKey]?: Fault })[faultKey] ?? copyFields(event, into)
}

const copyOptions = (options: unknown, into: Fields): Fault | undefined =>
  options === undefined
    ? undefined
    : typeof options === "object" && options !== null
    ? copyFields(options, into)
    : { path: "options", expected: "an object", actual: kindOf(options) }

/**
 * The checked fields of a call: an event, or an event type with its properties and options. Reading what was given may
 * throw: the caller guards.
 */
export const shape = (event: unknown, properties?: unknown, options?: unknown): Either.Either<Fields, Fault> => {
  const fields: Fields = {}
  const fault = typeof event !== "string"
    ? copyEvent(event, fields)
    : checkField("event_type", event, fields) ??
      checkField("event_properties", properties, fields) ??
      copyOptions(options, fields)
  return fault === undefined ? Either.right(fields) : Either.left(fault)
}

/** Fills in what the event has not said itself: the innermost defaults first. */
export const applyDefaults = (
  fields: Fields,
  local: AmplitudeConfig.Defaults | undefined,
  settings: AmplitudeConfig.Settings
): Fault | undefined => {
  const fault = local === undefined ? undefined : copyFields(local, fields)
  if (fault !== undefined) return fault
  if (settings.eventOptions !== undefined) copyFields(settings.eventOptions, fields)
  if (settings.plan !== undefined) fields.plan ??= settings.plan
  if (settings.ingestionMetadata !== undefined) fields.ingestion_metadata ??= settings.ingestionMetadata
  return undefined
}

/** What every event carries. What the caller gave is kept, except the library, which is always ours. */
export const applyContext = (fields: Fields, now: number, insertId: () => string): void => {
  fields.time ??= Math.floor(now)
  fields.insert_id ??= insertId()
  fields.library = library
}

// -- the whole ---------------------------------------------------------------------------------------------------------

const checkLength = (name: string, value: string): Fault | undefined =>
  value.length > maxLength
    ? { path: name, expected: `at most ${maxLength} characters`, actual: `${value.length}` }
    : undefined

const checkId = (name: "user_id" | "device_id", id: string | undefined, minLength: number): Fault | undefined => {
  if (id === undefined) return undefined
  if (refusedIds.has(id.toLowerCase())) {
    return { path: name, expected: "an id of a user or device", actual: "one that the service refuses" }
  }
  return id.length < minLength
    ? { path: name, expected: `at least ${minLength} characters`, actual: `${id.length}` }
    : checkLength(name, id)
}

/** What is wrong with an event whose fields are each of the right kind. */
export const validate = (fields: Fields, settings: AmplitudeConfig.Settings): Fault | undefined => {
  const { device_id, event_type, insert_id, user_id } = fields as {
    readonly [name: string]: string | undefined
  }
  if (event_type === undefined || event_type.trim() === "") {
    return {
      path: "event_type",
      expected: "a name that is not blank",
      actual: event_type === undefined ? "none" : "a blank one"
    }
  }
  if (user_id === undefined && device_id === undefined && event_type !== "$groupidentify") {
    return { path: "user_id", expected: "a user_id or a device_id", actual: "neither" }
  }
  const minLength = settings.minIdLength ?? defaultMinIdLength
  return checkLength("event_type", event_type) ??
    checkId("user_id", user_id, minLength) ??
    checkId("device_id", device_id, minLength) ??
    (insert_id === undefined ? undefined : checkLength("insert_id", insert_id))
}

/** Whether an event has more groups than the service tracks. */
export const hasTooManyGroups = ({ groups }: Fields): boolean => {
  if (groups === undefined) return false
  const names = Object.values(groups as Readonly<Record<string, string | ReadonlyArray<string>>>)
  return names.length > maxGroupTypes || names.flat().length > maxGroupNames
}

/** Events of one lane leave in order: that of the device, else of the user, else of the group. */
export const laneOf = ({ device_id, groups, user_id }: Fields): string =>
  (device_id ?? user_id ?? JSON.stringify(groups ?? {})) as string

/** The JSON of an event, unless it is too large for a request even alone. */
export const encode = (fields: Fields, settings: AmplitudeConfig.Settings): Either.Either<string, Fault> => {
  const json = JSON.stringify(fields)
  // far below the limit of either API, whatever surrounds the event: nothing to work out
  if (json.length * maxBytesPerUnit < 900_000) return Either.right(json)
  const { bytes } = Request.limits(settings)
  return byteLength(json) < bytes
    ? Either.right(json)
    : Either.left({ path: "event", expected: `at most ${bytes - 1} bytes of JSON`, actual: `${byteLength(json)}` })
}

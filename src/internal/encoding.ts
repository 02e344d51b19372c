/**
 * From what a caller gave to the JSON of an event, pure: filling in defaults, checking each field that is there and
 * writing its JSON at once, adding the context, validating the whole.
 */
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { AmplitudeConfig } from "../AmplitudeConfig.js"
import { Event, faultKey, fromJson } from "../Event.js"
import { faultOf } from "./fault.js"
import type { Fault } from "./properties.js"
import {
  addText,
  addValue,
  closeObject,
  headOf,
  kindOf,
  pathOfThrowing,
  Properties,
  unreadable,
  writeProperties
} from "./properties.js"
import * as Request from "./request.js"
import { byteLength, maxBytesPerUnit } from "./utf8.js"
import { library } from "./version.js"

/** What a call of `track` was given: an event, or an event type with its properties and options. */
export type Given = readonly [event: unknown, properties?: unknown, options?: unknown]

/** An event that is being written. */
export interface Draft {
  /** The JSON of the fields so far, and whether it ends in a text without its last quote. */
  json: string
  open: boolean
  // what is asked for later of the fields that were written
  event_type: string | undefined
  user_id: string | undefined
  device_id: string | undefined
  insert_id: string | undefined
  time: number | undefined
  /** Their JSON. */
  groups: string | undefined
}

export const make = (): Draft => ({
  json: "",
  open: false,
  event_type: undefined,
  user_id: undefined,
  device_id: undefined,
  insert_id: undefined,
  time: undefined,
  groups: undefined
})

/** The longest event type or id, in UTF-16 units. */
const maxLength = 1024

/** The shortest id that the service takes unless `min_id_length` says otherwise. */
const defaultMinIdLength = 5

/** Groups beyond these are sent, but the service does not track them (Amplitude HTTP V2 API, limits). */
const maxGroupTypes = 5
const maxGroupNames = 10

/** Ids that the service refuses (Amplitude HTTP V2 API, device and user ids). */
const refusedId = /^(?:anonymous|nil|none|null|n\/a|na|undefined|unknown||0{8}-0{4}-0{4}-0{4}-0{12}|\{\}|lmy47d|0|-1)$/i

// -- fields ------------------------------------------------------------------------------------------------------------

/** Checks the value of one field, and writes it. */
type Check = (value: unknown, draft: Draft) => Fault | undefined

/** The JSON of a value, or what is wrong with it. */
type Write = (value: unknown, name: string) => string | Fault

const scalar = (expected: string, is: (value: unknown) => boolean): Write => (value, name) =>
  is(value) ? `${value as number | boolean}` : { path: name, expected, actual: kindOf(value) }

/** For the fields that are rare: the schema itself. */
const bySchema = (schema: Schema.Schema.AnyNoContext): Write => {
  const decode = ParseResult.decodeUnknownEither(schema, { onExcessProperty: "error" })
  return (value, name) =>
    Either.match(decode(value), {
      onLeft: (issue) => faultOf(issue, name),
      onRight: (decoded) => JSON.stringify(decoded)
    })
}

const fastWrites: ReadonlyMap<unknown, Write> = new Map<unknown, Write>([
  [Schema.Boolean, scalar("a boolean", (value) => typeof value === "boolean")],
  [Schema.Finite, scalar("a finite number", Number.isFinite)],
  [Schema.Int, scalar("an integer", Number.isSafeInteger)],
  [Properties, writeProperties]
])

/** Keeps what is asked for later of a field: its value, or its JSON where it is no text. */
type Keep = (draft: Draft, value: unknown, json?: string) => void

const keepNothing: Keep = () => {}

const keepOf = (name: string): Keep => {
  switch (name) {
    case "event_type":
    case "user_id":
    case "device_id":
    case "insert_id":
    case "time":
      return (draft, value) => {
        draft[name] = value as undefined
      }
    case "groups":
      return (draft, _value, json) => {
        draft.groups = json
      }
    default:
      return keepNothing
  }
}

const checkText = (name: string): Check => {
  const head = headOf(name)
  const keep = keepOf(name)
  // it is checked like any other, and always ours
  const isWritten = name !== "library"
  return (value, draft) => {
    if (typeof value !== "string") return { path: name, expected: "a string", actual: kindOf(value) }
    if (isWritten) {
      draft.json = addText(draft.json, draft.open, head, value)
      draft.open = true
      keep(draft, value)
    }
    return undefined
  }
}

const checkValue = (name: string, write: Write): Check => {
  const head = headOf(name)
  const keep = keepOf(name)
  return (value, draft) => {
    const json = write(value, name)
    if (typeof json !== "string") return json
    draft.json = addValue(draft.json, draft.open, head, json)
    draft.open = false
    keep(draft, value, json)
    return undefined
  }
}

/** Each field's check, from the schema of `Event`, so that the schema stays the only list of the fields. */
const checks: ReadonlyMap<string, Check> = new Map(
  Object.entries(Event.fields).map(([name, field]) => {
    const schema: Schema.Schema.AnyNoContext = "from" in field ? field.from : field
    return [
      name,
      schema === Schema.String ? checkText(name) : checkValue(name, fastWrites.get(schema) ?? bySchema(schema))
    ]
  })
)

type Fields = Readonly<Record<string, unknown>>

const writeFields = (draft: Draft, fields: Fields): Fault | undefined => {
  for (const name of Object.keys(fields)) {
    const check = checks.get(name)
    if (check === undefined) return { path: name, expected: "a field of an event", actual: "an unknown field" }
    const value = fields[name]
    const fault = value === undefined ? undefined : check(value, draft)
    if (fault !== undefined) return fault
  }
  return undefined
}

// -- what was given ----------------------------------------------------------------------------------------------------

/** Adds the fields that are not there yet. */
const fill = (fields: Record<string, unknown>, defaults: Fields | undefined): void => {
  if (defaults === undefined) return
  for (const name of Object.keys(defaults)) {
    if (fields[name] === undefined) fields[name] = defaults[name]
  }
}

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null

/** The fields of a call with their defaults, each taken from where it is said first. */
const merge = (
  first: Fields,
  options: Fields | undefined,
  local: AmplitudeConfig.Defaults | undefined,
  settings: AmplitudeConfig.Settings
): Fields => {
  // without a prototype, whose names would count as said
  const fields: Record<string, unknown> = Object.create(null)
  Object.assign(fields, first)
  fill(fields, options)
  fill(fields, local)
  fill(fields, settings.eventOptions)
  fill(fields, { plan: settings.plan, ingestion_metadata: settings.ingestionMetadata })
  return fields
}

/** Writes what was given, with the innermost defaults for what it does not say itself. */
export const read = (
  draft: Draft,
  given: Given,
  local: AmplitudeConfig.Defaults | undefined,
  settings: AmplitudeConfig.Settings
): Fault | undefined =>
  Either.merge(Either.try({
    try: () => unsafeRead(draft, given, local, settings),
    catch: () => faultOfThrowing(given, local)
  }))

/** What was given may throw when it is read. */
const unsafeRead = (
  draft: Draft,
  [event, properties, options]: Given,
  local: AmplitudeConfig.Defaults | undefined,
  settings: AmplitudeConfig.Settings
): Fault | undefined => {
  if (typeof event === "string") {
    return options === undefined || isObject(options)
      ? writeFields(draft, merge({ event_type: event, event_properties: properties }, options, local, settings))
      : { path: "options", expected: "an object", actual: kindOf(options) }
  }
  return readEvent(
    draft,
    event,
    (fields) => hasDefaults(local, settings) ? merge(fields, undefined, local, settings) : fields
  )
}

/** Writes an event as it stands: what a plugin gives back is checked like what a caller gives. */
export const reread = (draft: Draft, event: unknown): Fault | undefined =>
  Either.merge(Either.try({
    try: () => readEvent(draft, event, identity),
    catch: () => faultOfThrowing([event])
  }))

const readEvent = (draft: Draft, event: unknown, complete: (fields: Fields) => Fields): Fault | undefined =>
  isObject(event) && !Array.isArray(event)
    // a constructor found something wrong with its arguments, and left the refusal to this place
    ? (event as { readonly [faultKey]?: Fault })[faultKey] ?? writeFields(draft, complete(event))
    : { path: "event", expected: "an object", actual: kindOf(event) }

const hasDefaults = (local: AmplitudeConfig.Defaults | undefined, settings: AmplitudeConfig.Settings): boolean =>
  local !== undefined || settings.eventOptions !== undefined || settings.plan !== undefined ||
  settings.ingestionMetadata !== undefined

/** What is wrong with a call that throws when it is read. */
const faultOfThrowing = ([event, properties, options]: Given, local?: AmplitudeConfig.Defaults): Fault => {
  const sources = typeof event === "string" ? [{ event_properties: properties }, options, local] : [event, local]
  const path = sources.map((source) => pathOfThrowing(source, 0)).find((path) => path !== "") ?? "event"
  return { ...unreadable, path: path.replace(/^\./, "") }
}

/** What every event carries. What the caller gave is kept, except the library, which is always ours. */
export const addContext = (draft: Draft, now: number, insertId: () => string): void => {
  if (draft.time === undefined) {
    draft.json = addValue(draft.json, draft.open, timeHead, `${draft.time = Math.floor(now)}`)
    draft.open = false
  }
  if (draft.insert_id === undefined) {
    draft.json = addText(draft.json, draft.open, insertIdHead, draft.insert_id = insertId())
    draft.open = true
  }
  // it is never the first field: the time is there
  draft.json += draft.open ? libraryAfterText : libraryAfterValue
  draft.open = true
}

const timeHead = headOf("time")
const insertIdHead = headOf("insert_id")
const libraryHead = headOf("library")
const libraryAfterText = libraryHead.afterText + library
const libraryAfterValue = libraryHead.nextText + library

/** The event, as far as it is written. */
export const toEvent = (draft: Draft): Event => fromJson(closeObject(draft.json, draft.open))

// -- the whole ---------------------------------------------------------------------------------------------------------

const checkLength = (name: string, value: string): Fault | undefined =>
  value.length > maxLength
    ? { path: name, expected: `at most ${maxLength} characters`, actual: `${value.length}` }
    : undefined

const checkId = (name: "user_id" | "device_id", id: string | undefined, minLength: number): Fault | undefined => {
  if (id === undefined) return undefined
  if (refusedId.test(id)) {
    return { path: name, expected: "an id of a user or device", actual: "one that the service refuses" }
  }
  return id.length < minLength
    ? { path: name, expected: `at least ${minLength} characters`, actual: `${id.length}` }
    : checkLength(name, id)
}

/** What is wrong with an event whose fields are each of the right kind. */
export const validate = (
  { device_id, event_type, insert_id, user_id }: Draft,
  settings: AmplitudeConfig.Settings
): Fault | undefined => {
  if (event_type === undefined || !/\S/.test(event_type)) {
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
export const hasTooManyGroups = ({ groups }: Draft): boolean => {
  if (groups === undefined) return false
  const names = Object.values(JSON.parse(groups) as Readonly<Record<string, string | ReadonlyArray<string>>>)
  return names.length > maxGroupTypes || names.flat().length > maxGroupNames
}

/** Events of one lane leave in order: that of the device, else of the user, else of the group. */
export const laneOf = ({ device_id, groups, user_id }: Draft): string => device_id ?? user_id ?? groups ?? "{}"

/** The JSON of an event, unless it is too large for a request even alone. */
export const encode = (draft: Draft, settings: AmplitudeConfig.Settings): string | Fault => {
  const json = closeObject(draft.json, draft.open)
  // far below the limit of either API, whatever surrounds the event: nothing to work out
  if (json.length * maxBytesPerUnit < 900_000) return json
  const { bytes } = Request.limits(settings)
  return byteLength(json) < bytes
    ? json
    : { path: "event", expected: `at most ${bytes - 1} bytes of JSON`, actual: `${byteLength(json)}` }
}

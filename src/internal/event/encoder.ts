/**
 * From what a caller gave to the JSON of an event, pure: filling in defaults, checking each field that is there and
 * writing its JSON at once, adding the context, validating the whole.
 */
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import { Event, faultKey, fromJson } from "../../Event.js"
import * as Request from "../delivery/request.js"
import type { Writer } from "./jsonWriter.js"
import { acquire, release } from "./jsonWriter.js"
import type { Fault } from "./properties.js"
import { headOf, kindOf, pathOfThrowing, Properties, unreadable, writeBoolean, writeProperties } from "./properties.js"
import * as Recurring from "./recurring.js"
import * as Utf8 from "./utf8.js"
import { faultOf } from "./validationIssue.js"

/** What a call of `track` was given: an event, or an event type with its properties and options. */
export type Given = readonly [event: unknown, properties?: unknown, options?: unknown]

/** An event that is being written, up to `done`. */
export interface Draft {
  /** The JSON of the fields so far. */
  readonly writer: Writer
  // what is asked for later of the fields that were written
  event_type: string | undefined
  user_id: string | undefined
  device_id: string | undefined
  insert_id: string | undefined
  hasTime: boolean
  /** Where the JSON of what tells its lane stands, in bytes. */
  laneFrom: number
  laneTo: number
  /** How much that says: the higher the more. */
  laneRank: number
  /** Where the JSON of its groups stands. */
  groupsFrom: number
  groupsTo: number
}

const blank = (writer: Writer): Draft => ({
  writer,
  event_type: undefined,
  user_id: undefined,
  device_id: undefined,
  insert_id: undefined,
  hasTime: false,
  laneFrom: 0,
  laneTo: 0,
  laneRank: 0,
  groupsFrom: 0,
  groupsTo: 0
})

export const make = (): Draft => {
  const writer = acquire()
  writer.openObject()
  return blank(writer)
}

/** The same draft, which can be read after `done`. Of the same shape: what reads it is compiled for one. */
export const keep = (draft: Draft): Draft => {
  const writer = draft.writer.clone()
  return Object.assign(blank(writer), draft, { writer })
}

/** Nothing of the draft is read any more. */
export const done = ({ writer }: Draft): void => release(writer)

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

/** Writes a value, or says what is wrong with it. */
type Write = (writer: Writer, value: unknown, name: string) => Fault | undefined

const scalar = <A>(
  expected: string,
  is: (value: unknown) => value is A,
  write: (writer: Writer, value: A) => void
): Write =>
(writer, value, name) => {
  if (!is(value)) return { path: name, expected, actual: kindOf(value) }
  write(writer, value)
  return undefined
}

const writeNumber = (writer: Writer, value: number): void => writer.number(value)

const isFinite = (value: unknown): value is number => Number.isFinite(value)

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)

/** For the fields that are rare: the schema itself. */
const bySchema = (schema: Schema.Schema.AnyNoContext): Write => (writer, value, name) =>
  Either.match(ParseResult.decodeUnknownEither(schema, { onExcessProperty: "error" })(value), {
    onLeft: (issue) => faultOf(issue, name),
    onRight: (decoded): Fault | undefined => {
      writer.raw(JSON.stringify(decoded))
      return undefined
    }
  })

const fastWrites: ReadonlyMap<unknown, Write> = new Map<unknown, Write>([
  [Schema.String, scalar("a string", Predicate.isString, (writer, value) => writer.text(value))],
  [Schema.Boolean, scalar("a boolean", Predicate.isBoolean, writeBoolean)],
  [Schema.Finite, scalar("a finite number", isFinite, writeNumber)],
  [Schema.Int, scalar("an integer", isInteger, writeNumber)],
  [Properties, writeProperties]
])

/** Keeps what is asked for later of a field: its value, or where its JSON stands. */
type Keep = (draft: Draft, value: unknown, from: number, to: number) => void

const keepLane = (draft: Draft, rank: number, from: number, to: number): void => {
  if (draft.laneRank > rank) return
  draft.laneRank = rank
  draft.laneFrom = from
  draft.laneTo = to
}

const keeps: { readonly [name: string]: Keep | undefined } = {
  event_type: (draft, value) => {
    draft.event_type = value as string
  },
  insert_id: (draft, value) => {
    draft.insert_id = value as string
  },
  time: (draft) => {
    draft.hasTime = true
  },
  // events of one lane leave in order: that of the device, else of the user, else of the group
  device_id: (draft, value, from, to) => {
    draft.device_id = value as string
    keepLane(draft, 3, from, to)
  },
  user_id: (draft, value, from, to) => {
    draft.user_id = value as string
    keepLane(draft, 2, from, to)
  },
  groups: (draft, _value, from, to) => {
    draft.groupsFrom = from
    draft.groupsTo = to
    keepLane(draft, 1, from, to)
  },
  // it is checked like any other, and always ours
  library: ({ writer }, _value, from) => {
    writer.at = from - libraryHead.length
  }
}

const libraryHead = headOf("library")

interface Field {
  readonly head: Uint8Array
  readonly isText: boolean
  readonly write: Write
  readonly keep: Keep | undefined
}

const fieldOf = (name: string, schema: Schema.Schema.AnyNoContext): Field => ({
  head: headOf(name),
  isText: schema === Schema.String,
  write: fastWrites.get(schema) ?? bySchema(schema),
  keep: keeps[name]
})

/** From the schema of `Event`, so that it stays the only list of the fields. */
const knownFields: Recurring.Recurring<Field> = Recurring.make(
  Object.entries(Event.fields).map(([name, field]) => [name, fieldOf(name, "from" in field ? field.from : field)])
)

const writeField = (
  draft: Draft,
  { head, isText, keep, write }: Field,
  value: unknown,
  name: string
): Fault | undefined => {
  const { writer } = draft
  writer.copy(head)
  const from = writer.at
  // most of them are texts
  if (isText && typeof value === "string") writer.text(value)
  else {
    const fault = write(writer, value, name)
    if (fault !== undefined) return fault
  }
  const to = writer.at
  writer.next()
  if (keep !== undefined) keep(draft, value, from, to)
  return undefined
}

const hasOwn = Object.prototype.hasOwnProperty

type Fields = Readonly<Record<string, unknown>>

const writeFields = (draft: Draft, fields: Fields): Fault | undefined => {
  for (const name in fields) {
    if (!hasOwn.call(fields, name)) continue
    const field = knownFields.get(name)
    if (field === undefined) return { path: name, expected: "a field of an event", actual: "an unknown field" }
    const value = fields[name]
    const fault = value === undefined ? undefined : writeField(draft, field, value, name)
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
export const addContext = (draft: Draft, now: number, writeInsertId: (writer: Writer) => void): void => {
  const { writer } = draft
  if (!draft.hasTime) {
    writer.copy(timeHead)
    writer.number(Math.floor(now))
    writer.next()
  }
  if (draft.insert_id === undefined) {
    writer.copy(insertIdHead)
    writeInsertId(writer)
    writer.next()
  }
  writer.copy(libraryField)
}

const timeHead = headOf("time")
const insertIdHead = headOf("insert_id")

/** What every event says of the library that sent it; the version is that of the package, which a test holds it to. */
const library = "effect-amplitude/0.1.0"
const libraryField = Utf8.encode(`"library":${JSON.stringify(library)}`)

/** The event, as far as it is written: nothing can be added to it then. */
export const toEvent = (draft: Draft): Event => {
  draft.writer.closeObject()
  return fromJson(jsonOf(draft))
}

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
export const hasTooManyGroups = ({ groupsFrom, groupsTo, writer }: Draft): boolean => {
  if (groupsTo === 0) return false
  const groups = JSON.parse(writer.textOf(groupsFrom, groupsTo)) as Readonly<Record<string, string | Array<string>>>
  const names = Object.values(groups)
  return names.length > maxGroupTypes || names.flat().length > maxGroupNames
}

/** Ends an event, unless it is too large for a request even alone. */
export const close = ({ writer }: Draft, settings: AmplitudeConfig.Settings): Fault | undefined => {
  writer.closeObject()
  // far below the limit of either API, whatever surrounds the event: nothing to work out
  if (writer.at < 900_000) return undefined
  const { maxBytes } = Request.limits(settings)
  return writer.at < maxBytes
    ? undefined
    : { path: "event", expected: `at most ${maxBytes - 1} bytes of JSON`, actual: `${writer.at}` }
}

/** The JSON of an event that is closed. */
export const jsonOf = ({ writer }: Draft): string => writer.textOf(0, writer.at)

/** The lane of an event. */
export const laneOf = ({ device_id, laneFrom, laneTo, user_id, writer }: Draft): string =>
  device_id ?? user_id ?? (laneFrom === laneTo ? "{}" : writer.textOf(laneFrom, laneTo))

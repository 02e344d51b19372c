/**
 * Writes the JSON of an event from the arguments of a call. Each field is checked and written, then the context is
 * added and the whole event is validated.
 */
import * as Either from "effect/Either"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import { Event, fromJson, issueKey, Parts } from "../../Event.js"
import * as Request from "../delivery/request.js"
import type { Field } from "./fields.js"
import * as Fields from "./fields.js"
import type { JsonWriter } from "./jsonWriter.js"
import { maxSize } from "./jsonWriter.js"
import { Names } from "./names.js"
import { headOf } from "./properties.js"
import * as Utf8 from "./utf8.js"
import type { ValidationIssue } from "./validationIssue.js"
import { kindOf } from "./validationIssue.js"
import { Walk } from "./walk.js"

/**
 * The arguments of a call: an event, the parts of an event, or an event type with its properties. The options fill the
 * fields that the event does not have.
 */
export type Given = readonly [event: unknown, properties?: unknown, options?: unknown]

const knownFields: Fields.Fields = Fields.make(Event.fields)
const names = new Names<Field>((name) => knownFields.get(name))

/** An event that is being written. */
export class Draft {
  readonly walk = new Walk()
  readonly writer: JsonWriter = this.walk.writer
  /** Whether each field is written, by its index. */
  readonly isWritten = new Uint8Array(knownFields.size)
  // the fields that are read after they are written
  event_type: string | undefined = undefined
  user_id: string | undefined = undefined
  device_id: string | undefined = undefined
  insert_id: string | undefined = undefined
  /** In milliseconds since the epoch. */
  time: number | undefined = undefined
  /** The bytes of the JSON of the groups. */
  groupsFrom = 0
  groupsTo = 0

  clear(): void {
    this.walk.clear()
    this.isWritten.fill(0)
    this.event_type =
      this.user_id =
      this.device_id =
      this.insert_id =
      this.time =
        undefined
    this.groupsFrom = this.groupsTo = 0
  }
}

/** The drafts of a client. Its events are adjacent in shared buffers. */
export class Drafts {
  /** A draft to use again. Reading an event can track another one, which then gets another draft. */
  private spare: Draft | undefined = undefined

  make(): Draft {
    const draft = this.spare ?? new Draft()
    this.spare = undefined
    draft.clear()
    draft.writer.openObject()
    return draft
  }

  /** Returns a draft to use it again. */
  done(draft: Draft): void {
    if (draft.writer.bytes.length <= maxSize) this.spare = draft
  }
}

/** The longest event type or id, in UTF-16 units. */
const maxLength = 1024

/** The shortest id that the service takes unless `min_id_length` says otherwise. */
const defaultMinIdLength = 5

/** The service does not track more groups than these (Amplitude HTTP V2 API, limits). */
const maxGroupTypes = 5
const maxGroupNames = 10

/** 2000-01-01, in milliseconds since the epoch. */
const earliestTime = 946_684_800_000

/** Ids that the service refuses (Amplitude HTTP V2 API, device and user ids). */
const refusedId = /^(?:anonymous|nil|none|null|n\/a|na|undefined|unknown||0{8}-0{4}-0{4}-0{4}-0{12}|\{\}|lmy47d|0|-1)$/i

// -- fields ------------------------------------------------------------------------------------------------------------

/** Remembers the values of a field that are read later. Its JSON begins at `from`. */
type Keep = (draft: Draft, value: unknown, from: number) => void

const keeps: { readonly [name: string]: Keep | undefined } = {
  event_type: (draft, value) => {
    draft.event_type = value as string
  },
  user_id: (draft, value) => {
    draft.user_id = value as string
  },
  device_id: (draft, value) => {
    draft.device_id = value as string
  },
  insert_id: (draft, value) => {
    draft.insert_id = value as string
  },
  time: (draft, value) => {
    draft.time = Number(value)
  },
  groups: (draft, _value, from) => {
    draft.groupsFrom = from
    draft.groupsTo = draft.writer.size
  }
}

const keptFields: ReadonlyArray<Keep | undefined> = [...knownFields.keys()].map((name) => keeps[name])

const writeField = (draft: Draft, { head, index, name, write }: Field, value: unknown): boolean => {
  const { walk, writer } = draft
  const before = writer.size
  writer.copy(head)
  const from = writer.size
  if (write(walk, value, name) === "refused") return false
  draft.isWritten[index] = 1
  keptFields[index]?.(draft, value, from)
  // the given library is checked as every field is, and is then replaced by the name of this package
  if (name === "library") writer.rewind(before)
  else writer.next()
  return true
}

const writeKnown = (draft: Draft, name: string, value: unknown): boolean =>
  value === undefined || (draft.walk.enter(0, name) && writeField(draft, names.get(name)!, value))

type Layer = Readonly<Record<string, unknown>>

const hasOwn = Object.prototype.hasOwnProperty

/** Writes the fields that are not written yet. Layers of fields are written in the order of their priority. */
const writeLayer = (draft: Draft, layer: Layer | undefined): boolean => {
  const { walk } = draft
  for (const name in layer) {
    if (!hasOwn.call(layer, name)) continue
    if (!walk.enter(0, name)) return false
    const field = names.get(name)
    if (field === undefined) {
      walk.refuse("a field of an event", "an unknown field")
      return false
    }
    if (draft.isWritten[field.index] === 1) continue
    const value = layer[name]
    if (value !== undefined && !writeField(draft, field, value)) return false
  }
  return true
}

// -- the arguments -----------------------------------------------------------------------------------------------------

const isObject = (value: unknown): value is Layer => typeof value === "object" && value !== null

const objectIssue = (path: string, value: unknown): ValidationIssue => ({
  path,
  expected: "an object",
  actual: kindOf(value)
})

/** Writes the arguments of a call, and the defaults for the missing fields. */
export const read = (
  draft: Draft,
  [event, properties, options]: Given,
  local: AmplitudeConfig.Defaults | undefined,
  settings: AmplitudeConfig.Settings
): ValidationIssue | undefined => {
  const { eventOptions, ingestionMetadata, plan } = settings
  return guarded(draft, settings, () => {
    if (options !== undefined && !isObject(options)) return objectIssue("options", options)
    if (typeof event !== "string") {
      const issue = readEvent(draft, event)
      if (issue !== undefined) return issue
    } else if (!writeKnown(draft, "event_type", event) || !writeKnown(draft, "event_properties", properties)) {
      return draft.walk.issue
    }
    const isRead = writeLayer(draft, options) && writeLayer(draft, local) &&
      writeLayer(draft, eventOptions) &&
      (plan === undefined || writeLayer(draft, { plan })) &&
      (ingestionMetadata === undefined || writeLayer(draft, { ingestion_metadata: ingestionMetadata }))
    return isRead ? undefined : draft.walk.issue
  })
}

/** Writes an event that a plugin returned. It is checked as the event of a caller is. */
export const reread = (
  draft: Draft,
  event: unknown,
  settings: AmplitudeConfig.Settings
): ValidationIssue | undefined => guarded(draft, settings, () => readEvent(draft, event))

const readEvent = (draft: Draft, event: unknown): ValidationIssue | undefined => {
  if (event instanceof Parts) {
    draft.walk.enter(0, event.path)
    return event.check() ?? readEvent(draft, event.fields())
  }
  return isObject(event) && !Array.isArray(event)
    // a constructor of `Event` does not throw: the event carries the issue of its arguments to this check
    ? (event as { readonly [issueKey]?: ValidationIssue })[issueKey] ??
      (writeLayer(draft, event) ? undefined : draft.walk.issue)
    : objectIssue("event", event)
}

/** Runs a function that reads the arguments, which may throw. */
const guarded = (
  { walk }: Draft,
  settings: AmplitudeConfig.Settings,
  read: () => ValidationIssue | undefined
): ValidationIssue | undefined => {
  walk.limit(Request.maxBytes(settings))
  return Either.merge(Either.try({ try: read, catch: () => walk.unreadable() }))
}

/** Adds the context of the event. Fields of the caller are kept, except `library`. */
export const addContext = (draft: Draft, now: number, writeInsertId: (writer: JsonWriter) => void): void => {
  const { writer } = draft
  if (draft.time === undefined) {
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

/** The name and version of this package. A test compares the version with that of `package.json`. */
const library = "effect-amplitude/0.1.0"
const libraryField = Utf8.encode(`"library":${JSON.stringify(library)}`)

/** The event that is written up to now. No field can be added afterwards. */
export const toEvent = (draft: Draft): Event => {
  draft.writer.closeObject()
  return fromJson(jsonOf(draft))
}

// -- the whole ---------------------------------------------------------------------------------------------------------

const checkLength = (name: string, value: string): ValidationIssue | undefined =>
  value.length > maxLength
    ? { path: name, expected: `at most ${maxLength} characters`, actual: `${value.length}` }
    : undefined

const checkId = (
  name: "user_id" | "device_id",
  id: string | undefined,
  minLength: number
): ValidationIssue | undefined => {
  if (id === undefined) return undefined
  if (refusedId.test(id)) {
    return { path: name, expected: "an id of a user or device", actual: "one that the service refuses" }
  }
  return id.length < minLength
    ? { path: name, expected: `at least ${minLength} characters`, actual: `${id.length}` }
    : checkLength(name, id)
}

/** Finds the fault of an event whose single fields are right. */
export const validate = (
  { device_id, event_type, insert_id, user_id }: Draft,
  settings: AmplitudeConfig.Settings
): ValidationIssue | undefined => {
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
export const hasTooManyGroups = ({ walk }: Draft): boolean =>
  walk.groupTypes > maxGroupTypes || walk.groupNames > maxGroupNames

/** Whether the given time is before the year 2000: it is most likely in seconds then. */
export const hasEarlyTime = ({ time }: Draft): boolean => time !== undefined && time < earliestTime

/** Ends an event, unless the event alone is too large for a request. */
export const close = ({ writer }: Draft, settings: AmplitudeConfig.Settings): ValidationIssue | undefined => {
  writer.closeObject()
  // the smaller limit of the two APIs, without the bytes around the events
  if (writer.size < 900_000) return undefined
  const { maxBytes } = Request.limits(settings)
  return writer.size < maxBytes
    ? undefined
    : { path: "event", expected: `at most ${maxBytes - 1} bytes of JSON`, actual: `${writer.size}` }
}

/** Takes the JSON of a closed event. */
export const jsonOf = ({ writer }: Draft): string => writer.textOf()

/**
 * The lane of an event: its device, or else its user, or else its groups. Events of one lane leave in order. A storage needs
 * room for a lane, so that the groups are cut to the length of an id: long ones can share a lane.
 */
export const laneOf = ({ device_id, groupsFrom, groupsTo, user_id, writer }: Draft): string =>
  device_id ?? user_id ?? (groupsTo === 0 ? "{}" : writer.textOf(groupsFrom, groupsTo).slice(0, maxLength))

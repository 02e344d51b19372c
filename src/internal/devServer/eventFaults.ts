/** Checks the fields of events as the service does. */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Answers from "./answers.js"
import { isDeeperThan } from "./depth.js"
import type { Endpoint } from "./endpoints.js"
import { isJsonObject, type JsonObject } from "./jsonObject.js"
import type { Upload } from "./requestBody.js"

const isInteger = (value: unknown): boolean => Number.isSafeInteger(value)

const isNonBlank = (value: unknown): boolean => Predicate.isString(value) && value.trim() !== ""

const isGroupName = (value: unknown): boolean =>
  Array.isArray(value) ? value.every(Predicate.isString) : Predicate.isString(value)

const isGroups = (value: unknown): boolean => isJsonObject(value) && Object.values(value).every(isGroupName)

interface FieldCheck {
  readonly check: Predicate.Predicate<unknown>
  readonly wanted: string
}

const fieldsOf = (
  names: string,
  check: Predicate.Predicate<unknown>,
  wanted: string
): ReadonlyArray<readonly [string, FieldCheck]> => Arr.map(names.split(" "), (name) => [name, { check, wanted }])

// Amplitude HTTP V2 API, keys for the event argument. The service does not check other fields.
const fieldChecks: ReadonlyMap<string, FieldCheck> = new Map([
  ...fieldsOf("event_type", isNonBlank, "a text that is not blank"),
  ...fieldsOf("user_id device_id insert_id", Predicate.isString, "a text"),
  ...fieldsOf("time event_id session_id quantity", isInteger, "an integer"),
  ...fieldsOf("event_properties user_properties group_properties plan", isJsonObject, "an object"),
  ...fieldsOf("groups", isGroups, "an object of texts or arrays of texts"),
  ...fieldsOf("$skip_user_properties_sync", Predicate.isBoolean, "true or false"),
  ...fieldsOf("app_version platform os_name os_version", Predicate.isString, "a text"),
  ...fieldsOf("device_brand device_manufacturer device_model carrier", Predicate.isString, "a text"),
  ...fieldsOf("country region city dma language ip user_agent", Predicate.isString, "a text"),
  ...fieldsOf("idfa idfv adid android_id android_app_set_id", Predicate.isString, "a text"),
  ...fieldsOf("productId revenueType currency", Predicate.isString, "a text"),
  ...fieldsOf("price revenue location_lat location_lng", Number.isFinite, "a number")
])

/** The most levels of nested objects and arrays. */
export const maxDepth = 40

/** The expectation that a value does not meet, in words, or undefined if the value is right. */
export const wantedOf = (field: string, value: unknown): string | undefined => {
  const found = fieldChecks.get(field)
  return found === undefined || found.check(value) ? undefined : found.wanted
}

const isInvalid = (field: string, value: unknown): boolean =>
  fieldChecks.get(field)?.check(value) === false || isDeeperThan(value, maxDepth)

/** The fields with the ids of an event. */
export const idFields = ["user_id", "device_id"] as const

/** One of these fields. */
export type IdField = typeof idFields[number]

// the service refuses these ids whatever `min_id_length` is, in upper and lower case
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

const longestRefusedId = 36

/** Whether the service refuses an id, whatever its length. */
export const isRefusedId = (id: unknown): boolean =>
  Predicate.isString(id) && id.length <= longestRefusedId && refusedIds.has(id.toLowerCase())

const isShortId = (id: unknown, minIdLength: number): boolean =>
  Predicate.isString(id) && id.length < minIdLength && !isRefusedId(id)

// Amplitude HTTP V2 API, 400. The text for id lengths is not documented.
const faultKinds = [
  { kind: "missing", key: "events_with_missing_fields", error: "Request missing required field" },
  { kind: "invalid", key: "events_with_invalid_fields", error: "Invalid field values on some events" },
  { kind: "short", key: "events_with_invalid_id_lengths", error: "Invalid id length for user_id or device_id" }
] as const

/** A field that is at fault, in the event at `index` of its request. */
export interface Fault {
  readonly index: number
  readonly kind: typeof faultKinds[number]["kind"]
  readonly field: string
}

const missingFields = (event: JsonObject): ReadonlyArray<string> => [
  ...(event.event_type === undefined ? ["event_type"] : []),
  // a group identify needs no user and no device
  ...(event.event_type !== "$groupidentify" && idFields.every((field) => event[field] === undefined) ? idFields : [])
]

const noFaults: ReadonlyArray<Fault> = []

/** The fields at fault of an event. */
export const faultsOf = (event: JsonObject, index: number, minIdLength: number): ReadonlyArray<Fault> => {
  // made only when needed, since most events have no fault
  let found: Array<Fault> | undefined
  const add = (kind: Fault["kind"], field: string): void => {
    found ??= []
    found.push({ index, kind, field })
  }
  if (event.event_type === undefined || (event.user_id === undefined && event.device_id === undefined)) {
    missingFields(event).forEach((field) => add("missing", field))
  }
  for (const field in event) {
    if (isInvalid(field, event[field])) {
      add("invalid", field)
    }
  }
  if (isShortId(event.user_id, minIdLength)) {
    add("short", "user_id")
  }
  if (isShortId(event.device_id, minIdLength)) {
    add("short", "device_id")
  }
  return found ?? noFaults
}

/** Refuses events with fields at fault, and names the fields as the endpoint does. */
export const checkEvents = (
  endpoint: Endpoint,
  { events, minIdLength }: Upload
): Either.Either<void, Answers.Answer> => {
  const faults = events.flatMap((event, index) => faultsOf(event, index, minIdLength))
  const kinds = faultKinds.filter(({ kind }) => faults.some((fault) => fault.kind === kind))
  return Arr.match(kinds, {
    onEmpty: () => checkRefusedIds(events),
    // the text names the first kind of fault only
    onNonEmpty: (kinds) =>
      Either.left(Answers.refusal(
        400,
        kinds[0].error,
        Object.fromEntries(kinds.map(({ key, kind }) => [
          key,
          indicesByField(endpoint, faults.filter((fault) => fault.kind === kind))
        ]))
      ))
  })
}

/** Refuses refused ids. For these the service does not name the event. */
const checkRefusedIds = (events: ReadonlyArray<JsonObject>): Either.Either<void, Answers.Answer> =>
  events.some(({ device_id, user_id }) => isRefusedId(user_id) || isRefusedId(device_id)) ?
    Either.left(Answers.refusal(400, "Invalid user_id or device_id")) :
    Either.void

const indicesByField = (endpoint: Endpoint, faults: ReadonlyArray<Fault>): JsonObject => {
  const indices = new Map<string, Array<number>>()
  for (const { field, index } of faults) {
    const known = indices.get(field)
    if (known === undefined) {
      indices.set(field, [index])
    } else if (endpoint.listsEveryFault) {
      known.push(index)
    }
  }
  return Object.fromEntries(indices)
}

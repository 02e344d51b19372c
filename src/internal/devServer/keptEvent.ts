/** Makes the event that the service keeps: it cuts long strings and surplus groups, and fills in missing fields. */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { DevServer } from "../../DevServer.js"
import { isJsonObject, type JsonObject } from "./jsonObject.js"

/** What the service changed in an event. */
export interface Alteration {
  readonly path: string
  readonly what: string
}

/** An event after the changes of the service, with the list of these changes. */
export interface Altered {
  readonly event: JsonObject
  readonly alterations: ReadonlyArray<Alteration>
}

/** The time and the address of an upload. */
export interface Arrival {
  readonly now: number
  readonly remoteAddress: Option.Option<string>
}

const maxStringLength = 1024
const maxGroupTypes = 5
const maxGroupValues = 10

const noAlterations: ReadonlyArray<Alteration> = []

/** Cuts long strings and surplus groups. An event without them is not copied. */
export const alter = (event: JsonObject): Altered => {
  const isLong = isTooLong(event)
  if (!isLong && event.groups === undefined) {
    return { event, alterations: noAlterations }
  }
  const alterations: Array<Alteration> = []
  const altered = isLong ? cutFields(event, "", alterations) : event
  return {
    event: isJsonObject(altered.groups) ?
      { ...altered, groups: trackedGroups(altered.groups, alterations) } :
      altered,
    alterations
  }
}

/** The device of an event. The service derives a missing one from the user, in a way that is not documented. */
export const deviceOf = ({ device_id, user_id }: JsonObject): string | undefined =>
  Predicate.isString(device_id) ?
    device_id :
    Predicate.isString(user_id) ?
    truncateString(`derived:${user_id}`) :
    undefined

/** Fills in the fields of a kept event. */
export const complete = (event: JsonObject, { now, remoteAddress }: Arrival): DevServer.KeptEvent => {
  const device = deviceOf(event)
  return {
    ...event,
    ...(device === undefined ? undefined : { device_id: device }),
    ...(event.ip === "$remote" && Option.isSome(remoteAddress) ? { ip: remoteAddress.value } : undefined),
    time: Number.isSafeInteger(event.time) ? event.time : now,
    server_upload_time: now
  } as DevServer.KeptEvent
}

const truncateString = (text: string): string =>
  text.length <= maxStringLength ?
    text :
    // the cut does not split a surrogate pair
    text.slice(0, isHighSurrogate(text.charCodeAt(maxStringLength - 1)) ? maxStringLength - 1 : maxStringLength)

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

const isTooLong = (value: unknown): boolean => {
  if (typeof value === "string") {
    return value.length > maxStringLength
  }
  if (typeof value === "object" && value !== null) {
    for (const key in value) {
      if (isTooLong((value as JsonObject)[key])) {
        return true
      }
    }
  }
  return false
}

/** Cuts the long strings of a value. A value without them is returned as it is. */
const cut = (value: unknown, path: string, alterations: Array<Alteration>): unknown => {
  if (!isTooLong(value)) {
    return value
  }
  if (Predicate.isString(value)) {
    const kept = truncateString(value)
    alterations.push({ path, what: `cut from ${value.length} to ${kept.length} characters` })
    return kept
  }
  return Array.isArray(value) ?
    value.map((inner, index) => cut(inner, `${path}[${index}]`, alterations)) :
    cutFields(value as JsonObject, path, alterations)
}

const cutFields = (value: JsonObject, path: string, alterations: Array<Alteration>): JsonObject =>
  Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, cut(inner, path === "" ? key : `${path}.${key}`, alterations)])
  )

/** The first types and names of the groups. The service does not track the others. */
const trackedGroups = (groups: JsonObject, alterations: Array<Alteration>): JsonObject => {
  const types = Object.entries(groups)
  const [, tracked] = Arr.mapAccum(
    types.slice(0, maxGroupTypes),
    maxGroupValues,
    (room, [type, value]) => {
      const names = Arr.ensure(value).slice(0, room)
      return [room - names.length, {
        type,
        value: Array.isArray(value) ? names : names[0],
        count: names.length,
        left: Arr.ensure(value).length - names.length
      }]
    }
  )
  tracked.filter(({ left }) => left > 0).forEach(({ left, type }) => {
    alterations.push({ path: `groups.${type}`, what: `${left} names beyond ${maxGroupValues} of an event left out` })
  })
  types.slice(maxGroupTypes).forEach(([type]) => {
    alterations.push({ path: `groups.${type}`, what: `left out: an event has at most ${maxGroupTypes} types of group` })
  })
  return Object.fromEntries(tracked.filter(({ count }) => count > 0).map(({ type, value }) => [type, value]))
}

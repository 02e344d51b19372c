/** What the service keeps of an event: long strings and surplus groups are cut, absent fields are filled in. */
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

/** An event as the service takes it, and what was changed in it. */
export interface Altered {
  readonly event: JsonObject
  readonly alterations: ReadonlyArray<Alteration>
}

/** When and from where an event came. */
export interface Arrival {
  readonly now: number
  readonly remoteAddress: Option.Option<string>
}

const maxStringLength = 1024
const maxGroupTypes = 5
const maxGroupValues = 10

const noAlterations: ReadonlyArray<Alteration> = []

/** Cuts what is too long or too much. Most events have nothing of that, and are not copied. */
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

/** The device of an event. The service makes one for a user who has none; which one is not documented. */
export const deviceOf = ({ device_id, user_id }: JsonObject): string | undefined =>
  Predicate.isString(device_id) ?
    device_id :
    Predicate.isString(user_id) ?
    truncateString(`derived:${user_id}`) :
    undefined

/** The event that is kept of an altered one. */
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
    // Half of a surrogate pair is no character.
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

/** The same value with its long strings cut; itself, when there are none. */
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

/** The first types and values; the service does not track the rest. */
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

/**
 * Describes events in log lines by their types. The text holds no id and no value of a property, even if the message of
 * the service repeats one.
 */
import * as Iterable from "effect/Iterable"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/** The longest event type in a line, in UTF-16 units. */
const maxTypeLength = 100

/** The most events whose values are removed from a message. No request holds more. */
const maxEventsRead = 2000

/** The shortest value that is removed from a message, in UTF-16 units. Any text contains shorter ones. */
const minValueLength = 3

const idNames: ReadonlySet<string> = new Set(["user_id", "device_id"])

/** The most event types that a line names. */
export const maxTypes = 3

/** The longest message of a service, a transport or a storage in a line, in UTF-16 units. */
const maxMessageLength = 500

/** The end of a line, which names the types of its events. */
export const ofTypes = (types: ReadonlySet<string>): string => {
  const names = Array.from(types)
  return names.length === 0
    ? ""
    : names.length === 1
    ? `; event type ${names[0]}`
    : `; event types ${names.slice(0, maxTypes).join(", ")}${names.length > maxTypes ? " and others" : ""}`
}

/** The quoted type of a tracked event. The value is not checked and can be anything. */
export const typeOf = (event: unknown): string | undefined =>
  Option.getOrUndefined(
    Option.liftThrowable((event: { readonly event_type?: unknown }) => {
      const { event_type } = event
      return Predicate.isString(event_type) && event_type.trim() !== ""
        ? JSON.stringify(event_type.slice(0, maxTypeLength))
        : undefined
    })(event as object)
  )

/** Adds the types of the first events, until the set has more types than a line names. */
export const addTypes = (types: Set<string>, events: Iterable<unknown>, most: number): void => {
  for (const event of Iterable.take(events, most)) {
    const type = typeOf(event)
    if (type !== undefined) types.add(type)
    if (types.size > maxTypes) return
  }
}

/** The messages in the documentation of the HTTP V2 API. They hold no id and no value. */
const documentedTexts: ReadonlySet<string> = new Set([
  "Invalid request path",
  "Missing request body",
  "Invalid JSON request body",
  "Request missing required field",
  "Invalid event JSON",
  "Invalid API key",
  "Invalid field values on some events",
  "Events silenced for device_id",
  "Forbidden",
  "Payload too large",
  "Too many requests for some devices and users"
])

/** Replaces an id or a value. */
const removed = "<removed>"

/** Removes the values of the events from a message of the service, a transport or a storage. */
export const withoutValues = (message: string, events: Iterable<unknown>): string => {
  if (documentedTexts.has(message)) return message
  let text = message.slice(0, maxMessageLength).replace(/[^\s"'<>(),;]+@[^\s"'<>(),;]+/g, removed)
  for (const event of Iterable.take(events, maxEventsRead)) {
    for (const value of Option.getOrElse(Option.liftThrowable(valuesOf)(event), () => [])) {
      if (text.includes(value)) text = text.replaceAll(value, removed)
    }
  }
  return text
}

/** The texts and large numbers of an event without its type, and its ids of any length. */
const valuesOf = (event: unknown): ReadonlyArray<string> => {
  const values: Array<string> = []
  const add = (value: unknown, name: string): void => {
    if (Predicate.isString(value)) {
      if (value.length >= minValueLength || (value !== "" && idNames.has(name))) values.push(value)
    } else if (Predicate.isNumber(value)) {
      if (String(value).length > minValueLength) values.push(String(value))
    } else if (Array.isArray(value)) {
      for (const one of value) add(one, name)
    } else if (Predicate.isReadonlyRecord(value)) {
      for (const key of Object.keys(value)) if (key !== "event_type") add(value[key], key)
    }
  }
  add(event, "")
  // longer values come first, since they can contain shorter ones
  return values.sort((one, other) => other.length - one.length)
}

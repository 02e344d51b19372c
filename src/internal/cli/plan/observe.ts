/** Derives a tracking plan from events. */
import * as Predicate from "effect/Predicate"
import type { Fields } from "../input.js"
import type { Plan, PlannedEvent, Properties, Type } from "./model.js"
import { isSpecial, unionOf } from "./model.js"

interface Seen {
  count: number
  readonly properties: Map<string, Values>
}

/** The values that were found at one path. */
interface Values {
  count: number
  readonly kinds: Set<"string" | "number" | "integer" | "boolean" | "null">
  objects: Seen | undefined
  items: Values | undefined
}

/** The most names of an object type. The names of an object with more are data. */
const maxNames = 100
const maxDepth = 10

export class Observer {
  readonly #events = new Map<string, Seen>()

  /** Adds an event. Events that Amplitude defines are left out. */
  add(event: Fields): void {
    const { event_properties, event_type } = event
    if (typeof event_type !== "string" || isSpecial(event_type)) return
    let seen = this.#events.get(event_type)
    if (seen === undefined) this.#events.set(event_type, seen = newSeen())
    addObject(seen, Predicate.isRecord(event_properties) ? event_properties : {}, 0)
  }

  /** The plan, sorted by name, so that it does not depend on the order of the events. */
  get plan(): Plan {
    return new Map(
      [...this.#events].sort(byName).map(([name, seen]): [string, PlannedEvent] => [name, {
        properties: propertiesOf(seen),
        isOpen: false
      }])
    )
  }
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => a < b ? -1 : a > b ? 1 : 0

const newSeen = (): Seen => ({ count: 0, properties: new Map() })

const newValues = (): Values => ({ count: 0, kinds: new Set(), objects: undefined, items: undefined })

const addObject = (seen: Seen, object: Fields, depth: number): void => {
  seen.count += 1
  for (const [name, value] of Object.entries(object)) {
    let values = seen.properties.get(name)
    if (values === undefined) {
      if (depth > 0 && seen.properties.size > maxNames) continue
      seen.properties.set(name, values = newValues())
    }
    addValue(values, value, depth)
  }
}

const addValue = (values: Values, value: unknown, depth: number): void => {
  values.count += 1
  if (value === null) values.kinds.add("null")
  else if (typeof value === "string" || typeof value === "boolean") values.kinds.add(typeof value as "string")
  else if (typeof value === "number") values.kinds.add(Number.isInteger(value) ? "integer" : "number")
  else if (Array.isArray(value)) {
    values.items ??= newValues()
    if (depth < maxDepth) value.forEach((item) => addValue(values.items!, item, depth + 1))
  } else if (Predicate.isRecord(value)) {
    values.objects ??= newSeen()
    if (depth < maxDepth) addObject(values.objects, value, depth + 1)
  }
}

const propertiesOf = (seen: Seen): Properties =>
  new Map(
    [...seen.properties].sort(byName).map(([name, values]) => [name, {
      type: typeOf(values),
      isRequired: values.count === seen.count
    }])
  )

const typeOf = ({ items, kinds, objects }: Values): Type => {
  const types: Array<Type> = []
  if (kinds.has("string")) types.push({ _tag: "String" })
  if (kinds.has("number")) types.push({ _tag: "Number", isInteger: false })
  else if (kinds.has("integer")) types.push({ _tag: "Number", isInteger: true })
  if (kinds.has("boolean")) types.push({ _tag: "Boolean" })
  if (items !== undefined) types.push({ _tag: "Array", item: typeOf(items) })
  if (objects !== undefined) types.push(ofObject(objects))
  if (kinds.has("null")) types.push({ _tag: "Null" })
  return unionOf(types)
}

const ofObject = (objects: Seen): Type =>
  objects.properties.size === 0 || objects.properties.size > maxNames
    ? {
      _tag: "Record",
      value: unionOf([...objects.properties.values()].map(typeOf))
    }
    : { _tag: "Object", properties: propertiesOf(objects) }

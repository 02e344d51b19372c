/** Applies identify operations to user and group properties, in the order of the service. */
import * as Arr from "effect/Array"
import * as Equal from "effect/Equal"
import * as Predicate from "effect/Predicate"
import type * as Model from "./model.js"

/** The properties of a user or group by their names. */
export type Properties = Map<string, Omit<typeof Model.Property.Type, "name">>

type Operation = (before: unknown, value: unknown) => unknown

/** The most properties of one user or group. Others are ignored. */
const maxProperties = 1000

/** The most items of a list property. Others are ignored. */
const maxItems = 1000

const list = (value: unknown): ReadonlyArray<unknown> => value === undefined ? [] : Arr.ensure(value)

const isSame = (self: unknown, that: unknown): boolean =>
  Equal.equals(self, that) || JSON.stringify(self) === JSON.stringify(that)

const without = (from: ReadonlyArray<unknown>, values: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  from.filter((item) => !values.some((value) => isSame(item, value)))

const set: Operation = (_, value) => value

// Amplitude applies them in this order, whatever the order in the event.
const operations: ReadonlyArray<readonly [name: string, operation: Operation]> = [
  ["$unset", () => undefined],
  ["$set", set],
  ["$setOnce", (before, value) => before === undefined ? value : before],
  ["$add", (before, value) => Predicate.isNumber(value) ? (Predicate.isNumber(before) ? before : 0) + value : before],
  ["$append", (before, value) => [...list(before), ...list(value)]],
  ["$prepend", (before, value) => [...list(value), ...list(before)]],
  ["$preInsert", (before, value) => [...without(list(value), list(before)), ...list(before)]],
  ["$postInsert", (before, value) => [...list(before), ...without(list(value), list(before))]],
  ["$remove", (before, value) => before === undefined ? before : without(list(before), list(value))]
]

const operationNames = new Set(["$clearAll", ...operations.map(([name]) => name)])

/** Applies the operations of an event, and gives the changes. A field that is not an operation is set. */
export const apply = (
  properties: Properties,
  given: unknown,
  event: string,
  at: number
): ReadonlyArray<typeof Model.Change.Type> => {
  if (!Predicate.isRecord(given)) {
    return []
  }
  const before = new Map<string, unknown>()
  const write = (name: string, value: unknown): void => {
    if (!before.has(name)) {
      before.set(name, properties.get(name)?.value)
    }
    if (value === undefined) {
      properties.delete(name)
    } else if (properties.size < maxProperties || properties.has(name)) {
      properties.set(name, { value: Array.isArray(value) ? value.slice(0, maxItems) : value, event, at })
    }
  }
  if (Object.hasOwn(given, "$clearAll")) {
    Arr.fromIterable(properties.keys()).forEach((name) => write(name, undefined))
  }
  const plain = Object.entries(given).filter(([name]) => !operationNames.has(name))
  for (const [name, operation] of operations) {
    const operands = Object.hasOwn(given, name) && Predicate.isRecord(given[name]) ? Object.entries(given[name]) : []
    for (const [property, value] of name === "$set" ? [...plain, ...operands] : operands) {
      const held = properties.get(property)?.value
      const next = operation(held, value)
      if (!isSame(held, next)) {
        write(property, next)
      }
    }
  }
  return Arr.fromIterable(before).flatMap(([property, previous]) => {
    const after = properties.get(property)?.value
    return isSame(previous, after) ? [] : [{
      property,
      ...(previous === undefined ? {} : { before: previous }),
      ...(after === undefined ? {} : { after })
    }]
  })
}

/** Compares events with a matcher. */
import * as Arr from "effect/Array"
import * as Order from "effect/Order"
import * as Predicate from "effect/Predicate"
import type * as Model from "./model.js"

type Received = typeof Model.ReceivedEvent.Type
type Matcher = typeof Model.Matcher.Type
type Difference = typeof Model.Difference.Type

/** The value at a field name, or else at a dotted path. */
export const at = (value: unknown, path: string): unknown =>
  Predicate.isRecord(value) && Object.hasOwn(value, path) ?
    value[path] :
    path.split(".").reduce<unknown>(
      (inner, key) => Predicate.isRecord(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined,
      value
    )

/** Whether two JSON values are equal, whatever the order of their fields. */
const isEqual = (self: unknown, that: unknown): boolean =>
  Array.isArray(self) && Array.isArray(that) ?
    self.length === that.length && self.every((item, index) => isEqual(item, that[index])) :
    Predicate.isRecord(self) && Predicate.isRecord(that) ?
    Object.keys(self).length === Object.keys(that).length &&
    Object.entries(self).every(([key, inner]) => Object.hasOwn(that, key) && isEqual(inner, that[key])) :
    self === that

/** The differences of a value. Objects may have more fields than the matcher, and arrays must be equal. */
const differencesAt = (path: string, given: unknown, wanted: unknown): ReadonlyArray<Difference> =>
  Predicate.isRecord(wanted) && Predicate.isRecord(given) && !Array.isArray(wanted) ?
    Object.entries(wanted).flatMap(([key, inner]) =>
      differencesAt(`${path}.${key}`, Object.hasOwn(given, key) ? given[key] : undefined, inner)
    ) :
    isEqual(given, wanted) || JSON.stringify(given) === JSON.stringify(wanted) ?
    [] :
    [{ path, ...(given === undefined ? {} : { given }), wanted }]

/** The user of an event: its `user_id`, or its `device_id` if it has no `user_id`. */
export const userOf = (event: { readonly [field: string]: unknown }): string =>
  Predicate.isString(event.user_id) ? event.user_id : Predicate.isString(event.device_id) ? event.device_id : ""

/** How an event differs from the matcher, its verdict included. */
export const differences = (
  { event, verdict }: Received,
  { type, user, where = {} }: Matcher
): ReadonlyArray<Difference> => [
  ...(type === undefined ? [] : differencesAt("event_type", event.event_type, type)),
  ...(user === undefined || event.user_id === user || event.device_id === user ?
    [] :
    [{ path: "user_id", given: userOf(event), wanted: user }]),
  ...Object.entries(where).flatMap(([path, wanted]) => differencesAt(path, at(event, path), wanted)),
  ...(verdict === "kept" ? [] : [{ path: "verdict", given: verdict, wanted: "kept" }])
]

/** Whether an event fits the matcher. */
export const isMatch = (event: Received, matcher: Matcher): boolean => differences(event, matcher).length === 0

/** Whether an event is at fault although the matcher expects none at fault. */
export const isAtFault = ({ event, verdict }: Received, { noneAtFault, user }: Matcher): boolean =>
  noneAtFault === true && verdict === "fault" &&
  (user === undefined || event.user_id === user || event.device_id === user)

/** The event with the fewest differences, and the newest one of several. */
export const nearest = (
  events: ReadonlyArray<Received>,
  matcher: Matcher
): typeof Model.NearestMiss.Type | undefined => {
  const misses = events.map((event) => ({ event, differences: differences(event, matcher) }))
    .filter(({ differences }) => differences.length > 0).reverse()
  return Arr.isNonEmptyArray(misses) ?
    Arr.min(
      misses,
      Order.mapInput(Order.number, ({ differences, event }: typeof misses[0]) =>
        // a different event type counts more than different properties
        differences.length + (matcher.type === undefined || event.event.event_type === matcher.type ? 0 : 100))
    ) :
    undefined
}

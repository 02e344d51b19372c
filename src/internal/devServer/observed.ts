/** Derives a tracking plan from the kept events. */
import * as Arr from "effect/Array"
import * as Predicate from "effect/Predicate"
import { groupBy } from "./groupBy.js"
import type * as Model from "./model.js"

type Received = typeof Model.ReceivedEvent.Type

const maxExamples = 5

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value

const propertiesOf = ({ event: { event_properties } }: Received): { readonly [name: string]: unknown } =>
  Predicate.isRecord(event_properties) ? event_properties : {}

const observeProperty = (name: string, events: ReadonlyArray<Received>): typeof Model.ObservedProperty.Type => {
  const having = events.filter((event) => Object.hasOwn(propertiesOf(event), name))
  const values = having.map((event) => propertiesOf(event)[name])
  return {
    name,
    types: Arr.dedupe(values.map(typeOf)),
    share: having.length / events.length,
    examples: Arr.fromIterable(new Map(values.map((value) => [JSON.stringify(value), value])).values())
      .slice(0, maxExamples),
    firstSeen: having[0]?.receivedAt ?? 0,
    lastSeen: having.at(-1)?.receivedAt ?? 0
  }
}

/** The plan of the given events, which are in order, oldest first. */
export const observe = (events: ReadonlyArray<Received>): typeof Model.ObservedPlan.Type => ({
  events: Arr.map(
    Arr.fromIterable(
      groupBy(events.filter(({ verdict }) => verdict === "kept"), ({ event }) => String(event.event_type))
    ),
    ([type, events]) => ({
      type,
      count: events.length,
      firstSeen: events[0]?.receivedAt ?? 0,
      lastSeen: events.at(-1)?.receivedAt ?? 0,
      properties: Arr.map(
        Arr.fromIterable(new Set(events.flatMap((event) => Object.keys(propertiesOf(event))))),
        (name) => observeProperty(name, events)
      ),
      violations: Arr.map(
        Arr.fromIterable(groupBy(events.flatMap(({ violations }) => violations), (it) => JSON.stringify(it)).values()),
        (same) => ({ path: same[0]?.path ?? "", wanted: same[0]?.wanted ?? "", count: same.length })
      )
    })
  )
})

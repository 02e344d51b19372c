/** Checks the properties of an event against the JSON Schema that the tracking plan has for its type. */
import * as Arr from "effect/Array"
import * as Predicate from "effect/Predicate"
import type * as Model from "./model.js"

type Violation = typeof Model.Violation.Type

/** The JSON Schema of the properties of each event, by its type. */
export type Plan = { readonly [eventType: string]: unknown }

const isOfType = (value: unknown, type: unknown): boolean =>
  type === "null" ?
    value === null :
    type === "array" ?
    Array.isArray(value) :
    type === "object" ?
    Predicate.isRecord(value) :
    type === "integer" ?
    Number.isInteger(value) :
    typeof value === type

const check = (value: unknown, schema: unknown, path: string): ReadonlyArray<Violation> => {
  if (!Predicate.isRecord(schema)) {
    return []
  }
  const types = schema.type === undefined ? [] : Arr.ensure(schema.type)
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) {
    return [{ path, wanted: types.join(" or ") }]
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((one) => JSON.stringify(one) === JSON.stringify(value))) {
    return [{ path, wanted: `one of ${schema.enum.map((one) => JSON.stringify(one)).join(", ")}` }]
  }
  if (Array.isArray(schema.anyOf) && !schema.anyOf.some((one) => check(value, one, path).length === 0)) {
    return [{ path, wanted: "one of the forms in the plan" }]
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => check(item, schema.items, `${path}[${index}]`))
  }
  if (!Predicate.isRecord(value)) {
    return []
  }
  const properties = Predicate.isRecord(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required.filter(Predicate.isString) : []
  return [
    ...required.filter((name) => !Object.hasOwn(value, name)).map((name) => ({
      path: `${path}.${name}`,
      wanted: "a value: the plan requires it"
    })),
    ...Object.entries(value).flatMap(([name, inner]) =>
      Object.hasOwn(properties, name) ?
        check(inner, properties[name], `${path}.${name}`) :
        schema.additionalProperties === false ?
        [{ path: `${path}.${name}`, wanted: "nothing: the plan does not name it" }] :
        []
    )
  ]
}

/** Finds the violations of an event. Amplitude's own events, such as `$identify` and `[Amplitude] …`, need no plan. */
export const violations: (
  plan: Plan | undefined
) => (event: { readonly [field: string]: unknown }) => ReadonlyArray<Violation> = (plan) => (event) => {
  const type = String(event.event_type)
  return plan === undefined || /^(\$|\[Amplitude\])/.test(type) ?
    [] :
    Object.hasOwn(plan, type) ?
    check(event.event_properties ?? {}, plan[type], "event_properties") :
    [{ path: "event_type", wanted: "an event of the plan" }]
}

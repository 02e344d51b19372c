/** Checks the properties of an event against the JSON Schema that the tracking plan has for its type. */
import * as Arr from "effect/Array"
import { constTrue } from "effect/Function"
import * as Option from "effect/Option"
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

const violation = (path: string, wanted: string): ReadonlyArray<Violation> => [{ path, wanted }]

const none: ReadonlyArray<Violation> = []

const listOf = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []

const isEqual = (self: unknown, that: unknown): boolean => JSON.stringify(self) === JSON.stringify(that)

type SizeOf = (value: unknown) => number | undefined

const charactersOf: SizeOf = (value) => Predicate.isString(value) ? value.length : undefined

const numberOf: SizeOf = (value) => Predicate.isNumber(value) ? value : undefined

const itemsOf: SizeOf = (value) => Array.isArray(value) ? value.length : undefined

/** The keywords with a limit: the size that is limited, whether the limit is broken, and the expectation in words. */
const limits: ReadonlyArray<
  readonly [keyword: string, SizeOf, isBroken: (size: number, limit: number) => boolean, (limit: number) => string]
> = [
  ["minLength", charactersOf, (size, limit) => size < limit, (limit) => `at least ${limit} characters`],
  ["maxLength", charactersOf, (size, limit) => size > limit, (limit) => `at most ${limit} characters`],
  ["minimum", numberOf, (size, limit) => size < limit, (limit) => `at least ${limit}`],
  ["maximum", numberOf, (size, limit) => size > limit, (limit) => `at most ${limit}`],
  ["exclusiveMinimum", numberOf, (size, limit) => size <= limit, (limit) => `above ${limit}`],
  ["exclusiveMaximum", numberOf, (size, limit) => size >= limit, (limit) => `below ${limit}`],
  ["minItems", itemsOf, (size, limit) => size < limit, (limit) => `at least ${limit} items`],
  ["maxItems", itemsOf, (size, limit) => size > limit, (limit) => `at most ${limit} items`]
]

const checkLimits = (value: unknown, schema: Schema, path: string): ReadonlyArray<Violation> =>
  limits.flatMap(([keyword, sizeOf, isBroken, wanted]) => {
    const limit = schema[keyword]
    const size = sizeOf(value)
    return Predicate.isNumber(limit) && size !== undefined && isBroken(size, limit) ?
      violation(path, wanted(limit)) :
      none
  })

const matches = Option.liftThrowable((pattern: string, text: string) => new RegExp(pattern).test(text))

const checkPattern = (value: unknown, { pattern }: Schema, path: string): ReadonlyArray<Violation> =>
  Predicate.isString(value) && Predicate.isString(pattern) && !Option.getOrElse(matches(pattern, value), constTrue) ?
    violation(path, `a text that matches ${pattern}`) :
    none

type Schema = { readonly [keyword: string]: unknown }

/** The schema at a reference such as `#/$defs/Int`. */
const referred = (root: unknown, reference: string): unknown =>
  reference.replace(/^#\/?/, "").split("/").filter((step) => step !== "").reduce<unknown>(
    (schema, step) => {
      const name = step.replace(/~1/g, "/").replace(/~0/g, "~")
      return Predicate.isRecord(schema) && Object.hasOwn(schema, name) ? schema[name] : undefined
    },
    root
  )

/** The most references and combinations of schemas for one value. A schema can refer to itself. */
const maxSteps = 50

const check = (
  root: unknown,
  value: unknown,
  schema: unknown,
  path: string,
  steps = 0
): ReadonlyArray<Violation> => {
  if (!Predicate.isRecord(schema) || steps > maxSteps) {
    return none
  }
  const same = (other: unknown): ReadonlyArray<Violation> => check(root, value, other, path, steps + 1)
  const types = schema.type === undefined ? [] : Arr.ensure(schema.type)
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) {
    return violation(path, types.join(" or "))
  }
  const values = Object.hasOwn(schema, "const") ? [schema.const] : schema.enum
  if (Array.isArray(values) && !values.some((one) => isEqual(one, value))) {
    return violation(path, `one of ${values.map((one) => JSON.stringify(one)).join(", ")}`)
  }
  if (
    [schema.anyOf, schema.oneOf].some((forms) => Array.isArray(forms) && forms.every((one) => same(one).length > 0))
  ) {
    return violation(path, "one of the forms in the plan")
  }
  return [
    ...checkLimits(value, schema, path),
    ...checkPattern(value, schema, path),
    ...(Predicate.isString(schema.$ref) ? same(referred(root, schema.$ref)) : none),
    ...listOf(schema.allOf).flatMap(same),
    ...(Array.isArray(value) ?
      value.flatMap((item, index) => check(root, item, schema.items, `${path}[${index}]`)) :
      Predicate.isRecord(value) ?
      checkProperties(root, value, schema, path) :
      none)
  ]
}

const checkProperties = (root: unknown, value: Schema, schema: Schema, path: string): ReadonlyArray<Violation> => {
  const properties = Predicate.isRecord(schema.properties) ? schema.properties : {}
  return [
    ...listOf(schema.required).filter(Predicate.isString).filter((name) => !Object.hasOwn(value, name)).flatMap((
      name
    ) => violation(`${path}.${name}`, "a value: the plan requires it")),
    ...Object.entries(value).flatMap(([name, inner]) =>
      Object.hasOwn(properties, name) ?
        check(root, inner, properties[name], `${path}.${name}`) :
        schema.additionalProperties === false ?
        violation(`${path}.${name}`, "nothing: the plan does not name it") :
        check(root, inner, schema.additionalProperties, `${path}.${name}`)
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
    check(plan[type], event.event_properties ?? {}, plan[type], "event_properties") :
    [{ path: "event_type", wanted: "an event of the plan" }]
}

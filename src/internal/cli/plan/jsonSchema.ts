/**
 * Reads a plan from JSON: the JSON Schema of the properties of each event, as `TrackingPlan`'s `jsonSchema` gives it.
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import type { Plan, PlannedEvent, Properties, Type } from "./model.js"
import { unionOf, unknown } from "./model.js"

type Json = Readonly<Record<string, unknown>>

/** The plan, or the fault of the JSON. */
export const fromJson = (value: unknown): Either.Either<Plan, string> => {
  if (!Predicate.isRecord(value)) return Either.left("it is not a JSON object of events and their JSON Schemas")
  const events: Array<readonly [string, PlannedEvent]> = []
  for (const [name, schema] of Object.entries(value as Json)) {
    if (!Predicate.isRecord(schema) || !looksLikeSchema(schema)) {
      return Either.left(`"${name}" is no JSON Schema of the properties of an event`)
    }
    const event = Either.try({
      try: () => eventOf(schema as Json),
      catch: (error) => `"${name}": ${(error as Error).message}`
    })
    if (Either.isLeft(event)) return Either.left(event.left)
    events.push([name, event.right])
  }
  return Either.right(new Map(events))
}

const looksLikeSchema = (schema: Json): boolean =>
  Object.keys(schema).length === 0 ||
  ["$schema", "$ref", "type", "properties", "anyOf", "allOf", "additionalProperties", "$id"].some((key) =>
    key in schema
  )

const eventOf = (root: Json): PlannedEvent => {
  const schema = resolve(root, root, 0)
  return {
    description: textOf(root["description"]) ?? textOf(schema["description"]),
    properties: propertiesOf(schema, root, 0),
    isOpen: schema["additionalProperties"] !== undefined && schema["additionalProperties"] !== false
  }
}

/** The most levels that are read of a schema that refers to itself. Properties cannot be deeper. */
const maxDepth = 20

const propertiesOf = (schema: Json, root: Json, depth: number): Properties => {
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] as ReadonlyArray<unknown> : [])
  return new Map(
    Object.entries(recordOf(schema["properties"])).map(([name, property]) => [name, {
      type: typeOf(recordOf(property), root, depth + 1),
      isRequired: required.has(name),
      description: textOf(recordOf(property)["description"])
    }])
  )
}

const recordOf = (value: unknown): Json => Predicate.isRecord(value) ? value : {}

const textOf = (value: unknown): string | undefined => typeof value === "string" && value !== "" ? value : undefined

const numberOf = (value: unknown): number | undefined => typeof value === "number" ? value : undefined

/** Follows references, and merges the schemas of `allOf` into one. */
const resolve = (schema: Json, root: Json, depth: number): Json => {
  if (depth > maxDepth) return {}
  const { $ref, allOf, ...own } = schema
  const referred = typeof $ref === "string" ? [pointed(root, $ref)] : []
  const all = [...referred, ...(Array.isArray(allOf) ? allOf.map(recordOf) : [])]
  return all.length === 0
    ? schema
    : Object.assign({}, ...all.map((part) => resolve(part, root, depth + 1)), own) as Json
}

const pointed = (root: Json, ref: string): Json =>
  ref.replace(/^#\/?/, "").split("/").filter((step) => step !== "").reduce<Json>(
    (schema, step) => recordOf(schema[decodeURIComponent(step).replace(/~1/g, "/").replace(/~0/g, "~")]),
    root
  )

const typeOf = (given: Json, root: Json, depth: number): Type => {
  if (depth > maxDepth) return unknown
  const schema = resolve(given, root, depth)
  const alternatives = schema["anyOf"] ?? schema["oneOf"]
  if (Array.isArray(alternatives)) {
    return unionOf(alternatives.map((one) => typeOf(recordOf(one), root, depth + 1)))
  }
  const values = "const" in schema ? [schema["const"]] : schema["enum"]
  if (Array.isArray(values)) return literalsOf(values)
  const types = schema["type"]
  return Array.isArray(types)
    ? unionOf(types.map((type) => ofNamed(type, schema, root, depth)))
    : ofNamed(types ?? ("properties" in schema ? "object" : undefined), schema, root, depth)
}

const literalsOf = (values: ReadonlyArray<unknown>): Type => {
  const literals = values.filter((value): value is string | number | boolean =>
    typeof value === "string" || typeof value === "number" || typeof value === "boolean"
  )
  const types: ReadonlyArray<Type> = [
    ...(literals.length === 0 ? [] : [{ _tag: "Literal" as const, values: literals }]),
    ...(values.includes(null) ? [{ _tag: "Null" as const }] : [])
  ]
  return unionOf(types)
}

const ofNamed = (name: unknown, schema: Json, root: Json, depth: number): Type => {
  switch (name) {
    case "string":
      return {
        _tag: "String",
        minLength: numberOf(schema["minLength"]),
        maxLength: numberOf(schema["maxLength"]),
        pattern: patternOf(schema["pattern"])
      }
    case "number":
    case "integer":
      return {
        _tag: "Number",
        isInteger: name === "integer",
        min: numberOf(schema["minimum"]),
        max: numberOf(schema["maximum"]),
        above: numberOf(schema["exclusiveMinimum"]),
        below: numberOf(schema["exclusiveMaximum"])
      }
    case "boolean":
      return { _tag: "Boolean" }
    case "null":
      return { _tag: "Null" }
    case "array":
      return {
        _tag: "Array",
        item: Predicate.isRecord(schema["items"]) ? typeOf(schema["items"], root, depth + 1) : unknown,
        minItems: numberOf(schema["minItems"]),
        maxItems: numberOf(schema["maxItems"])
      }
    case "object": {
      const properties = propertiesOf(schema, root, depth)
      const rest = schema["additionalProperties"]
      if (properties.size > 0 && (rest === undefined || rest === false)) return { _tag: "Object", properties }
      return { _tag: "Record", value: Predicate.isRecord(rest) ? typeOf(rest, root, depth + 1) : unknown }
    }
    default:
      return unknown
  }
}

/** Reads a pattern. A pattern that does not compile is a fault of the plan. */
const patternOf = (value: unknown): string | undefined => {
  const pattern = textOf(value)
  if (pattern !== undefined) new RegExp(pattern)
  return pattern
}

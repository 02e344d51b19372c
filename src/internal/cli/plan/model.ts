/**
 * The model of a tracking plan in the command line: events have properties, and properties have types. A type can be
 * written as code, as a schema, and in words.
 */
import * as Schema from "effect/Schema"
import * as TrackingPlan from "../../../TrackingPlan.js"

export type Type =
  | { readonly _tag: "Unknown" }
  | {
    readonly _tag: "String"
    readonly minLength?: number | undefined
    readonly maxLength?: number | undefined
    readonly pattern?: string | undefined
  }
  | {
    readonly _tag: "Number"
    readonly isInteger: boolean
    readonly min?: number | undefined
    readonly max?: number | undefined
    readonly above?: number | undefined
    readonly below?: number | undefined
  }
  | { readonly _tag: "Boolean" }
  | { readonly _tag: "Null" }
  | { readonly _tag: "Literal"; readonly values: ReadonlyArray<string | number | boolean> }
  | {
    readonly _tag: "Array"
    readonly item: Type
    readonly minItems?: number | undefined
    readonly maxItems?: number | undefined
  }
  | { readonly _tag: "Object"; readonly properties: Properties }
  | { readonly _tag: "Record"; readonly value: Type }
  | { readonly _tag: "Union"; readonly types: ReadonlyArray<Type> }

export interface Property {
  readonly type: Type
  readonly isRequired: boolean
  readonly description?: string | undefined
}

export type Properties = ReadonlyMap<string, Property>

export interface PlannedEvent {
  readonly description?: string | undefined
  readonly properties: Properties
  /** Whether other properties than the named ones are allowed. */
  readonly isOpen: boolean
}

export type Plan = ReadonlyMap<string, PlannedEvent>

export const unknown: Type = { _tag: "Unknown" }

/** Whether Amplitude defines the event. Such events pass every plan that does not name them. */
export const isSpecial = (name: string): boolean =>
  name === "$identify" || name === "$groupidentify" || name === "revenue_amount" || name.startsWith("[Amplitude]")

/** The union of types, each once. */
export const unionOf = (types: ReadonlyArray<Type>): Type => {
  const flat = types.flatMap((type) => type._tag === "Union" ? type.types : [type])
  if (flat.some(({ _tag }) => _tag === "Unknown")) return unknown
  const seen = new Map(flat.map((type) => [keyOf(type), type]))
  const [first, ...rest] = [...seen.values()]
  return first === undefined ? unknown : rest.length === 0 ? first : { _tag: "Union", types: [first, ...rest] }
}

const keyOf = (type: Type): string =>
  JSON.stringify(type, (_, value: unknown) => value instanceof Map ? [...value] : value)

// -- as a schema -------------------------------------------------------------------------------------------------------

export const toSchema = (type: Type): Schema.Schema.AnyNoContext => {
  switch (type._tag) {
    case "Unknown":
      return Schema.Unknown
    case "String": {
      let schema: Schema.Schema<string> = Schema.String
      if (type.minLength !== undefined) schema = schema.pipe(Schema.minLength(type.minLength))
      if (type.maxLength !== undefined) schema = schema.pipe(Schema.maxLength(type.maxLength))
      if (type.pattern !== undefined) schema = schema.pipe(Schema.pattern(new RegExp(type.pattern)))
      return schema
    }
    case "Number": {
      let schema: Schema.Schema<number> = type.isInteger ? Schema.Int : Schema.Number
      if (type.min !== undefined) schema = schema.pipe(Schema.greaterThanOrEqualTo(type.min))
      if (type.above !== undefined) schema = schema.pipe(Schema.greaterThan(type.above))
      if (type.max !== undefined) schema = schema.pipe(Schema.lessThanOrEqualTo(type.max))
      if (type.below !== undefined) schema = schema.pipe(Schema.lessThan(type.below))
      return schema
    }
    case "Boolean":
      return Schema.Boolean
    case "Null":
      return Schema.Null
    case "Literal":
      return Schema.Literal(...type.values)
    case "Array": {
      let schema: Schema.Schema<ReadonlyArray<any>, ReadonlyArray<any>> = Schema.Array(toSchema(type.item))
      if (type.minItems !== undefined) schema = schema.pipe(Schema.minItems(type.minItems))
      if (type.maxItems !== undefined) schema = schema.pipe(Schema.maxItems(type.maxItems))
      return schema
    }
    case "Object":
      return Schema.Struct(toFields(type.properties)) as unknown as Schema.Schema.AnyNoContext
    case "Record":
      return Schema.Record({ key: Schema.String, value: toSchema(type.value) })
    case "Union":
      return Schema.Union(...type.types.map(toSchema))
  }
}

type FieldSchemas = { readonly [name: string]: Schema.Schema.AnyNoContext | Schema.PropertySignature.All }

/** The properties of an event in the form of `TrackingPlan.make`. */
export const toFields = (properties: Properties): FieldSchemas =>
  Object.fromEntries(
    [...properties].map(([name, { description, isRequired, type }]) => {
      const schema = description === undefined ? toSchema(type) : toSchema(type).annotations({ description })
      return [name, isRequired ? schema : Schema.optional(schema)]
    })
  )

/** The JSON Schema of the properties of each event, in the form of `DevServer`'s `plan`. */
export const toJsonSchemas = (plan: Plan): { readonly [event: string]: unknown } => {
  const make: (entries: {}) => { readonly jsonSchema: { readonly [event: string]: object } } = TrackingPlan.make
  return Object.fromEntries(
    [...plan].map(([name, event]) => [name, {
      ...make({ [name]: toFields(event.properties) }).jsonSchema[name],
      ...(event.isOpen ? { additionalProperties: true } : undefined)
    }])
  )
}

/** A plan as the code of a module that makes it, formatted as Effect's own code is. */
import type { Plan, PlannedEvent, Properties, Property, Type } from "./model.js"

const width = 120

/** A module that exports the plan. */
export const toCode = (plan: Plan): string =>
  [
    `import { Schema } from "effect"`,
    `import { TrackingPlan } from "effect-amplitude"`,
    "",
    plan.size === 0
      ? "export const plan = TrackingPlan.make({})"
      : `export const plan = TrackingPlan.make({\n${
        [...plan].map(([name, event]) => `  ${keyOf(name)}: ${eventCode(event)}`).join(",\n")
      }\n})`,
    ""
  ].join("\n").replace(/^import \{ Schema \} from "effect"\n/, (line) => usesSchema(plan) ? line : "")

const usesSchema = (plan: Plan): boolean => [...plan.values()].some(({ properties }) => properties.size > 0)

const eventCode = ({ description, properties }: PlannedEvent): string =>
  description === undefined
    ? propertiesCode(properties, 1)
    : `{\n    description: ${JSON.stringify(description)},\n    properties: ${propertiesCode(properties, 2)}\n  }`

const indent = (level: number): string => "  ".repeat(level)

/** `level` is that of the line on which the code begins. */
const propertiesCode = (properties: Properties, level: number): string =>
  properties.size === 0
    ? "{}"
    : `{\n${
      [...properties].map(([name, property]) => {
        const head = `${indent(level + 1)}${keyOf(name)}: `
        return head + propertyCode(property, level + 1, head.length)
      }).join(",\n")
    }\n${indent(level)}}`

/** `__proto__: x` is not a property of the name `__proto__`. */
const keyOf = (name: string): string =>
  name === "__proto__" ? `["__proto__"]` : /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)

/** Code that begins at `column`: on one line if it fits there, with room for the comma after it. */
type Code = (level: number, column: number) => string

const propertyCode = ({ description, isRequired, type }: Property, level: number, column: number): string => {
  const typed = typeCode(type)
  const described: Code = description === undefined ? typed : (level, column) => {
    const annotation = `description: ${JSON.stringify(description)}`
    const head = typed(level, column)
    const oneLine = `${head}.annotations({ ${annotation} })`
    return fits(oneLine, column)
      ? oneLine
      : `${head}.annotations({\n${indent(level + 1)}${annotation}\n${indent(level)}})`
  }
  return (isRequired ? described : call("Schema.optional", [described]))(level, column)
}

const fits = (code: string, column: number): boolean => {
  const [first = "", ...rest] = code.split("\n")
  const last = rest[rest.length - 1]
  return column + first.length < width && (last === undefined || last.length < width)
}

/** A call, with its arguments on lines of their own where they do not fit on one. */
const call = (name: string, args: ReadonlyArray<Code>): Code => (level, column) => {
  const oneLine = `${name}(${args.map((arg) => arg(level, column + name.length + 1)).join(", ")})`
  if (fits(oneLine, column) && !(args.length > 1 && oneLine.includes("\n"))) return oneLine
  const lines = args.map((arg) => indent(level + 1) + arg(level + 1, 2 * (level + 1)))
  return `${name}(\n${lines.join(",\n")}\n${indent(level)})`
}

const text = (code: string): Code => () => code

const piped = (code: Code, filters: ReadonlyArray<string | undefined>): Code => {
  const some = filters.filter((filter) => filter !== undefined).map(text)
  return some.length === 0
    ? code
    : (level, column) => call(`${code(level, column)}.pipe`, some)(level, column)
}

const filter = (name: string, value: number | undefined): string | undefined =>
  value === undefined ? undefined : `Schema.${name}(${value})`

const typeCode = (type: Type): Code => {
  switch (type._tag) {
    case "Unknown":
      return text("Schema.Unknown")
    case "String":
      return piped(text("Schema.String"), [
        filter("minLength", type.minLength),
        filter("maxLength", type.maxLength),
        type.pattern === undefined ? undefined : `Schema.pattern(new RegExp(${JSON.stringify(type.pattern)}))`
      ])
    case "Number":
      return piped(text(type.isInteger ? "Schema.Int" : "Schema.Number"), [
        filter("greaterThanOrEqualTo", type.min),
        filter("greaterThan", type.above),
        filter("lessThanOrEqualTo", type.max),
        filter("lessThan", type.below)
      ])
    case "Boolean":
      return text("Schema.Boolean")
    case "Null":
      return text("Schema.Null")
    case "Literal":
      return call("Schema.Literal", type.values.map((value) => text(JSON.stringify(value))))
    case "Array":
      return piped(call("Schema.Array", [typeCode(type.item)]), [
        filter("minItems", type.minItems),
        filter("maxItems", type.maxItems)
      ])
    case "Object":
      return (level) => `Schema.Struct(${propertiesCode(type.properties, level)})`
    case "Record":
      return (level, column) =>
        `Schema.Record({ key: Schema.String, value: ${typeCode(type.value)(level, column + 44)} })`
    case "Union":
      return call("Schema.Union", type.types.map(typeCode))
  }
}

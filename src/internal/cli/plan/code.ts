/** Writes a plan as a TypeScript module, formatted as Effect's own code is. */
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
    : `{\n    ${descriptionCode(description, 2, 1)},\n    properties: ${propertiesCode(properties, 2)}\n  }`

const indent = (level: number): string => "  ".repeat(level)

/** A description that does not fit on the line of its name is on the next line. */
const descriptionCode = (description: string, level: number, comma: number): string => {
  const text = JSON.stringify(description)
  const oneLine = `description: ${text}`
  return 2 * level + oneLine.length + comma <= width ? oneLine : `description:\n${indent(level + 1)}${text}`
}

/** The code of properties. `level` is the indentation of the line on which the code begins. */
const propertiesCode = (properties: Properties, level: number): string =>
  properties.size === 0
    ? "{}"
    : `{\n${
      [...properties].map(([name, property]) => {
        const head = `${indent(level + 1)}${keyOf(name)}:`
        const code = propertyCode(property)
        const beside = code(level + 1, head.length + 1)
        return head.length + 1 + beside.split("\n", 1)[0]!.length < width
          ? `${head} ${beside}`
          : `${head}\n${indent(level + 2)}${code(level + 2, 2 * (level + 2))}`
      }).join(",\n")
    }\n${indent(level)}}`

/** The code of a property name. `__proto__: x` would set the prototype. */
const keyOf = (name: string): string =>
  name === "__proto__" ? `["__proto__"]` : /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)

/** Code that begins at `column` of a line with the indentation `level`. It is on one line if it fits. */
type Code = (level: number, column: number) => string

const text = (code: string): Code => () => code

const propertyCode = ({ description, isRequired, type }: Property): Code => {
  const typed = typeCode(type)
  const described = description === undefined ? typed : annotated(typed, description)
  return isRequired ? described : call("Schema.optional", [described])
}

const annotated = (typed: Code, description: string): Code => (level, column) => {
  const head = typed(level, column)
  const oneLine = `${head}.annotations({ description: ${JSON.stringify(description)} })`
  if (fits(oneLine, column)) return oneLine
  const lastLine = head.slice(head.lastIndexOf("\n") + 1)
  const below = (head === lastLine ? column : 0) + lastLine.length + ".annotations({".length > width
  // a chain that is already on several lines continues at the same indentation
  const at = below || lastLine.startsWith(`${indent(level + 1)}.`) ? level + 1 : level
  return `${head}${below ? `\n${indent(at)}` : ""}.annotations({\n${indent(at + 1)}${
    descriptionCode(description, at + 1, 0)
  }\n${indent(at)}})`
}

const fits = (code: string, column: number): boolean => {
  const [first = "", ...rest] = code.split("\n")
  const last = rest[rest.length - 1]
  return column + first.length < width && (last === undefined || last.length < width)
}

/** Whether code of several lines is one pair of brackets, so that it can begin on the line of a call. */
const isOneBlock = (code: string, level: number): boolean => {
  const [first, ...rest] = code.split("\n")
  // a call in a chain does not begin there either
  if (code.startsWith("new ") || /\)\.\w+\(\{?$/.test(first!)) return false
  if (rest.some((line) => line.startsWith(`${indent(level + 1)}.`))) return false
  const outer = rest.filter((line) => line.search(/\S/) <= 2 * level)
  return outer.length === 0 ||
    (outer.length === 1 && outer[0] === rest[rest.length - 1] && /^\s*[)}\]]+$/.test(outer[0]!))
}

/** A call. Arguments that do not fit on one line have lines of their own. */
const call = (name: string, args: ReadonlyArray<Code>): Code => (level, column) => {
  const codes = args.map((arg) => arg(level, column + name.length + 1))
  const oneLine = `${name}(${codes.join(", ")})`
  const canShare = !oneLine.includes("\n") || (args.length === 1 && isOneBlock(codes[0]!, level))
  if (canShare && fits(oneLine, column)) return oneLine
  const lines = args.map((arg) => indent(level + 1) + arg(level + 1, 2 * (level + 1)))
  return `${name}(\n${lines.join(",\n")}\n${indent(level)})`
}

const piped = (code: Code, filters: ReadonlyArray<Code | undefined>): Code => {
  const some = filters.filter((filter) => filter !== undefined)
  return some.length === 0
    ? code
    : (level, column) => {
      const head = code(level, column)
      const beside = call(`${head}.pipe`, some)(level, column)
      // if a chain is too long, a call after a call on one line begins on the next line
      return beside.includes("\n") && head.includes("(") && !head.includes("\n")
        ? `${head}\n${indent(level + 1)}${call(".pipe", some)(level + 1, 2 * (level + 1))}`
        : beside
    }
}

const filter = (name: string, value: number | undefined): Code | undefined =>
  value === undefined ? undefined : text(`Schema.${name}(${value})`)

const typeCode = (type: Type): Code => {
  switch (type._tag) {
    case "Unknown":
      return text("Schema.Unknown")
    case "String":
      return piped(text("Schema.String"), [
        filter("minLength", type.minLength),
        filter("maxLength", type.maxLength),
        type.pattern === undefined
          ? undefined
          : call("Schema.pattern", [call("new RegExp", [text(JSON.stringify(type.pattern))])])
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
      return recordCode(typeCode(type.value))
    case "Union":
      return call("Schema.Union", type.types.map(typeCode))
  }
}

const recordCode = (value: Code): Code => (level, column) => {
  const oneLine = `Schema.Record({ key: Schema.String, value: ${value(level, 0)} })`
  return !oneLine.includes("\n") && fits(oneLine, column)
    ? oneLine
    : `Schema.Record({\n${indent(level + 1)}key: Schema.String,\n${indent(level + 1)}value: ${
      value(level + 1, 2 * (level + 1) + 7)
    }\n${indent(level)}})`
}

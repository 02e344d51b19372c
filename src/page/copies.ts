/** Writes an event as text to copy: JSON, curl, a fixture, or a definition. */
import { chosenOf } from "../internal/devServer/chosen.js"
import { typeOf } from "./log.js"
import type { Json, ReceivedEvent } from "./wire.js"

/** The event as it was sent. */
export const json = ({ event }: ReceivedEvent): string => JSON.stringify(event, null, 2)

/** Quotes a text for a POSIX shell. */
const shellWord = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** A command that sends the event again. The key comes from the environment. */
export const curl = ({ event }: ReceivedEvent, origin: string): string =>
  [
    `curl ${shellWord(`${origin}/2/httpapi`)}`,
    "  -H 'Content-Type: application/json'",
    `  --data '{"api_key":"'"$AMPLITUDE_API_KEY"'","events":['${shellWord(JSON.stringify(event))}']}'`
  ].join(" \\\n")

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/** A JSON value as an expression of TypeScript. */
const expression = (value: unknown, indent: string): string => {
  if (typeof value !== "object" || value === null) {
    return JSON.stringify(value) ?? "undefined"
  }
  const isArray = Array.isArray(value)
  const inner = `${indent}  `
  const parts = isArray ?
    value.map((element) => expression(element, inner)) :
    Object.entries(value).map(([name, member]) =>
      // in a literal, `__proto__: x` would set the prototype
      `${name === "__proto__" ? "[\"__proto__\"]" : identifier.test(name) ? name : JSON.stringify(name)}: ${
        expression(member, inner)
      }`
    )
  const [open, close] = isArray ? ["[", "]"] : ["{", "}"]
  if (parts.length === 0) {
    return `${open}${close}`
  }
  const line = isArray ? `[${parts.join(", ")}]` : `{ ${parts.join(", ")} }`
  return indent.length + line.length <= 100 && !line.includes("\n") ?
    line :
    `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`
}

/** The event as an element of the array that `Recorder.expect` takes. */
export const fixture = ({ event }: ReceivedEvent): string => expression([chosenOf(event)], "")

const schemas: { readonly [type: string]: string } = {
  string: "Schema.String",
  number: "Schema.Number",
  boolean: "Schema.Boolean"
}

const schemaOf = (value: unknown, indent: string): string => {
  if (Array.isArray(value)) {
    const elements = new Set(value.map((element) => schemaOf(element, indent)))
    return elements.size === 1 ? `Schema.Array(${[...elements][0]})` : "Schema.Array(Schema.Unknown)"
  }
  return typeof value === "object" && value !== null ?
    `Schema.Struct(${fieldsOf(value as Json, indent)})` :
    schemas[typeof value] ?? "Schema.Null"
}

const fieldsOf = (properties: Json, indent: string): string => {
  const inner = `${indent}  `
  const fields = Object.entries(properties).map(([name, value]) =>
    `${name === "__proto__" ? "[\"__proto__\"]" : identifier.test(name) ? name : JSON.stringify(name)}: ${
      schemaOf(value, inner)
    }`
  )
  return fields.length === 0 ? "{}" : `{\n${inner}${fields.join(`,\n${inner}`)}\n${indent}}`
}

/** The name of a constant for an event type. */
const constantName = (type: string): string => {
  const name = (type.match(/[\p{L}\p{N}]+/gu) ?? [])
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join("")
  return identifier.test(name) ? name : `Event${name}`
}

/** The code of `Event.define` for events like this one. */
export const define = (received: ReceivedEvent): string => {
  const { event_properties: properties } = received.event
  const fields = typeof properties === "object" && properties !== null && !Array.isArray(properties) ?
    properties as Json :
    {}
  const type = typeOf(received)
  return `const ${constantName(type)} = Event.define(${JSON.stringify(type)}, ${fieldsOf(fields, "")})`
}

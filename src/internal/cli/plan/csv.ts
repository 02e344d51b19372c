/**
 * Reads a plan that Amplitude Data has exported. A row of the CSV file begins an event or a property group, and the
 * rows below it are its properties.
 */
import { parse } from "csv-parse/sync"
import * as Either from "effect/Either"
import type { Plan, Property, Type } from "./model.js"
import { unknown } from "./model.js"

type Row = Readonly<Record<string, string | undefined>>

/** Normalizes the name of a column: the documentation and the files differ in upper and lower case. */
const columnName = (name: string): string => name.trim().toLowerCase()

interface Entity {
  readonly description: string | undefined
  readonly groups: Set<string>
  readonly properties: Map<string, Property>
}

/** The plan, or the fault of the file. */
export const fromCsv = (text: string): Either.Either<Plan, string> =>
  Either.flatMap(
    Either.try({
      try: () =>
        parse(text, {
          bom: true,
          columns: (header: ReadonlyArray<string>) => header.map(columnName),
          skip_empty_lines: true,
          relax_column_count: true
        }) as ReadonlyArray<Row>,
      catch: (error) => String((error as Error).message).split("\n", 1)[0]!
    }),
    (rows) => {
      const [first] = rows
      if (first !== undefined && !("object type" in first)) {
        return Either.left(
          "property name" in first
            ? "it is the file of user properties: export the events and event properties"
            : "it has no column \"Object Type\": export the events and event properties of the plan from Amplitude Data"
        )
      }
      return Either.try({ try: () => planOf(rows), catch: (error) => (error as Error).message })
    }
  )

const planOf = (rows: ReadonlyArray<Row>): Plan => {
  const events = new Map<string, Entity>()
  const groups = new Map<string, Entity>()
  let current: Entity | undefined
  for (const row of rows) {
    const kind = cell(row, "object type").toLowerCase()
    const name = cell(row, "object name")
    const isIgnored = /^(ignore|remove)$/i.test(cell(row, "action"))
    if (kind !== "" || name !== "") {
      const entities = kind === "event" || kind === "" ? events : kind === "property group" ? groups : undefined
      current = isIgnored || name === "" ? undefined : entities?.get(name) ?? {
        description: cell(row, "object description") || undefined,
        groups: new Set(),
        properties: new Map()
      }
      if (current !== undefined) entities?.set(name, current)
    }
    if (current === undefined || isIgnored) continue
    for (const group of listOf(cell(row, "property group names"))) current.groups.add(group)
    const property = cell(row, "event property name")
    if (property !== "") current.properties.set(property, propertyOf(property, row))
  }
  return new Map(
    [...events].map(([name, event]) => [name, {
      description: event.description,
      isOpen: false,
      properties: new Map([
        ...[...event.groups].flatMap((group) => [...groups.get(group)?.properties ?? []]),
        ...event.properties
      ])
    }])
  )
}

const cell = (row: Row, name: string): string => (row[name] ?? "").trim()

const listOf = (text: string): ReadonlyArray<string> =>
  text.split(",").map((item) => item.trim()).filter((item) => item !== "")

const isTrue = (text: string): boolean => text.toLowerCase() === "true"

const numberOf = (text: string): number | undefined =>
  text === "" || Number.isNaN(Number(text)) ? undefined : Number(text)

const propertyOf = (name: string, row: Row): Property => {
  const type = typeOf(name, row)
  return {
    type: isTrue(cell(row, "property is array"))
      ? {
        _tag: "Array",
        item: type,
        minItems: numberOf(cell(row, "array min items")),
        maxItems: numberOf(cell(row, "array max items"))
      }
      : type,
    isRequired: isTrue(cell(row, "property required")),
    description: cell(row, "property description") || undefined
  }
}

const typeOf = (name: string, row: Row): Type => {
  const type = cell(row, "property value type").toLowerCase()
  switch (type) {
    case "string":
      return {
        _tag: "String",
        minLength: numberOf(cell(row, "string property value min length")),
        maxLength: numberOf(cell(row, "string property value max length")),
        pattern: patternOf(name, cell(row, "property regex"))
      }
    case "number":
      return {
        _tag: "Number",
        isInteger: isTrue(cell(row, "number is integer")),
        min: numberOf(cell(row, "number property value min")),
        max: numberOf(cell(row, "number property value max"))
      }
    case "boolean":
      return { _tag: "Boolean" }
    case "enum": {
      const values = listOf(cell(row, "enum values"))
      return values.length === 0 ? { _tag: "String" } : { _tag: "Literal", values }
    }
    case "const":
      return { _tag: "Literal", values: [literalOf(cell(row, "const value"))] }
    default:
      return unknown
  }
}

/** A value of an enum: a number or a boolean if it is written as one, or else text. */
const literalOf = (text: string): string | number | boolean =>
  text === "true" ? true : text === "false" ? false : numberOf(text) ?? text

const patternOf = (name: string, text: string): string | undefined => {
  if (text === "") return undefined
  Either.getOrThrowWith(
    Either.try(() => new RegExp(text)),
    () => new Error(`the regular expression of the property "${name}" does not compile`)
  )
  return text
}

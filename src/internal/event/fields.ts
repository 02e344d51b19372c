/** The fields of an event, with the check and the encoder of each. They are derived from the schemas of `Event`. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { Groups, Time } from "../../Event.js"
import type { Named } from "./names.js"
import { Names } from "./names.js"
import { headOf, isDate, jsonOfBoolean, Properties, timeOf, writeName, writeProperties } from "./properties.js"
import { kindOf } from "./validationIssue.js"
import type { Walk, Write, Written } from "./walk.js"

export interface Field extends Named<Field> {
  /** The JSON of the name and the colon after it. */
  readonly head: Uint8Array
  readonly write: Write
  /** The index of the field. */
  readonly index: number
}

export type Fields = ReadonlyMap<string, Field>

export const make = (fields: Schema.Struct.Fields): Fields =>
  new Map(
    Object.entries(fields).map(([name, field], index) => [
      name,
      { name, head: headOf(name), write: writeOf("from" in field ? field.from : field), index, following: undefined }
    ])
  )

const writeText: Write = (walk, value) => {
  if (typeof value !== "string") return walk.refuse("a string", kindOf(value))
  if (!walk.fits(value)) return "refused"
  walk.writer.text(value)
  return "written"
}

const writeBoolean: Write = (walk, value) => {
  if (typeof value !== "boolean") return walk.refuse("a boolean", kindOf(value))
  walk.writer.copy(jsonOfBoolean(value))
  return "written"
}

const writeNumber = (walk: Walk, value: number): Written => {
  walk.writer.number(value)
  return "written"
}

const writeFinite: Write = (walk, value) =>
  Number.isFinite(value) ? writeNumber(walk, value as number) : walk.refuse("a finite number", kindOf(value))

const writeInteger: Write = (walk, value) =>
  Number.isSafeInteger(value) ? writeNumber(walk, value as number) : walk.refuse("an integer", kindOf(value))

const writeTime: Write = (walk, value) => {
  const time = Predicate.isObject(value) && isDate(value) ? timeOf(value) : value
  if (Number.isSafeInteger(time)) return writeNumber(walk, time as number)
  return walk.refuse("an integer or a valid Date", time === value ? kindOf(value) : "an invalid Date")
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const hasOwn = Object.prototype.hasOwnProperty

const writeGroups: Write = (walk, value) => {
  if (!isRecord(value)) return walk.refuse("an object", kindOf(value))
  const { writer } = walk
  writer.openObject()
  for (const type in value) {
    if (!hasOwn.call(value, type)) continue
    if (!walk.enter(1, type)) return "refused"
    const name = value[type]
    if (!writeName(walk, type)) return "refused"
    const written = Array.isArray(name) ? writeGroupNames(walk, name) : writeGroupName(walk, name, groupNameWords)
    if (written === "refused") return written
    walk.groupTypes++
    writer.next()
  }
  writer.closeObject()
  return "written"
}

const groupNameWords = "a string or an array of which each is a string"

const writeGroupName = (walk: Walk, name: unknown, expected: string): Written => {
  if (typeof name !== "string") return walk.refuse(expected, kindOf(name))
  if (!walk.fits(name)) return "refused"
  walk.writer.text(name)
  walk.groupNames++
  return "written"
}

const writeGroupNames = (walk: Walk, names: ReadonlyArray<unknown>): Written => {
  const { writer } = walk
  const { length } = names
  if (!walk.fitValues(length)) return "refused"
  writer.openArray()
  for (let index = 0; index < length; index++) {
    if (!walk.enter(2, index) || writeGroupName(walk, names[index], "a string") === "refused") return "refused"
    writer.next()
  }
  writer.closeArray()
  return "written"
}

/** A field that is itself an object of known fields. */
const writeStruct = (schema: Schema.Struct<Schema.Struct.Fields>): Write => {
  const fields = make(schema.fields)
  const names = new Names<Field>((name) => fields.get(name))
  const unknownWords = `one of ${[...fields.keys()].join(", ")}`
  return (walk, value) => {
    if (!isRecord(value)) return walk.refuse("an object", kindOf(value))
    const { writer } = walk
    writer.openObject()
    for (const name in value) {
      if (!hasOwn.call(value, name)) continue
      if (!walk.enter(1, name)) return "refused"
      const field = names.get(name)
      if (field === undefined) return walk.refuse(unknownWords, "an unknown field")
      const nested = value[name]
      if (nested === undefined) continue
      writer.copy(field.head)
      if (field.write(walk, nested, name) === "refused") return "refused"
      writer.next()
    }
    writer.closeObject()
    return "written"
  }
}

const writes: ReadonlyMap<unknown, Write> = new Map<unknown, Write>([
  [Schema.String, writeText],
  [Schema.Boolean, writeBoolean],
  [Schema.Finite, writeFinite],
  [Schema.Int, writeInteger],
  [Time, writeTime],
  [Groups, writeGroups],
  [Properties, writeProperties]
])

const writeOf = (schema: unknown): Write =>
  writes.get(schema) ?? writeStruct(schema as Schema.Struct<Schema.Struct.Fields>)

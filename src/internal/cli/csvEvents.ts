/**
 * Reads events from CSV. A column is a field of an event (`user_id`, `time`), or one property of a field
 * (`event_properties.title`, `groups.team`).
 */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import { EventOptions } from "../../Event.js"
import type { Fields } from "./input.js"

interface Column {
  readonly field: string
  readonly property: string | undefined
}

const containers = ["event_properties", "user_properties", "group_properties", "groups", "plan", "ingestion_metadata"]

const containerNames: ReadonlySet<string> = new Set(containers)

const fieldNames: ReadonlySet<string> = new Set([
  "event_type",
  "event_properties",
  "user_properties",
  "group_properties",
  "groups",
  ...Object.keys(EventOptions.fields)
])

const numbers: ReadonlySet<string> = new Set([
  "event_id",
  "session_id",
  "price",
  "quantity",
  "revenue",
  "location_lat",
  "location_lng"
])

/** The columns of a header, or the fault of the header. */
export const columnsOf = (header: ReadonlyArray<string>): Either.Either<ReadonlyArray<Column>, string> => {
  const columns = header.map((name): Column => {
    const [, field, property] = /^([^.]+)\.(.+)$/.exec(name.trim()) ?? []
    return field !== undefined && containerNames.has(field)
      ? { field, property }
      : { field: name.trim(), property: undefined }
  })
  const unnamed = columns.findIndex(({ field }) => field === "")
  if (unnamed >= 0) {
    return Either.left(`column ${unnamed + 1} has no name: name it, or leave it out`)
  }
  const unknown = columns.find(({ field }) => !fieldNames.has(field))
  if (unknown !== undefined) {
    return Either.left(
      header.length === 1 && /[;\t|]/.test(unknown.field)
        ? `the header is one column, "${unknown.field}": separate the columns with commas`
        : `the column "${unknown.field}" is no field of an event: name a property of the event "event_properties.${unknown.field}"`
    )
  }
  const names = columns.map(({ field, property }) => property === undefined ? field : `${field}.${property}`)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) {
    return Either.left(`there are two columns "${twice}": leave one of them out`)
  }
  return columns.some(({ field }) => field === "event_type")
    ? Either.right(columns)
    : Either.left("the header has no column event_type: the first line names the columns")
}

/** Makes the event of a row. An empty cell is a missing field. */
export const fromRow = (
  columns: ReadonlyArray<Column>,
  row: ReadonlyArray<string>
): Either.Either<Fields, string> => {
  if (row.length !== columns.length) {
    return Either.left(`it has ${row.length} cells, and the header has ${columns.length}`)
  }
  const event: Record<string, unknown> = {}
  const properties: Array<readonly [field: string, property: string, value: unknown]> = []
  for (let index = 0; index < columns.length; index++) {
    const cell = row[index]!
    if (cell === "") continue
    const { field, property } = columns[index]!
    if (property === undefined) {
      event[field] = valueOf(field, cell)
    } else {
      properties.push([field, property, field === "groups" ? jsonOr(cell, /^\[/) : jsonOr(cell, jsonLike)])
    }
  }
  // after the fields, so that the object of a whole field keeps them, wherever its column stands
  for (const [field, property, value] of properties) {
    const container = event[field] ??= {}
    // a field that is no object stays as it is, and is refused later
    if (Predicate.isRecord(container)) define(container, property, value)
  }
  return Either.right(event)
}

/** Defines a property. An assignment to the name `__proto__` would set the prototype. */
const define = (properties: object, name: string, value: unknown): void => {
  Object.defineProperty(properties, name, { value, enumerable: true, configurable: true, writable: true })
}

const valueOf = (field: string, cell: string): unknown =>
  field === "time"
    ? timeOf(cell)
    : numbers.has(field)
    ? jsonOr(cell, /^-?\d/)
    : field === "$skip_user_properties_sync"
    ? jsonOr(cell, /^(true|false)$/)
    : containerNames.has(field)
    ? jsonOr(cell, /^\{/)
    : cell

/**
 * Parses milliseconds, or an ISO 8601 date. Without a zone it is in UTC, as in Amplitude's exports, so that a file means
 * the same on every machine.
 */
const timeOf = (cell: string): unknown => {
  if (/^-?\d+$/.test(cell)) return Number(cell)
  if (!/^\d{4}-\d\d-\d\d/.test(cell)) return cell
  const date = cell.replace(" ", "T")
  const millis = Date.parse(/T[\d:.]+$/i.test(date) ? `${date}Z` : date)
  return Number.isNaN(millis) ? cell : millis
}

const jsonLike = /^(-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?|true|false|null|\{.*\}|\[.*\]|".*")$/s

/** Parses a cell that looks like JSON. Any other cell is text, and so is a number that would lose digits. */
const jsonOr = (cell: string, when: RegExp): unknown => {
  if (!when.test(cell)) return cell
  const value = Either.getOrElse(Either.try((): unknown => JSON.parse(cell)), () => cell)
  const isLossy = typeof value === "number" &&
    (!Number.isFinite(value) || (/^-?\d+$/.test(cell) && !Number.isSafeInteger(value)))
  return isLossy ? cell : value
}

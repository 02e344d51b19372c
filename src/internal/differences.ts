/**
 * Describes how the expected events of a test differ from the recorded ones. The text has a line for each event, and
 * below it a line for each field that differs.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { Event } from "../Event.js"

type Fields = Readonly<Record<string, unknown>>

/** A row of the comparison: an expected event with its recorded counterpart, or one of them alone. */
interface Row {
  readonly expected?: Fields | undefined
  readonly received?: Fields | undefined
  readonly faults: ReadonlyArray<string>
}

/** The differences as text, or undefined if there are none. */
export const differences = (expected: ReadonlyArray<object>, received: ReadonlyArray<Event>): string | undefined => {
  const rows = align(expected as ReadonlyArray<Fields>, received as ReadonlyArray<object> as ReadonlyArray<Fields>)
  if (rows.every(({ expected, faults, received }) => expected && received && faults.length === 0)) return undefined
  return [
    `The recorded events are not the expected ones: ${expected.length} expected, ${received.length} recorded`,
    ...rows.flatMap(linesOf)
  ].join("\n")
}

const linesOf = ({ expected, faults, received }: Row): ReadonlyArray<string> => {
  if (received === undefined) return [`  - ${nameOf(expected)}: expected, and not recorded`, ...detailsOf(expected)]
  if (expected === undefined) return [`  + ${nameOf(received)}: recorded, and not expected`, ...detailsOf(received)]
  return faults.length === 0
    ? [`    ${nameOf(received)}`]
    : [`  ! ${nameOf(received)}`, ...faults.map((fault) => `      ${fault}`)]
}

const nameOf = (event: Fields | undefined): string =>
  typeof event?.event_type === "string" ? event.event_type : "(any event)"

/** The fields that identify an event without a counterpart. */
const detailsOf = (event: Fields | undefined): ReadonlyArray<string> =>
  ["user_id", "device_id", "event_properties", "user_properties", "groups", "group_properties"].flatMap((name) =>
    event?.[name] === undefined ? [] : [`      ${name}: ${show(event[name])}`]
  )

// -- alignment of the two lists ----------------------------------------------------------------------------------------

/** The most cells of the alignment table. In larger tables the events are paired by their positions. */
const maxCells = 250_000

/**
 * The alignment with the least cost. A missing or added event costs 2, a different event of the same type 1, and an
 * event of another type 4. If two alignments cost the same, the events are paired.
 */
const align = (expected: ReadonlyArray<Fields>, received: ReadonlyArray<Fields>): ReadonlyArray<Row> => {
  const rows: Array<Row> = []
  const height = expected.length
  const width = received.length
  if (height * width > maxCells) {
    for (let index = 0; index < Math.max(height, width); index++) rows.push(toRow(expected[index], received[index]))
    return rows
  }
  const pairs = expected.map((one) => received.map((other) => toRow(one, other)))
  const costs = Array.from({ length: height + 1 }, () => new Array<number>(width + 1).fill(0))
  const cost = (row: number, column: number): number => costs[row]?.[column] ?? Infinity
  const paired = (row: number, column: number): number => cost(row + 1, column + 1) + costOf(pairs[row]?.[column])
  for (let row = height; row >= 0; row--) {
    for (let column = width; column >= 0; column--) {
      if (row === height && column === width) continue
      costs[row]![column] = Math.min(paired(row, column), cost(row + 1, column) + 2, cost(row, column + 1) + 2)
    }
  }
  for (let row = 0, column = 0; row < height || column < width;) {
    if (cost(row, column) === paired(row, column)) rows.push(pairs[row++]![column++]!)
    else if (cost(row, column) === cost(row + 1, column) + 2) rows.push(toRow(expected[row++], undefined))
    else rows.push(toRow(undefined, received[column++]))
  }
  return rows
}

const costOf = (row: Row | undefined): number =>
  row === undefined
    ? Infinity
    : row.faults.length === 0
    ? 0
    : row.expected?.event_type === undefined || row.expected.event_type === row.received?.event_type
    ? 1
    : 4

const toRow = (expected: Fields | undefined, received: Fields | undefined): Row => ({
  expected,
  received,
  faults: expected === undefined || received === undefined ? [] : compare(expected, received, "", 0)
})

// -- comparison of two events ------------------------------------------------------------------------------------------

/** The depth at which the comparison stops. No accepted event is so deep. */
const maxDepth = 50

/** Compares the expected keys in their order. An expected value is compared in the form in which it is sent. */
const compare = (expected: unknown, received: unknown, path: string, depth: number): ReadonlyArray<string> => {
  const wanted = hasToJson(expected) ? expected.toJSON() : expected
  if (depth < maxDepth && Array.isArray(wanted) && Array.isArray(received) && wanted.length === received.length) {
    return wanted.flatMap((one, index) => compare(one, received[index], `${path}[${index}]`, depth + 1))
  }
  if (depth < maxDepth && isObject(wanted) && isObject(received)) {
    return Object.keys(wanted).flatMap((key) =>
      compare(wanted[key], Object.hasOwn(received, key) ? received[key] : undefined, join(path, key), depth + 1)
    )
  }
  return Object.is(wanted, received) || (wanted === 0 && received === 0)
    ? []
    : [`${path}: expected ${show(wanted)}, received ${show(received)}`]
}

const hasToJson = (value: unknown): value is { readonly toJSON: () => unknown } =>
  Predicate.hasProperty(value, "toJSON") && typeof value.toJSON === "function"

const isObject = (value: unknown): value is Fields => Predicate.isRecord(value)

const join = (path: string, key: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(key) ? (path === "" ? key : `${path}.${key}`) : `${path}[${JSON.stringify(key)}]`

const show = (value: unknown): string => {
  if (value === undefined) return "nothing"
  if (typeof value === "number") return String(value)
  const text = Option.getOrElse(Option.liftThrowable(JSON.stringify)(value), () => String(value)) ?? String(value)
  return text.length > 500 ? `${text.slice(0, 500)}...` : text
}

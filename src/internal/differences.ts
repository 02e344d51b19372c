/**
 * Describes how the expected events of a test differ from the recorded ones. The text has a line for each event, and
 * below it a line for each field that differs.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { Event } from "../Event.js"
import { isDate, timeOf } from "./event/properties.js"

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
  // pairs at the beginning that do not differ belong to this alignment, so that equal lists need no table
  const differs = expected.findIndex((one, index) => costOf(one, received[index]) > 0)
  const first = differs < 0 ? expected.length : differs
  const rows: Array<Row> = expected.slice(0, first).map((one, index) => toRow(one, received[index]))
  return [...rows, ...alignRest(expected.slice(first), received.slice(first))]
}

const alignRest = (expected: ReadonlyArray<Fields>, received: ReadonlyArray<Fields>): ReadonlyArray<Row> => {
  const rows: Array<Row> = []
  const height = expected.length
  const width = received.length
  if (height * width > maxCells) {
    for (let index = 0; index < Math.max(height, width); index++) rows.push(toRow(expected[index], received[index]))
    return rows
  }
  const costs = Array.from({ length: height + 1 }, () => new Array<number>(width + 1).fill(0))
  const cost = (row: number, column: number): number => costs[row]?.[column] ?? Infinity
  const paired = (row: number, column: number): number =>
    cost(row + 1, column + 1) + costOf(expected[row], received[column])
  for (let row = height; row >= 0; row--) {
    for (let column = width; column >= 0; column--) {
      if (row === height && column === width) continue
      costs[row]![column] = Math.min(paired(row, column), cost(row + 1, column) + 2, cost(row, column + 1) + 2)
    }
  }
  for (let row = 0, column = 0; row < height || column < width;) {
    if (cost(row, column) === paired(row, column)) rows.push(toRow(expected[row++], received[column++]))
    else if (cost(row, column) === cost(row + 1, column) + 2) rows.push(toRow(expected[row++], undefined))
    else rows.push(toRow(undefined, received[column++]))
  }
  return rows
}

/** The cost of a pair. It is known at the first difference, and needs no texts. */
const costOf = (expected: Fields | undefined, received: Fields | undefined): number =>
  expected === undefined || received === undefined
    ? Infinity
    : compare(expected, received, "", 0).next().done === true
    ? 0
    : expected.event_type === undefined || expected.event_type === received.event_type
    ? 1
    : 4

const toRow = (expected: Fields | undefined, received: Fields | undefined): Row => ({
  expected,
  received,
  faults: expected === undefined || received === undefined ? [] : [...compare(expected, received, "", 0)]
})

// -- comparison of two events ------------------------------------------------------------------------------------------

/** The depth at which the comparison stops. No accepted event is so deep. */
const maxDepth = 50

/**
 * Compares the expected keys in their order, and gives the faults one after the other. An expected value is compared in
 * the form in which it is sent.
 */
function* compare(expected: unknown, received: unknown, path: string, depth: number): Generator<string, void> {
  const wanted = toSent(expected, path)
  if (depth < maxDepth && Array.isArray(wanted) && Array.isArray(received) && wanted.length === received.length) {
    for (const [index, one] of wanted.entries()) {
      yield* compare(one, received[index], `${path}[${index}]`, depth + 1)
    }
  } else if (depth < maxDepth && isObject(wanted) && isObject(received)) {
    for (const key of Object.keys(wanted)) {
      const other = Object.hasOwn(received, key) ? received[key] : undefined
      yield* compare(wanted[key], other, join(path, key), depth + 1)
    }
  } else if (!Object.is(wanted, received) && !(wanted === 0 && received === 0)) {
    yield `${path}: expected ${show(wanted)}, received ${show(received)}`
  }
}

/** The `time` of an event is sent as milliseconds, other dates as texts. An array is sent without what is undefined. */
const toSent = (value: unknown, path: string): unknown => {
  if (path === "time" && Predicate.isObject(value) && isDate(value)) return timeOf(value)
  const json = hasToJson(value) ? value.toJSON() : value
  return Array.isArray(json) ? json.filter((one) => one !== undefined) : json
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

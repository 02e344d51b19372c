/**
 * The statements that the storage needs from a database. Each dialect has its own statements, for the same algorithm:
 *
 * - A row of the outbox is an event. `seq` is the order of the appends.
 * - A row of the lease table is a lease: its token, the events it holds, and their lanes. The row alone decides who
 *   holds a lease. Only a client with the mutex removes the row of another client, after the end of its lease.
 * - All times are the database's.
 */
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Place } from "../../event/jsonWriter.js"
import { byteLength, encode } from "../../event/utf8.js"
import type * as ScanStart from "./scanStart.js"

/** The names of the tables, quoted for statements. */
export interface Tables {
  readonly outbox: string
  readonly lease: string
  readonly mutex: string
  readonly dead: string
  /** The name of an index of the outbox, where it is created: with the schema where the dialect asks for it. */
  readonly index: (suffix: string) => string
  /** The outbox, as an index names it. */
  readonly indexed: string
  /** The table's name as the user wrote it. */
  readonly name: string
}

/** An event as it is appended. */
export interface NewRow {
  readonly client: string
  readonly sequence: number
  readonly lane: string
  readonly json: string
  /** The bytes of `json`. */
  readonly bytes: Place
  readonly attempts: number
  readonly retries: number
}

/** A stored event. Drivers give large integers as text, and bytes as bytes. */
export interface Row {
  readonly seq: number | string | bigint
  readonly client: string
  readonly sequence: number | string | bigint
  readonly lane: string | Uint8Array
  readonly json: string
  readonly attempts: number
  readonly retries: number
}

export interface LeaseRequest {
  readonly token: string
  readonly client: string
  readonly maxEvents: number
  readonly maxBytes: number
  readonly includePaused: boolean
  /** In milliseconds. */
  readonly duration: number
  /** The `seq` to begin with. No event has a lower one. */
  readonly from: number
  /** Whether the answer has to hold the state of the outbox. */
  readonly asksState: boolean
  /** Whether the transaction does nothing else. */
  readonly isAlone: boolean
}

/** The events of a lease, and the state of the scan if the dialect has one. */
export interface Leasing {
  readonly rows: ReadonlyArray<Row>
  readonly scan: ScanStart.Answer | undefined
}

/** The events that leave a lease, and the events that it holds afterwards. */
export interface Settlement {
  readonly token: string
  readonly seqs: ReadonlyArray<number>
  readonly left: Left
}

export interface Left {
  readonly seqs: ReadonlyArray<number>
  readonly lanes: ReadonlyArray<string>
}

export interface Pause {
  /** The pause in milliseconds from now. 0 means none. */
  readonly pause: number
  readonly attempts: number
  readonly retries: number
}

export interface DeadRow extends Omit<Row, "seq" | "sequence"> {
  readonly id: number | string | bigint
  readonly reason: string
  readonly code: number
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly dropped: number | string | bigint
}

export interface StatsRow {
  readonly total: number | string | bigint
  readonly leased: number | string | bigint
  readonly paused: number | string | bigint
  /** The age of the oldest event in milliseconds, or null without an event. */
  readonly age: number | string | bigint | null
}

export interface LaneRow {
  readonly lane: string | Uint8Array
  readonly events: number | string | bigint
}

/** Runs a statement on the connection of the fiber's transaction. */
export interface Sql {
  readonly execute: <A = unknown>(text: string, params?: ReadonlyArray<unknown>) => Run<ReadonlyArray<A>>
  /** Runs a text that is not prepared: it differs between calls, or holds several statements. */
  readonly executeUnprepared: <A = unknown>(text: string) => Run<ReadonlyArray<A>>
}

type Run<A> = Effect.Effect<A, SqlError>

/**
 * The statements of a dialect. Statements that say "Transaction" run in one, and the others are single statements. All
 * of them get the client, so that an append can run on the connection of the caller's transaction.
 */
export interface Dialect {
  /** The statements that create the tables, in order. */
  readonly ddl: (tables: Tables) => ReadonlyArray<string>
  /** The statements that create the table of dropped events. */
  readonly deadLettersDdl: (tables: Tables) => ReadonlyArray<string>
  /**
   * Transaction. Makes sure that one process at a time creates the tables. The result says whether another process has just
   * created them: then a statement of `ddl` would wait for the processes that use them.
   */
  readonly lockMigration: (sql: Sql, tables: Tables) => Run<boolean>
  /** Settings of the connection, and of a new database. */
  readonly prepare: (sql: Sql) => Run<unknown>
  /** Whether the database ends with the process. */
  readonly isVolatile: (sql: Sql) => Run<boolean>

  /** The codes of transient failures, after which the whole operation runs again. */
  readonly isTransient: RegExp

  readonly insert: (sql: Sql, tables: Tables, rows: ReadonlyArray<NewRow>) => Run<unknown>
  /** Whether `insert` writes the rows in one statement. Otherwise it needs a transaction. */
  readonly insertsAtOnce: (rows: ReadonlyArray<NewRow>) => boolean
  /** Transaction, after `lock`. Removes events by their identity, except those that are leased. */
  readonly retract: (sql: Sql, tables: Tables, client: string, sequences: ReadonlyArray<number>) => Run<unknown>
  /** Transaction. Takes the mutex, and removes expired leases. */
  readonly lock: (sql: Sql, tables: Tables) => Run<unknown>
  /** Transaction, unless `leasesAtOnce`. Does the same as `lock`, and then leases events. */
  readonly lease: (sql: Sql, tables: Tables, request: LeaseRequest) => Run<Leasing>
  /** Whether `lease` is one message to the server, which is a transaction by itself. */
  readonly leasesAtOnce: boolean
  /** Transaction, after `lock`. Deletes unleased events until `keep` are left, and gives the deleted ones. */
  readonly evict: (
    sql: Sql,
    tables: Tables,
    options: { readonly keep: number; readonly from: "oldest" | "newest" }
  ) => Run<ReadonlyArray<Row>>
  /**
   * Transaction. Takes events out of a lease, and ends it if no event is left. The result says whether the lease still existed.
   * Nobody else can remove it until the transaction ends.
   */
  readonly leave: (sql: Sql, tables: Tables, token: string, left: Left) => Run<boolean>
  /** Transaction, after `leave`. Nobody else deletes the events of a lease. */
  readonly remove: (sql: Sql, tables: Tables, seqs: ReadonlyArray<number>) => Run<unknown>
  /** Transaction, after `leave`. */
  readonly release: (sql: Sql, tables: Tables, seqs: ReadonlyArray<number>, pause: Pause) => Run<unknown>
  /** `leave` and `remove` in one statement, if the dialect can. The result says whether the lease existed. */
  readonly settle: (sql: Sql, tables: Tables, settlement: Settlement) => Run<boolean> | undefined
  /** Says which events are stored, whoever holds them. */
  readonly stored: (
    sql: Sql,
    tables: Tables,
    seqs: ReadonlyArray<number>
  ) => Run<ReadonlyArray<{ readonly seq: Row["seq"] }>>
  /** The result says whether the lease still existed. */
  readonly renew: (sql: Sql, tables: Tables, token: string, duration: number) => Run<boolean>
  readonly giveBack: (sql: Sql, tables: Tables, token: string) => Run<unknown>

  readonly count: (sql: Sql, tables: Tables) => Run<number>
  readonly countUpTo: (sql: Sql, tables: Tables, limit: number) => Run<number>
  readonly countOf: (sql: Sql, tables: Tables, clientId: string, upTo: number) => Run<number>
  /**
   * Reads a state that differs after other processes have added events or made room, and the age of the oldest event, or 0
   * without an event. No event has a lower `seq` than `from`.
   */
  readonly watch: (
    sql: Sql,
    tables: Tables,
    from: number
  ) => Run<{ readonly state: string; readonly isDue: boolean; readonly age: number }>
  readonly stats: (sql: Sql, tables: Tables) => Run<StatsRow>
  readonly largestLanes: (sql: Sql, tables: Tables, limit: number) => Run<ReadonlyArray<LaneRow>>

  readonly bury: (
    sql: Sql,
    tables: Tables,
    rows: ReadonlyArray<NewRow>,
    dropped: { readonly reason: string; readonly code: number; readonly message: string }
  ) => Run<unknown>
  readonly deadLetters: (
    sql: Sql,
    tables: Tables,
    options: { readonly after: number; readonly limit: number }
  ) => Run<ReadonlyArray<DeadRow>>
  /** Transaction. The result is the number of events that were sent again. */
  readonly sendAgain: (sql: Sql, tables: Tables, ids: ReadonlyArray<number>, client: string) => Run<number>
  readonly purge: (
    sql: Sql,
    tables: Tables,
    options: { readonly ids: ReadonlyArray<number> } | { readonly olderThan: number }
  ) => Run<number>
  /** Returns the space of deleted events to the system, if the database does not do it by itself. */
  readonly shrink: ((sql: Sql, tables: Tables) => Run<unknown>) | undefined
}

export const tablesOf = (name: string, quote: string, hasIndexSchema: boolean): Tables => {
  const parts = name.split(".")
  const base = parts.at(-1)!
  const schema = parts.slice(0, -1).map((part) => `${quote}${part}${quote}.`).join("")
  const quoted = (suffix: string) => `${schema}${quote}${base}${suffix}${quote}`
  return {
    outbox: quoted(""),
    lease: quoted("_lease"),
    mutex: quoted("_mutex"),
    dead: quoted("_dead"),
    index: (suffix) => `${hasIndexSchema ? schema : ""}${quote}${base}_${suffix}${quote}`,
    indexed: hasIndexSchema ? `${quote}${base}${quote}` : quoted(""),
    name
  }
}

/** Parts have a few sizes, so that there are only a few different statements. */
const sizes = [500, 100, 20, 4, 1] as const

/** The most characters of JSON in a part of several rows. MySQL takes statements of 4 MB, and more in later versions. */
const maxCharacters = 1_000_000

const charactersOf = (rows: ReadonlyArray<NewRow>): number => rows.reduce((sum, { json }) => sum + json.length, 0)

const isPart = (rows: ReadonlyArray<NewRow>): boolean => rows.length === 1 || charactersOf(rows) <= maxCharacters

export const inParts = (rows: ReadonlyArray<NewRow>): ReadonlyArray<ReadonlyArray<NewRow>> => {
  const parts: Array<ReadonlyArray<NewRow>> = []
  let start = 0
  while (start < rows.length) {
    const from = start
    const size = sizes.find((size) => rows.length - from >= size && isPart(rows.slice(from, from + size)))!
    parts.push(rows.slice(from, from + size))
    start += size
  }
  return parts
}

export const insertsInOnePart = (rows: ReadonlyArray<NewRow>): boolean =>
  sizes.some((size) => size === rows.length) && isPart(rows)

/** Whether a text column can hold the bytes of a row. Bytes that are no UTF-8 are decoded as other texts. */
const isText = ({ bytes, json }: NewRow): boolean =>
  !json.includes("\u0000") && (!json.includes("\ufffd") || areBytesOf(json, bytes))

const areBytesOf = (text: string, { buffer, end, start }: Place): boolean => {
  const encoded = encode(text)
  return encoded.length === end - start && encoded.every((byte, index) => byte === buffer[start + index])
}

/** Fails with the code of Postgres, which checks the bytes by itself, if a row is no text. */
export const checkTexts = (rows: ReadonlyArray<NewRow>): Effect.Effect<void, SqlError> =>
  rows.every(isText) ? Effect.void : Effect.suspend(() =>
    new SqlError({
      cause: Object.assign(new Error("the bytes of an event are no UTF-8, or contain a zero"), { code: "22021" })
    })
  )

/** Whether an event has the defaults of the last two columns. */
export const isNewRow = ({ attempts, retries }: NewRow): boolean => attempts === 0 && retries === 0

/** The statement that inserts a part. New events have the defaults of the last two columns. */
export const insertOf = (
  table: string,
  rows: ReadonlyArray<NewRow>
): readonly [text: string, params: ReadonlyArray<unknown>] => {
  const isNew = rows.every(isNewRow)
  const params: Array<unknown> = []
  for (const { attempts, client, json, lane, retries, sequence } of rows) {
    params.push(client, sequence, lane, json)
    if (!isNew) params.push(attempts, retries)
  }
  const columns = `client, sequence, lane, json${isNew ? "" : ", attempts, retries"}`
  const places = isNew ? "(?, ?, ?, ?)" : "(?, ?, ?, ?, ?, ?)"
  return [`INSERT INTO ${table} (${columns}) VALUES ${placesOf(rows.length, places)}`, params]
}

export const placesOf = (rows: number, places: string): string => `${places}${`, ${places}`.repeat(rows - 1)}`

export const seqOf = (row: { readonly seq: Row["seq"] }): number => Number(row.seq)

/** The age of the oldest event, or 0 without an event. It is negative after the clock of the database was set back. */
export const ageIn = ({ age }: Pick<StatsRow, "age">): number => age === null ? 0 : Math.max(1, Number(age))

/** The first events, as many as fit. The first one fits whatever its size. */
export const cut = (rows: ReadonlyArray<Row>, maxBytes: number): ReadonlyArray<Row> => {
  let bytes = 0
  const end = rows.findIndex(({ json }, place) => {
    bytes += byteLength(json) + 1
    return place > 0 && bytes > maxBytes
  })
  return end < 0 ? rows : rows.slice(0, end)
}

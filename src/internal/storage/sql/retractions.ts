/**
 * The events of failed appends that may be stored all the same, because the connection broke before the answer. Their
 * callers have an error. The events are removed when the database answers again, before anything is leased.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { Database } from "./database.js"
import type { NewRow } from "./dialect.js"

export interface Retractions {
  readonly add: (rows: ReadonlyArray<NewRow>) => void
  readonly next: () => {
    readonly areNone: boolean
    /** Runs in a transaction that has the mutex. */
    readonly carryOut: Effect.Effect<void, SqlError>
    /** Called when that transaction has committed. */
    readonly done: () => void
  }
}

/** The sequences by client. */
type Pending = ReadonlyMap<string, ReadonlyArray<number>>

/** The most events that are remembered. */
const capacity = 10_000

export const make = ({ dialect, sql, tables }: Database): Retractions => {
  let rows: ReadonlyArray<NewRow> = []
  return {
    add: (added) => {
      rows = [...rows, ...added].slice(-capacity)
    },
    next: () => {
      const carriedOut = rows
      return {
        areNone: carriedOut.length === 0,
        carryOut: Effect.forEach(
          byClient(carriedOut),
          ([client, sequences]) => dialect.retract(sql, tables, client, sequences),
          { discard: true }
        ),
        done: () => {
          if (carriedOut.length === 0) return
          const gone = new Set(carriedOut)
          rows = rows.filter((row) => !gone.has(row))
        }
      }
    }
  }
}

const byClient = (rows: ReadonlyArray<NewRow>): Pending => {
  const pending = new Map<string, Array<number>>()
  for (const { client, sequence } of rows) {
    const sequences = pending.get(client)
    if (sequences === undefined) pending.set(client, [sequence])
    else sequences.push(sequence)
  }
  return pending
}

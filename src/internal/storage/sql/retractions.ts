/**
 * The events of failed appends that may be stored all the same, because the connection broke before the answer. Their
 * callers have an error. The events are removed when the database answers again: before anything is leased, or after the next
 * append of a client that only stores.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { StorageError } from "../../../AmplitudeError.js"
import type { Database } from "./database.js"
import { transaction } from "./database.js"
import type { NewRow } from "./dialect.js"

export interface Retractions {
  readonly add: (rows: ReadonlyArray<NewRow>) => void
  readonly next: () => Next
  /** Removes the events in a transaction of its own. Without events it does nothing. */
  readonly carryOut: Effect.Effect<void, StorageError>
}

export interface Next {
  readonly areNone: boolean
  /** Runs in a transaction that has the mutex. */
  readonly remove: Effect.Effect<void, SqlError>
  /** Called when that transaction has committed. */
  readonly done: () => void
}

/** The sequences by client. */
type Pending = ReadonlyMap<string, ReadonlyArray<number>>

/** The most events that are remembered. */
const capacity = 10_000

/** The longest that an append waits for the removal, which holds up the next one. */
const limit = "5 seconds"

export const make = (database: Database): Retractions => {
  const { dialect, sql, tables } = database
  let rows: ReadonlyArray<NewRow> = []

  const next = (): Next => {
    const removed = rows
    return {
      areNone: removed.length === 0,
      remove: Effect.forEach(
        byClient(removed),
        ([client, sequences]) => dialect.retract(sql, tables, client, sequences),
        { discard: true }
      ),
      done: () => {
        if (removed.length === 0) return
        const gone = new Set(removed)
        rows = rows.filter((row) => !gone.has(row))
      }
    }
  }

  return {
    add: (added) => {
      rows = [...rows, ...added].slice(-capacity)
    },
    next,
    carryOut: Effect.suspend(() => {
      if (rows.length === 0) return Effect.void
      const { done, remove } = next()
      return Effect.map(
        database.within("append", limit)(
          transaction(database, "append", (sql, tables) => Effect.zipRight(dialect.lock(sql, tables), remove))
        ),
        done
      )
    })
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

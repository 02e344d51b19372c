/**
 * The events of failed appends that may be stored all the same, because the connection broke before the answer. Their
 * callers have an error. The events are removed when the database answers again: before anything is leased, or after the next
 * append of a client that only stores. A caller can append them again, which waits for the removal.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { identityOf } from "../identity.js"
import type { Database } from "./database.js"
import { transaction } from "./database.js"
import type { NewRow } from "./dialect.js"

export interface Retractions {
  readonly add: (rows: ReadonlyArray<NewRow>) => void
  /** Whether one of the events waits for its removal, which would remove what is appended now. */
  readonly hold: (events: ReadonlyArray<EventStorage.EncodedEvent>) => boolean
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
type Sequences = ReadonlyMap<string, ReadonlyArray<number>>

/** The most events that are remembered. */
const capacity = 10_000

/** The longest that an append waits for the removal, which holds up the next one. */
const limit = "5 seconds"

export const make = (database: Database): Retractions => {
  const { dialect, sql, tables } = database
  /** The events by their identity. */
  const pending = new Map<string, NewRow>()

  const next = (): Next => {
    let removed: ReadonlyMap<string, NewRow> = new Map()
    return {
      areNone: pending.size === 0,
      // what was removed and appended again before this transaction got the mutex is not removed again
      remove: Effect.suspend(() => {
        removed = new Map(pending)
        return Effect.forEach(
          byClient(removed.values()),
          ([client, sequences]) => dialect.retract(sql, tables, client, sequences),
          { discard: true }
        )
      }),
      done: () => {
        for (const [identity, row] of removed) if (pending.get(identity) === row) pending.delete(identity)
      }
    }
  }

  return {
    add: (added) => {
      for (const row of added) {
        pending.set(identityOf({ clientId: row.client, sequence: row.sequence }), row)
        if (pending.size > capacity) pending.delete(pending.keys().next().value!)
      }
    },
    hold: (events) => pending.size > 0 && events.some((event) => pending.has(identityOf(event))),
    next,
    carryOut: Effect.suspend(() => {
      if (pending.size === 0) return Effect.void
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

const byClient = (rows: Iterable<NewRow>): Sequences => {
  const byClient = new Map<string, Array<number>>()
  for (const { client, sequence } of rows) {
    const sequences = byClient.get(client)
    if (sequences === undefined) byClient.set(client, [sequence])
    else sequences.push(sequence)
  }
  return byClient
}

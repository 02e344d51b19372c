/**
 * Removes the events of failed appends, whose callers have an error, when the database answers again: before anything is leased,
 * or after the next append of a client that only stores. A caller can append them again, which waits for the removal.
 */
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import type { Retracted } from "../retracted.js"
import { RetractedEvents } from "../retracted.js"
import type { Database } from "./database.js"
import { transaction } from "./database.js"

export interface Retractions {
  readonly add: (events: ReadonlyArray<EventStorage.EncodedEvent>) => void
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

/** The longest that an append waits for the removal, which holds up the next one. */
const limit = "5 seconds"

export const make = (database: Database): Retractions => {
  const { dialect, sql, tables } = database
  const retracted = new RetractedEvents()

  const next = (): Next => {
    let events: ReadonlyArray<Retracted> = []
    return {
      areNone: retracted.isEmpty,
      // what was removed and appended again before this transaction got the mutex is not removed again
      remove: Effect.suspend(() => {
        events = retracted.all()
        return Effect.forEach(
          new Set(events.map(({ clientId }) => clientId)),
          (client) => {
            const ofClient = events.filter(({ clientId }) => clientId === client)
            return dialect.retract(sql, tables, client, ofClient.map(({ sequence }) => sequence))
          },
          { discard: true }
        )
      }),
      done: () => retracted.forget(events)
    }
  }

  return {
    add: (events) => retracted.add(events),
    hold: (events) => retracted.hasSome(events),
    next,
    carryOut: Effect.suspend(() => {
      if (retracted.isEmpty) return Effect.void
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

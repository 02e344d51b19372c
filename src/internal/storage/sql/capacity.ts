/**
 * The number of events in the storage, as this client knows it. The client counts from time to time, and adds its own
 * changes. With several clients the number is not exact.
 */
import type { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { StorageError } from "../../../AmplitudeError.js"
import { monotonicOf, withClock } from "../../time.js"
import type { Database } from "./database.js"
import { run } from "./database.js"

export interface Capacity {
  /** The number of events, or none before the first count. */
  readonly estimate: () => Option.Option<number>
  /** Adds the events that this client has stored, or removed if the number is negative. */
  readonly add: (events: number) => void
  /** Sets the number after an exact count. */
  readonly set: (events: number) => void
  /** Counts again, up to the limit, if the last count is old. The caller limits the time. */
  readonly refresh: (limit: number) => Effect.Effect<void, StorageError>
}

/** In milliseconds. */
const countEvery = 1000

/** The largest share of the time that counting may take. */
const share = 1 / 20

export const make = (database: Database): Capacity => {
  let counted = Option.none<number>()
  /** The sum of all changes by this client. */
  let added = 0
  let nextCount = -Infinity

  const count = (limit: number, clock: Clock): Effect.Effect<void, StorageError> => {
    const addedBefore = added
    const start = monotonicOf(clock)
    nextCount = start + countEvery
    return Effect.map(
      run(database, "append", (sql, tables) => database.dialect.countUpTo(sql, tables, limit + 1)),
      (events) => {
        const end = monotonicOf(clock)
        nextCount = end + Math.max(countEvery, (end - start) / share)
        // the changes during the count may or may not be included, which the next count corrects
        counted = Option.some(events - addedBefore)
      }
    )
  }

  return {
    estimate: () => Option.map(counted, (events) => events + added),
    add: (events) => {
      added += events
    },
    set: (events) => {
      counted = Option.some(events - added)
    },
    refresh: (limit) =>
      withClock((clock) =>
        Option.isNone(counted) || monotonicOf(clock) >= nextCount ? count(limit, clock) : Effect.void
      )
  }
}

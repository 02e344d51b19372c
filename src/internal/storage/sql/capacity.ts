/**
 * How many events the storage holds, as this client knows it: counted from time to time, and kept up to date with what the
 * client itself does. With several clients it is not exact.
 */
import type { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { StorageError } from "../../../AmplitudeError.js"
import { monotonicOf, withClock } from "../../time.js"
import type { Database } from "./database.js"
import { run, within } from "./database.js"

export interface Capacity {
  /** None where nothing was counted yet. */
  readonly estimate: () => Option.Option<number>
  /** What this client added, or removed where it is negative. */
  readonly add: (events: number) => void
  /** The number is exact at this moment. */
  readonly set: (events: number) => void
  /** Counts again, up to the limit, where the last time is long ago. */
  readonly refresh: (limit: number) => Effect.Effect<void, StorageError>
}

/** In milliseconds. */
const countEvery = 1000

/** A count takes at most this part of the time. */
const share = 1 / 20

export const make = (database: Database): Capacity => {
  let counted = Option.none<number>()
  /** What this client did, ever. */
  let added = 0
  let nextCount = -Infinity

  const count = (limit: number, clock: Clock): Effect.Effect<void, StorageError> => {
    const addedBefore = added
    const start = monotonicOf(clock)
    nextCount = start + countEvery
    return Effect.map(
      within("append", "5 seconds")(
        run(database, "append", (sql, tables) => database.dialect.countUpTo(sql, tables, limit + 1))
      ),
      (events) => {
        const end = monotonicOf(clock)
        nextCount = end + Math.max(countEvery, (end - start) / share)
        // what the client did meanwhile may or may not be counted: the next time tells
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

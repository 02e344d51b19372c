/** Reads the statistics of the table, and sets its metrics. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { StorageError } from "../../../AmplitudeError.js"
import type { SqlEventStorage } from "../../../SqlEventStorage.js"
import * as Gauges from "../gauges.js"
import type { Database } from "./database.js"
import { run } from "./database.js"
import { ageIn } from "./dialect.js"
import { decodeLane } from "./rows.js"

const lanes = 10

export const make = (database: Database): Effect.Effect<SqlEventStorage.Stats, StorageError> => {
  const { dialect } = database
  return database.within("stats", "30 seconds")(run(database, "stats", (sql, tables) =>
    Effect.zipWith(
      dialect.stats(sql, tables),
      dialect.largestLanes(sql, tables, lanes),
      (row, lanes): SqlEventStorage.Stats => ({
        waiting: Math.max(0, Number(row.total) - Number(row.leased) - Number(row.paused)),
        leased: Number(row.leased),
        paused: Number(row.paused),
        oldestAge: Duration.millis(ageIn(row)),
        largestLanes: lanes.map(({ events, lane }) => ({ lane: decodeLane(lane), events: Number(events) }))
      })
    ))).pipe(
      Effect.tap(Gauges.set)
    )
}

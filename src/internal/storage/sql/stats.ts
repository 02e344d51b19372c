/** What waits in the table, for a person and for metrics. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { StorageError } from "../../../AmplitudeError.js"
import type { SqlEventStorage } from "../../../SqlEventStorage.js"
import type { Database } from "./database.js"
import { run, within } from "./database.js"
import { decodeLane } from "./rows.js"

const lanes = 10

const waiting = Metric.gauge("amplitude_storage_waiting", { description: "Events in the storage that can be sent" })
const leased = Metric.gauge("amplitude_storage_leased", {
  description: "Events in the storage that are about to be sent"
})
const paused = Metric.gauge("amplitude_storage_paused", {
  description: "Events in the storage that wait for a pause to end"
})
const oldestAge = Metric.gauge("amplitude_storage_oldest_age_ms", {
  description: "Age of the oldest event in the storage, in milliseconds"
})

export const make = (database: Database): Effect.Effect<SqlEventStorage.Stats, StorageError> => {
  const { dialect } = database
  return within("stats", "30 seconds")(run(database, "stats", (sql, tables) =>
    Effect.zipWith(
      dialect.stats(sql, tables),
      dialect.largestLanes(sql, tables, lanes),
      (row, lanes): SqlEventStorage.Stats => ({
        waiting: Math.max(0, Number(row.total) - Number(row.leased) - Number(row.paused)),
        leased: Number(row.leased),
        paused: Number(row.paused),
        oldestAge: Duration.millis(Math.max(0, Number(row.age ?? 0))),
        largestLanes: lanes.map(({ events, lane }) => ({ lane: decodeLane(lane), events: Number(events) }))
      })
    ))).pipe(
      Effect.tap((stats) =>
        Effect.all([
          Metric.set(waiting, stats.waiting),
          Metric.set(leased, stats.leased),
          Metric.set(paused, stats.paused),
          Metric.set(oldestAge, Duration.toMillis(stats.oldestAge))
        ], { discard: true })
      )
    )
}

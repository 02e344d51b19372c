/** The metrics of a durable storage. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

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

/** In milliseconds. */
export const setOldestAge = (age: number): Effect.Effect<void> => Metric.set(oldestAge, age)

export const set = (stats: {
  readonly waiting: number
  readonly leased: number
  readonly paused: number
  readonly oldestAge: Duration.Duration
}): Effect.Effect<void> =>
  Effect.all([
    Metric.set(waiting, stats.waiting),
    Metric.set(leased, stats.leased),
    Metric.set(paused, stats.paused),
    Metric.set(oldestAge, Duration.toMillis(stats.oldestAge))
  ], { discard: true })

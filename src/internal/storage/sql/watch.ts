/**
 * Looks for events and room that other clients made. It asks a short question from time to time: no LISTEN, no triggers, so
 * that it works with every database and pooler.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import type { StorageError } from "../../../AmplitudeError.js"
import type { Database } from "./database.js"
import { run, within } from "./database.js"

export interface Watch {
  readonly changes: Stream.Stream<void, StorageError>
  /** Something will change soon: the next questions are not put off. */
  readonly expect: () => void
}

/** The longest between two questions while nothing happens, in milliseconds. */
const maxInterval = 5000

const growth = 1.5

export const make = (database: Database, pollInterval: number): Watch => {
  const watchers = new Set<{ interval: number; readonly wake: Effect.Latch }>()

  const changes = Stream.unwrapScoped(Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const watcher = { interval: pollInterval, wake: Effect.unsafeMakeLatch(false) }
        watchers.add(watcher)
        return watcher
      }),
      (watcher) => Effect.sync(() => watchers.delete(watcher))
    ),
    (watcher) => {
      let last = ""
      const isChanged: Effect.Effect<boolean> = Effect.match(
        within("changes", "30 seconds")(run(database, "changes", database.dialect.watch)),
        {
          // the database is away: whether something changed is known when it is back
          onFailure: () => {
            last = ""
            return false
          },
          onSuccess: ({ isDue, state }) => {
            const isNew = state !== last
            last = state
            return isNew || isDue
          }
        }
      )
      /** An idle watcher sleeps longer and longer, and is woken by what this client expects. */
      const sleep = Effect.flatMap(Random.nextRange(0.8, 1.2), (jitter) => {
        const pause = Effect.sleep(watcher.interval * jitter)
        return watcher.interval <= pollInterval
          ? pause
          : Effect.raceFirst(pause, Effect.zipRight(watcher.wake.await, Effect.sleep(pollInterval * jitter)))
      })
      const next: Effect.Effect<void> = Effect.flatMap(
        Effect.zipRight(
          sleep,
          Effect.suspend(() => {
            watcher.wake.unsafeClose()
            return isChanged
          })
        ),
        (isChanged) => {
          watcher.interval = isChanged
            ? pollInterval
            : Math.min(watcher.interval * growth, Math.max(maxInterval, pollInterval))
          return isChanged ? Effect.void : next
        }
      )
      return Stream.repeatEffect(next)
    }
  ))

  return {
    changes,
    expect: () => {
      for (const watcher of watchers) {
        watcher.interval = pollInterval
        watcher.wake.unsafeOpen()
      }
    }
  }
}

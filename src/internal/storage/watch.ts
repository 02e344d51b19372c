/**
 * Polls a server for changes by other clients: new events, and room. It uses a short query, and no push, so that it
 * works with every server, proxy and pooler.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import type { StorageError } from "../../AmplitudeError.js"

export interface Watch {
  readonly changes: Stream.Stream<void, StorageError>
  /** Polls at the shortest interval again, since a change is expected soon. */
  readonly expect: () => void
}

/** The longest interval while nothing changes, in milliseconds. */
const maxInterval = 5000

const growth = 1.5

/** The answer of a server. */
export interface Answer {
  /** A text that differs after a change. It is the same if events were leased and acknowledged since the last poll. */
  readonly state: string
  /** Whether a lease is over. */
  readonly isDue: boolean
  /** The age of the oldest event in milliseconds, which is more than 0, or 0 without an event. */
  readonly age: number
}

export const make = (ask: Effect.Effect<Answer, StorageError>, pollInterval: number): Watch => {
  const longest = Math.max(maxInterval, pollInterval)
  const longer = (interval: number) => Math.min(interval * growth, longest)
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
      let lastAge = 0
      const isWorthALook: Effect.Effect<boolean> = Effect.match(ask, {
        // the server is away: a change is found when it is back
        onFailure: () => {
          last = ""
          lastAge = 0
          watcher.interval = longer(watcher.interval)
          return false
        },
        onSuccess: ({ age, isDue, state }) => {
          // if the oldest event has left, a lease may have been full, or a client killed after it
          const hasLeft = age > 0 && age < lastAge
          const isChanged = state !== last || isDue || hasLeft
          // nothing tells of the events that another client left behind when it was killed between two polls
          const isWaiting = age > 0 && watcher.interval >= longest
          last = state
          lastAge = age
          watcher.interval = isChanged ? pollInterval : longer(watcher.interval)
          return isChanged || isWaiting
        }
      })
      /** Sleeps for the interval, which grows while nothing changes. `expect` ends the sleep. */
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
            return isWorthALook
          })
        ),
        (isWorthALook) => isWorthALook ? Effect.void : next
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

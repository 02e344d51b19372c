/** Asks a storage for as long as it fails: nothing is lost meanwhile. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import type { StorageError } from "../../AmplitudeError.js"
import type { Log } from "../log.js"
import { times } from "../log.js"

/**
 * Runs an operation until it succeeds. Only the time between two tries can be interrupted, so that what the storage answers
 * is never lost either.
 */
export type StorageRetry = <A, R>(
  operation: "acknowledge" | "count" | "evict" | "lease" | "release",
  run: () => Effect.Effect<A, StorageError, R>
) => Effect.Effect<A, never, R>

/** How long a storage that fails is left alone, in milliseconds: each time twice as long. */
const minDelay = 100
const maxDelay = 10_000

export const make = (log: Log): StorageRetry => {
  const retry = <A, R>(
    operation: string,
    run: () => Effect.Effect<A, StorageError, R>,
    delay: number
  ): Effect.Effect<A, never, R> =>
    Effect.catchAllCause(Effect.suspend(run), (cause) => {
      if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
      log.burst(`storage ${operation}`, 1, (count) => ({
        level: LogLevel.Error,
        module: "EventStorage",
        message: `the storage failed to ${operation} events ${times(count)}: it is tried again`
      }))
      return Effect.zipRight(
        Effect.interruptible(Effect.sleep(Duration.millis(delay))),
        Effect.suspend(() => retry(operation, run, Math.min(delay * 2, maxDelay)))
      )
    })
  return (operation, run) => retry(operation, run, minDelay)
}

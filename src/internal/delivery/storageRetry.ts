/** Retries an operation of a storage until it succeeds. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import type { StorageError } from "../../AmplitudeError.js"
import type { Log } from "../log.js"
import { times } from "../log.js"

/**
 * Runs an operation until it succeeds. Only the delay between two tries is interruptible, so that no answer of the
 * storage is lost.
 */
export type StorageRetry = <A, R>(
  operation: "acknowledge" | "count" | "evict" | "lease" | "release",
  run: () => Effect.Effect<A, StorageError, R>
) => Effect.Effect<A, never, R>

/** The first and the longest delay after a failure, in milliseconds. Each delay is twice the one before. */
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

/** Retries an operation of a storage until it succeeds. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import { StorageError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import { decoded } from "../event/decoded.js"
import { withoutValues } from "../eventWords.js"
import type { Log } from "../log.js"
import { times } from "../log.js"

/**
 * Runs an operation until it succeeds. Only the delay between two tries is interruptible, so that no answer of the
 * storage is lost.
 */
export type StorageRetry = <A, R>(
  operation: "acknowledge" | "count" | "evict" | "lease" | "release",
  run: () => Effect.Effect<A, StorageError, R>,
  /** The events of the operation, whose values are removed from the log line. */
  events?: ReadonlyArray<EventStorage.EncodedEvent>
) => Effect.Effect<A, never, R>

/** The first and the longest delay after a failure, in milliseconds. Each delay is twice the one before. */
const minDelay = 100
const maxDelay = 10_000

export const make = (log: Log): StorageRetry => {
  const retry = <A, R>(
    operation: string,
    run: () => Effect.Effect<A, StorageError, R>,
    events: ReadonlyArray<EventStorage.EncodedEvent>,
    delay: number
  ): Effect.Effect<A, never, R> =>
    Effect.catchAllCause(Effect.suspend(run), (cause) => {
      if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
      const reason = withoutValues(reasonOf(cause), decoded(events))
      log.burst(`storage ${operation}`, 1, (count) => ({
        level: LogLevel.Error,
        module: "EventStorage",
        message: `the storage failed to ${operation} events ${times(count)}: it is tried again: ${reason}`
      }))
      return Effect.zipRight(
        Effect.interruptible(Effect.sleep(Duration.millis(delay))),
        Effect.suspend(() => retry(operation, run, events, Math.min(delay * 2, maxDelay)))
      )
    })
  return (operation, run, events = []) => retry(operation, run, events, minDelay)
}

/** The first failure in words. The text of a defect can say anything, so it is left out. */
const reasonOf = (cause: Cause.Cause<StorageError>): string => {
  const error = Cause.squash(cause)
  return error instanceof StorageError ? error.message : "the event storage died"
}

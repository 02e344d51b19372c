/** Bounds what is asked of a server. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { StorageError } from "../../AmplitudeError.js"

/** The longest that an interruption waits for the server to give up. */
const stopLimit = "5 seconds"

/**
 * After its time an operation has failed, whether or not the server still answers. An interruption waits until the
 * operation has ended, so that what comes next does not overtake it.
 */
export const within = (
  operation: string,
  limit: Duration.DurationInput,
  onTimeout: string
): <A>(effect: Effect.Effect<A, StorageError>) => Effect.Effect<A, StorageError> =>
(effect) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDaemon(Effect.interruptible(effect)),
      (fiber) =>
        Effect.timeoutFail(Effect.disconnect(restore(Fiber.join(fiber))), {
          duration: limit,
          onTimeout: () =>
            new StorageError({
              operation,
              message: `${operation}: ${onTimeout}`
            })
        }).pipe(
          Effect.onExit((exit) =>
            Exit.isInterrupted(exit)
              ? Effect.timeoutOption(Effect.disconnect(Fiber.interrupt(fiber)), stopLimit)
              : Fiber.interruptFork(fiber)
          )
        )
    )
  )

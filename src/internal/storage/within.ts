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
 *
 * It takes two fibers. `Effect.timeoutFail` of what cannot be interrupted takes six, for each statement.
 */
export const within = (
  operation: string,
  limit: Duration.DurationInput,
  onTimeout: string
): <A>(effect: Effect.Effect<A, StorageError>) => Effect.Effect<A, StorageError> => {
  const timer = Effect.forkDaemon(Effect.interruptible(Effect.sleep(limit)))
  return <A>(effect: Effect.Effect<A, StorageError>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) =>
        Effect.flatMap(timer, (timer) => {
          const first = Effect.async<A, StorageError>((resume) => {
            fiber.addObserver(resume)
            timer.addObserver((exit) => {
              if (Exit.isSuccess(exit)) {
                resume(Effect.fail(new StorageError({ operation, message: `${operation}: ${onTimeout}` })))
              }
            })
          })
          return Effect.onExit(restore(first), (exit) => {
            timer.unsafeInterruptAsFork(timer.id())
            if (fiber.unsafePoll() !== null) return Effect.void
            return Exit.isInterrupted(exit)
              ? Effect.timeoutOption(Effect.disconnect(Fiber.interrupt(fiber)), stopLimit)
              : Fiber.interruptFork(fiber)
          })
        }))
    )
}

/** Bounds what is asked of a server. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
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
  const timedOut = Effect.suspend(() => new StorageError({ operation, message: `${operation}: ${onTimeout}` }))
  return (effect) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        Effect.forkDaemon(Effect.interruptible(effect)),
        (fiber) =>
          Effect.onExit(waitFor(fiber, limit, timedOut, restore), (exit) => {
            if (fiber.unsafePoll() !== null) return Effect.void
            fiber.unsafeInterruptAsFork(fiber.id())
            return Exit.isInterrupted(exit)
              ? Effect.exit(waitFor(fiber, stopLimit, Effect.void, identity))
              : Effect.void
          })
      )
    )
}

/** Waits for a fiber, but not longer than the limit, also where nothing can be interrupted. */
const waitFor = <A, E, B, E2>(
  fiber: Fiber.RuntimeFiber<A, E>,
  limit: Duration.DurationInput,
  onTimeout: Effect.Effect<B, E2>,
  restore: (effect: Effect.Effect<A | B, E | E2>) => Effect.Effect<A | B, E | E2>
): Effect.Effect<A | B, E | E2> =>
  Effect.flatMap(Effect.forkDaemon(Effect.interruptible(Effect.sleep(limit))), (timer) =>
    Effect.ensuring(
      restore(Effect.async<A | B, E | E2>((resume) => {
        fiber.addObserver(resume)
        timer.addObserver((exit) => {
          if (Exit.isSuccess(exit)) resume(onTimeout)
        })
      })),
      Effect.sync(() => timer.unsafeInterruptAsFork(timer.id()))
    ))

/** A timeout for operations of a server. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import { StorageError } from "../../AmplitudeError.js"

/** The longest that an interruption waits for the server to give up. */
const stopLimit = "5 seconds"

/**
 * Fails an operation after its time, even if the server never answers. An interruption waits until the operation has
 * ended, so that the next operation does not overtake it.
 *
 * It needs two fibers, and `Effect.timeoutFail` of an uninterruptible effect needs six for each statement.
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

/** Waits for a fiber up to the limit, also in an uninterruptible region. */
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

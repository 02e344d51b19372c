/** A timeout for operations of a server. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import type * as Scope from "effect/Scope"
import { StorageError } from "../../AmplitudeError.js"
import * as Timeouts from "../timeouts.js"

/**
 * Fails an operation after its time, even if the server never answers. An interruption waits until the operation has
 * ended, so that the next operation does not overtake it.
 */
export type Within = (
  operation: string,
  limit: Duration.DurationInput
) => <A>(effect: Effect.Effect<A, StorageError>) => Effect.Effect<A, StorageError>

/** The longest that an interruption waits for the server to give up. */
const stopLimit = "5 seconds"

/** All operations of a storage share one timer, and an operation that ends at once needs none. */
export const make = (onTimeout: string): Effect.Effect<Within, never, Scope.Scope> =>
  Effect.suspend(() => {
    const timeouts = Timeouts.make()
    let isClosed = false

    const waitFor: Timeouts.Timeouts["waitFor"] = (fiber, limit, timedOut, restore) =>
      Effect.flatMap(
        Effect.exit(timeouts.waitFor(fiber, limit, timedOut, restore)),
        (exit) => isClosed ? Effect.zipRight(timeouts.rest, exit) : exit
      )

    const within: Within = (operation, limit) => {
      const timedOut = Effect.suspend(() => new StorageError({ operation, message: `${operation}: ${onTimeout}` }))
      return (effect) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.flatMap(
            // the fiber begins to run while this one yields
            Effect.zipLeft(Effect.forkDaemon(Effect.interruptible(effect)), Effect.yieldNow()),
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

    const close = Effect.suspend(() => {
      isClosed = true
      return timeouts.rest
    })
    return Effect.as(Effect.addFinalizer(() => close), within)
  })

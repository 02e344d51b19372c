/** Waiting that its caller can bound, wherever it is called. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Whether the fiber was interrupted before, and runs its finalizers. */
const wasInterrupted: Effect.Effect<boolean> = Effect.map(
  Effect.exit(Effect.interruptible(Effect.void)),
  Exit.isFailure
)

/**
 * Makes an effect interruptible, in a finalizer too, where effects are not. A fiber that runs its finalizers since it was
 * interrupted would end the effect at once: there it stays as it is.
 */
export const interruptibleWait = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(wasInterrupted, (interrupted) => interrupted ? effect : Effect.interruptible(effect))

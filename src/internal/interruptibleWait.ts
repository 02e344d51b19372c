/** Makes waiting interruptible in any region, so that a caller can bound it with `Effect.timeout`. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Whether the fiber was interrupted and now runs its finalizers. */
const wasInterrupted: Effect.Effect<boolean> = Effect.map(
  Effect.exit(Effect.interruptible(Effect.void)),
  Exit.isFailure
)

/**
 * Makes an effect interruptible, also in a finalizer. In the finalizers of an interrupted fiber, an interruptible
 * effect would end at once. There the effect stays uninterruptible.
 */
export const interruptibleWait = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(wasInterrupted, (interrupted) => interrupted ? effect : Effect.interruptible(effect))

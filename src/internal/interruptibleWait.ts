/** Makes waiting interruptible in any region, so that a caller can bound it with `Effect.timeout`. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"

/** Whether the fiber was interrupted and now runs its finalizers. */
const wasInterrupted: Effect.Effect<boolean> = Effect.map(
  Effect.exit(Effect.interruptible(Effect.void)),
  Exit.isFailure
)

/**
 * Begins a call with a function that makes its waiting interruptible, also in a finalizer. In the finalizers of an
 * interrupted fiber, an interruptible effect would end at once. There the waiting stays uninterruptible. An interruption
 * that comes after the beginning of the call ends the waiting.
 */
export const withInterruptibleWait = <A, E, R>(
  call: (wait: <A2, E2, R2>(effect: Effect.Effect<A2, E2, R2>) => Effect.Effect<A2, E2, R2>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(wasInterrupted, (interrupted) => call(interrupted ? identity : Effect.interruptible))

/** Makes an effect that waits from its beginning interruptible. */
export const interruptibleWait = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  withInterruptibleWait((wait) => wait(effect))

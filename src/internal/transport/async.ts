/** `Effect.async` that always knows how to cancel what it began. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * Begins something, and waits for its exit. When the waiting is interrupted, `cancel` runs.
 *
 * `Effect.async` installs its canceler one operation after it has begun. An interruption in between would leave what was
 * begun to itself.
 */
export const async = <A, E>(
  begin: (done: (exit: Exit.Exit<A, E>) => void) => () => void
): Effect.Effect<A, E> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      let cancel = (): void => {}
      const waiting = Effect.async<A, E>((resume) => {
        cancel = begin(resume)
      })
      // in this region it runs whenever the waiting does not end by itself
      return Effect.catchAllCause(restore(waiting), (cause) => {
        if (Cause.isInterrupted(cause)) cancel()
        return Exit.failCause(cause)
      })
    })
  )

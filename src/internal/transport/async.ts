/** `Effect.async` with a canceler that runs even if the fiber is interrupted at once. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * Begins an operation and waits for its exit. An interruption of the waiting runs `cancel`.
 *
 * `Effect.async` installs its canceler one operation after `register` has run. An interruption in between would leave
 * the operation running.
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
      // the region is uninterruptible, so that `cancel` runs whenever the waiting does not end by itself
      return Effect.catchAllCause(restore(waiting), (cause) => {
        if (Cause.isInterrupted(cause)) cancel()
        return Exit.failCause(cause)
      })
    })
  )

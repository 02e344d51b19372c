/** `Effect.async` that always knows how to cancel what it began. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

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
      return Effect.onInterrupt(restore(waiting), () => Effect.sync(() => cancel()))
    })
  )

/** `Effect.async` that always knows how to cancel what it began, and keeps nothing of it in memory. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Begins something, says its exit to `done`, and returns what cancels it. */
type Begin<A, E> = (done: (exit: Exit.Exit<A, E>) => void) => () => void

/** What is waited for. Its functions can refer to the body of a request: each is let go of once it is not needed. */
interface Waiting<A, E> {
  begin: Begin<A, E> | undefined
  cancel: (() => void) | undefined
  isDone: boolean
}

/**
 * Begins something, and waits for its exit. When the waiting is interrupted, what was begun is cancelled.
 *
 * `Effect.async` installs its canceler one operation after it has begun. An interruption in between would leave what was
 * begun to itself. And its functions stay in memory until a major garbage collection: they must not refer to `begin`.
 */
export const async = <A, E>(begin: Begin<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => exitOf({ begin, cancel: undefined, isDone: false }))

const exitOf = <A, E>(waiting: Waiting<A, E>): Effect.Effect<A, E> =>
  // in this region the handler runs whenever the waiting does not end by itself
  Effect.uninterruptibleMask((restore) =>
    Effect.catchAllCause(restore(Effect.async<A, E>((resume) => start(waiting, resume))), (cause) => {
      if (Cause.isInterrupted(cause)) waiting.cancel?.()
      return Exit.failCause(cause)
    })
  )

const start = <A, E>(waiting: Waiting<A, E>, resume: (exit: Exit.Exit<A, E>) => void): void => {
  const begin = waiting.begin!
  waiting.begin = undefined
  const cancel = begin((exit) => {
    waiting.isDone = true
    waiting.cancel = undefined
    resume(exit)
  })
  if (!waiting.isDone) waiting.cancel = cancel
}

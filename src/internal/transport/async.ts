/** `Effect.async` with a canceler that runs even if the fiber is interrupted at once. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Begins an operation that calls `done` with its exit, and returns its canceler. */
type Begin<A, E> = (done: (exit: Exit.Exit<A, E>) => void) => () => void

/**
 * A running operation. Both functions can refer to the body of a request, so that each is removed when it is no longer needed.
 */
interface Operation<A, E> {
  begin: Begin<A, E> | undefined
  cancel: (() => void) | undefined
  isDone: boolean
}

/**
 * Begins an operation and waits for its exit. An interruption of the waiting cancels the operation.
 *
 * `Effect.async` installs its canceler one operation of the fiber after `register` has run. An interruption in between
 * would leave the operation running.
 *
 * V8 allocates a function that is assigned to a property in the old space. `Effect.async` and `Effect.uninterruptibleMask` make
 * such functions: everything that they refer to stays in memory until a major garbage collection. So they refer to the
 * operation, and not to `begin`.
 */
export const async = <A, E>(begin: Begin<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => exitOf({ begin, cancel: undefined, isDone: false }))

const exitOf = <A, E>(operation: Operation<A, E>): Effect.Effect<A, E> =>
  Effect.uninterruptibleMask((restore) =>
    // the region is uninterruptible, so that the handler runs whenever the waiting does not end by itself
    Effect.catchAllCause(restore(Effect.async<A, E>((resume) => start(operation, resume))), (cause) => {
      if (Cause.isInterrupted(cause)) operation.cancel?.()
      return Exit.failCause(cause)
    })
  )

const start = <A, E>(operation: Operation<A, E>, resume: (exit: Exit.Exit<A, E>) => void): void => {
  const begin = operation.begin!
  operation.begin = undefined
  const cancel = begin((exit) => {
    operation.isDone = true
    operation.cancel = undefined
    resume(exit)
  })
  if (!operation.isDone) operation.cancel = cancel
}

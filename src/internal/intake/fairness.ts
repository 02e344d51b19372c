/**
 * Lets the event loop turn where callers would not: a fiber that tracks one event after the other gives way to other
 * fibers now and then, as Effect's scheduler has it, but not to timers and sockets. Nothing of what it tracks could leave
 * before it is done, and what does not fit into the buffer would be left to the overflow policy.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scheduler from "effect/Scheduler"

export interface Fairness {
  /** To be called for each call of `track`, when it is over: what it has to wait for, mostly nothing. */
  readonly next: () => Effect.Effect<void>
  /** Events leave: turns are of use. */
  readonly onLease: () => void
}

/**
 * After so many calls the event loop is watched, and after as many more one of them waits for it if it has not turned. A
 * turn costs as much as some events do: the fewer of them are of use, the fewer there are.
 */
const minCalls = 50
const maxCalls = 800
const growth = 1.5

/** So many callers that come meanwhile wait for the same turn: a loop can be that of many fibers. */
const maxWaiting = 100

export const make = (): Fairness => {
  let calls = 0
  let period = minCalls
  /** Whether the event loop has not turned since it was last watched. */
  let isHeld = false
  /** Those that wait for it. */
  let waiting: Array<() => void> = []

  const watch = (): void => {
    isHeld = afterTurn(() => {
      isHeld = false
    })
  }

  const goOn = (): void => {
    const resumed = waiting
    waiting = []
    watch()
    for (const resume of resumed) resume()
  }

  const wait = Effect.withFiberRuntime<void>(({ currentScheduler }) =>
    canWait(currentScheduler)
      ? Effect.async<void>((resume) => {
        if (waiting.push(() => resume(Exit.void)) > 1) return
        period = Math.min(period * growth, maxCalls)
        if (!afterTurn(goOn)) goOn()
      })
      : Exit.void
  )

  return {
    next: () => {
      if (waiting.length > 0 && waiting.length < maxWaiting) return wait
      if (++calls < period) return Exit.void
      calls = 0
      if (isHeld) return wait
      watch()
      return Exit.void
    },
    onLease: () => {
      period = minCalls
    }
  }
}

/** A synchronous scheduler cannot suspend. */
const canWait = (scheduler: Scheduler.Scheduler & { readonly deferred?: boolean }): boolean =>
  scheduler.deferred !== false

/**
 * Runs a task when the event loop has turned, and says whether it will: not where a test has put a clock of its own in
 * the place of timers, which may never run it, and not where a platform allows none.
 */
const afterTurn = (task: () => void): boolean => {
  const soon = globalThis.setImmediate ?? globalThis.setTimeout
  return !("clock" in soon) && Option.isSome(Option.liftThrowable(() => soon(task))())
}

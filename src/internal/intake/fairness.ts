/**
 * Yields to the event loop when many events are tracked in a row. Effect's scheduler lets other fibers run, but not
 * timers and sockets. Without these yields no request could leave during a long loop of `track`, and the buffer would
 * overflow.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scheduler from "effect/Scheduler"
import { afterTurn } from "../eventLoop.js"
import { unsafeNow } from "../time.js"

export interface Fairness {
  /** Called at the end of each call of `track`. The result is what the call waits for, which is mostly nothing. */
  readonly next: () => Effect.Effect<void>
  /** Called when events leave: yields are useful then. */
  readonly onLease: () => void
  /**
   * Ends a wait that is overdue. Cloudflare Workers stops the timers of a request when the request is over. `now` is the
   * wall clock, in milliseconds.
   */
  readonly wakeOverdue: (now: number) => void
}

/**
 * The number of calls between two checks of the event loop. If it has not turned since the last check, one call waits
 * for it. A turn has a cost, so that the number grows while turns let no events leave.
 */
const minCalls = 50
const maxCalls = 800
const growth = 1.5

/** The most callers that wait for the same turn, since many fibers can track at the same time. */
const maxWaiting = 100

/** The longest wait for a turn, in milliseconds. */
const tolerance = 1000

export const make = (): Fairness => {
  let calls = 0
  let period = minCalls
  /** Whether the event loop has not turned since the last check. */
  let isHeld = false
  /** The callers that wait for the turn. */
  let waiting: Array<() => void> = []
  /** When their wait is overdue, by the wall clock. */
  let overdueAt = Infinity

  const watch = (): void => {
    isHeld = afterTurn(() => {
      isHeld = false
    })
  }

  const goOn = (): void => {
    const resumed = waiting
    waiting = []
    overdueAt = Infinity
    watch()
    for (const resume of resumed) resume()
  }

  const wait = Effect.withFiberRuntime<void>((fiber) =>
    canWait(fiber.currentScheduler)
      ? Effect.async<void>((resume) => {
        if (waiting.push(() => resume(Exit.void)) > 1) return
        overdueAt = unsafeNow(fiber) + tolerance
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
    },
    wakeOverdue: (now) => {
      if (now >= overdueAt) goOn()
    }
  }
}

/** A synchronous scheduler cannot suspend. */
const canWait = (scheduler: Scheduler.Scheduler & { readonly deferred?: boolean }): boolean =>
  scheduler.deferred !== false

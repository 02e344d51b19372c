/**
 * Lets the event loop turn where callers would not: a fiber that tracks one event after the other gives way to other
 * fibers now and then, as Effect's scheduler has it, but not to timers and sockets. Nothing of what it tracks could leave
 * before it is done, and what does not fit into the buffer would be left to the overflow policy.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scheduler from "effect/Scheduler"

export interface Turns {
  /** To be called for each event that was taken: what its caller has to wait for, mostly nothing. */
  readonly next: () => Effect.Effect<void>
  /** A turn was of use: something left. */
  readonly left: () => void
}

/**
 * Once so many events were taken without a turn of the event loop, their caller waits for one. A turn costs as much as
 * some events do: the fewer of them are of use, the fewer there are.
 */
const minEvents = 50
const maxEvents = 800
const growth = 1.5

/** Runs a task when the event loop has turned: where there is `setImmediate`, after what it finds of timers and sockets. */
const nextTurn: Scheduler.Scheduler = typeof setImmediate === "function"
  ? Scheduler.make(setImmediate)
  : Scheduler.timer(0)

export const make = (): Turns => {
  let events = 0
  let period = minEvents
  /** Whether the event loop has not turned since it was last watched. */
  let isHeld = false

  const watch = (): void => {
    isHeld = true
    nextTurn.scheduleTask(() => {
      isHeld = false
    }, 0)
  }

  const turn = Effect.withFiberRuntime<void>(({ currentScheduler }) => {
    if (!canWait(currentScheduler)) return Exit.void
    period = Math.min(period * growth, maxEvents)
    return Effect.async<void>((resume) =>
      nextTurn.scheduleTask(() => {
        watch()
        resume(Exit.void)
      }, 0)
    )
  })

  return {
    next: () => {
      if (++events < period) return Exit.void
      events = 0
      if (isHeld) return turn
      watch()
      return Exit.void
    },
    left: () => {
      period = minEvents
    }
  }
}

/** Whoever runs an effect with `runSync` cannot. */
const canWait = (scheduler: Scheduler.Scheduler): boolean =>
  !(scheduler instanceof Scheduler.SyncScheduler) || scheduler.deferred

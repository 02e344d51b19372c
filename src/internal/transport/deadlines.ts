/**
 * Limits of time on what is not ours: when the time is up, or who waits is interrupted, nobody waits for it any longer,
 * even if it cannot be cancelled itself.
 *
 * One fiber sleeps for all of them, up to the first deadline there was when it fell asleep: most of what is limited is
 * done by then, and costs no timer of its own.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { withTicks } from "../time.js"

export interface Deadlines {
  /**
   * Begins something and waits for its exit, in an uninterruptible region whose `restore` makes the waiting
   * interruptible: that is its only failure.
   */
  readonly within: <A, E, R, E2>(
    begin: Begin<A, E, R>,
    duration: Duration.Duration,
    onTimeout: () => E2,
    restore: Restore
  ) => Effect.Effect<Exit.Exit<A, E | E2>, never, R>
  /** Ends what is still running, and leaves no timer behind: to be called where nobody waits any more. */
  readonly rest: Effect.Effect<void>
}

/** Begins something that tells its exit when it has one, and answers how to cancel it. */
export type Begin<A, E, R = never> = (tell: (exit: Exit.Exit<A, E>) => void) => Effect.Effect<() => void, never, R>

export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Something that has begun. */
interface Limited {
  /** In milliseconds of a clock that nobody sets. */
  readonly deadline: number
  readonly timeUp: () => Exit.Exit<any, any>
  exit: Exit.Exit<any, any> | undefined
  /** Known once it runs. */
  cancel: () => void
  /** Tells who waits, once somebody does. */
  tell: (exit: Exit.Exit<any, any>) => void
}

const nothing = (): void => {}

export const make = (): Deadlines => {
  let underWay: ReadonlyArray<Limited> = []
  let sleeper: Fiber.RuntimeFiber<void> | undefined
  let wakesAt = Infinity

  const sleepUntilFirst = (now: number): Effect.Effect<void> => {
    wakesAt = underWay.reduce((first, { deadline }) => deadline > now && deadline < first ? deadline : first, Infinity)
    return wakesAt === Infinity ? Effect.void : Effect.zipRight(sleepUntil(wakesAt, now), wake)
  }

  const wake: Effect.Effect<void> = withTicks((now) => {
    for (const limited of underWay) {
      if (limited.deadline > now) continue
      over(limited, limited.timeUp())
      limited.cancel()
    }
    return sleepUntilFirst(now)
  })

  const stopSleeping = (): void => {
    if (sleeper !== undefined) stop(sleeper)
    sleeper = undefined
    wakesAt = Infinity
  }

  const wakeAt = (at: number, now: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      stopSleeping()
      wakesAt = at
      return Effect.map(
        Effect.forkDaemon(Effect.interruptible(Effect.zipRight(sleepUntil(at, now), wake))),
        (fiber) => {
          // another one with an earlier deadline may have come in between
          if (wakesAt === at) sleeper = fiber
          else stop(fiber)
        }
      )
    })

  const leave = (limited: Limited): void => {
    underWay = underWay.filter((other) => other !== limited)
  }

  /** The first exit is the one that counts. */
  const over = (limited: Limited, exit: Exit.Exit<any, any>): void => {
    if (limited.exit !== undefined) return
    limited.exit = exit
    leave(limited)
    limited.tell(exit)
  }

  /** What is done when this is interrupted is not left to `Effect.async`, whose own is not known from the beginning. */
  const wait = <A, E>(limited: Limited, restore: Restore): Effect.Effect<Exit.Exit<A, E>> => {
    const told = Effect.async<Exit.Exit<A, E>>((resume) => {
      limited.tell = (exit) => resume(Exit.succeed(exit))
      if (limited.exit !== undefined) limited.tell(limited.exit)
    })
    return Effect.catchAllCause(restore(told), (interruption) => {
      leave(limited)
      limited.cancel()
      return Exit.failCause(interruption)
    })
  }

  return {
    within: <A, E, R, E2>(
      begin: Begin<A, E, R>,
      duration: Duration.Duration,
      onTimeout: () => E2,
      restore: Restore
    ) =>
      withTicks((now) => {
        // known before anything else happens: the fiber that sleeps looks for it, and who waits may be interrupted before
        // it begins to
        const limited: Limited = {
          deadline: now + Duration.toMillis(duration),
          timeUp: () => Exit.fail(onTimeout()),
          exit: undefined,
          cancel: nothing,
          tell: nothing
        }
        underWay = [...underWay, limited]
        const begun = Effect.suspend(() => begin((exit) => over(limited, exit)))
        const waited = Effect.matchCauseEffect(begun, {
          onFailure: (cause) => {
            over(limited, Exit.failCause(cause))
            return wait<A, E | E2>(limited, restore)
          },
          onSuccess: (cancel) => {
            // one that throws must not end what limits the others
            limited.cancel = Option.liftThrowable(cancel)
            // the time can be up before it was known
            if (limited.exit !== undefined) limited.cancel()
            return wait<A, E | E2>(limited, restore)
          }
        })
        return limited.deadline < wakesAt ? Effect.zipRight(wakeAt(limited.deadline, now), waited) : waited
      }),
    rest: Effect.sync(() => {
      for (const limited of underWay) {
        leave(limited)
        limited.cancel()
      }
      stopSleeping()
    })
  }
}

/** An effect in a fiber of its own. */
export const inFiber = <A, E, R>(effect: Effect.Effect<A, E, R>): Begin<A, E, R> => (tell) =>
  Effect.map(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) => {
    fiber.addObserver(tell)
    return () => stop(fiber)
  })

const sleepUntil = (at: number, now: number): Effect.Effect<void> => Effect.sleep(Duration.millis(Math.ceil(at - now)))

const stop = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void => fiber.unsafeInterruptAsFork(fiber.id())

/**
 * Limits of time on effects that are not ours. When the time is up, nobody waits any longer, even for an effect that
 * cannot be interrupted.
 *
 * One fiber sleeps for all of them, up to the first deadline. Most effects are done by then and cost no timer. Where a
 * platform stops timers with the request that began them (Cloudflare Workers), `expire` gives up what is past its deadline.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { withMonotonic } from "../time.js"

export interface Deadlines {
  /**
   * Runs an effect in a fiber of its own, and fails when it has not ended in time. The waiting can be interrupted, wherever
   * it is.
   */
  readonly within: <A, E, E2>(
    effect: Effect.Effect<A, E>,
    duration: Duration.Duration,
    onTimeout: () => E2
  ) => Effect.Effect<A, E | E2>
  /** Gives up what is past its deadline. */
  readonly expire: Effect.Effect<void>
  /** Stops the timer, where nothing is limited now. */
  readonly rest: Effect.Effect<void>
}

/** An effect that runs. */
interface Limited {
  /** Monotonic, in milliseconds. */
  readonly deadline: number
  readonly giveUp: () => void
}

export const make = (): Deadlines => {
  const running = new Set<Limited>()
  let sleeper: Fiber.RuntimeFiber<void> | undefined
  let wakesAt = Infinity

  const expire = withMonotonic((now) => {
    for (const limited of running) if (limited.deadline <= now) limited.giveUp()
    return Effect.void
  })

  const stopSleeping = (): void => {
    if (sleeper !== undefined) stop(sleeper)
    sleeper = undefined
    wakesAt = Infinity
  }

  const sleep: Effect.Effect<void> = withMonotonic((now) => {
    wakesAt = Infinity
    for (const { deadline } of running) wakesAt = Math.min(wakesAt, deadline)
    return wakesAt === Infinity
      ? Effect.void
      : Effect.sleep(Duration.millis(Math.ceil(Math.max(0, wakesAt - now)))).pipe(
        Effect.zipRight(expire),
        Effect.zipRight(sleep)
      )
  })

  /** Sees to it that somebody wakes at a deadline. */
  const wakeAt = (deadline: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (wakesAt <= deadline) return Effect.void
      stopSleeping()
      wakesAt = deadline
      return Effect.map(Effect.forkDaemon(Effect.interruptible(sleep)), (fiber) => {
        sleeper = fiber
      })
    })

  return {
    within: <A, E, E2>(effect: Effect.Effect<A, E>, duration: Duration.Duration, onTimeout: () => E2) =>
      Effect.uninterruptible(
        Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (fiber) =>
          withMonotonic((now) => {
            let resume = (_exit: Exit.Exit<A, E | E2>): void => {}
            const limited: Limited = {
              deadline: now + Duration.toMillis(duration),
              giveUp: () => resume(Exit.fail(onTimeout()))
            }
            running.add(limited)
            const exit = Effect.async<A, E | E2>((done) => {
              resume = done
              fiber.addObserver((exit) => done(hasInterruptedItself(exit) ? Exit.die(interruptedItself) : exit))
            })
            return Effect.zipRight(
              wakeAt(limited.deadline),
              Effect.onExit(Effect.interruptible(exit), () =>
                Effect.sync(() => {
                  running.delete(limited)
                  if (fiber.unsafePoll() === null) stop(fiber)
                }))
            )
          }))
      ),
    expire,
    rest: Effect.sync(() => {
      if (running.size === 0) stopSleeping()
    })
  }
}

/** Whoever waits was not interrupted then. */
const hasInterruptedItself = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)

const interruptedItself = new Error("the effect interrupted itself")

const stop = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void => fiber.unsafeInterruptAsFork(fiber.id())

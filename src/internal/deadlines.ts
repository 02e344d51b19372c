/**
 * Limits of time on effects that are not ours: when the time is up, or who waits is interrupted, nobody waits for one any
 * longer, even if it cannot be interrupted itself.
 *
 * One fiber sleeps for all of them, up to the first deadline there was when it fell asleep: most effects are done by
 * then, and cost no timer of their own.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { withNow } from "./now.js"

export interface Deadlines {
  readonly within: <A, E, R, E2>(
    effect: Effect.Effect<A, E, R>,
    duration: Duration.Duration,
    onTimeout: () => E2
  ) => Effect.Effect<A, E | E2, R>
  /** Leaves no timer behind where nothing is under way. */
  readonly rest: Effect.Effect<void>
}

interface Deadline {
  /** In milliseconds since the epoch. */
  readonly at: number
  readonly expire: () => void
}

export const make = (): Deadlines => {
  let deadlines: ReadonlyArray<Deadline> = []
  let sleeper: Fiber.RuntimeFiber<void> | undefined
  let wakesAt = Infinity

  const wake: Effect.Effect<void> = withNow((now) => {
    for (const { at, expire } of deadlines) if (at <= now) expire()
    wakesAt = deadlines.reduce((first, { at }) => at > now && at < first ? at : first, Infinity)
    return wakesAt === Infinity ? Effect.void : Effect.zipRight(Effect.sleep(Duration.millis(wakesAt - now)), wake)
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
        Effect.forkDaemon(Effect.interruptible(Effect.zipRight(Effect.sleep(Duration.millis(at - now)), wake))),
        (fiber) => {
          sleeper = fiber
        }
      )
    })

  return {
    within: <A, E, R, E2>(effect: Effect.Effect<A, E, R>, duration: Duration.Duration, onTimeout: () => E2) =>
      Effect.uninterruptibleMask((restore) =>
        withNow((now) => {
          const at = now + Duration.toMillis(duration)
          const started = Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), (running) => {
            let deadline: Deadline | undefined
            const leave = (): void => {
              deadlines = deadlines.filter((other) => other !== deadline)
            }
            // who waits can be interrupted before it begins to
            return Effect.onInterrupt(
              restore(Effect.async<A, E | E2>((resume) => {
                deadline = {
                  at,
                  expire: () => {
                    leave()
                    stop(running)
                    resume(Exit.fail(onTimeout()))
                  }
                }
                deadlines = [...deadlines, deadline]
                running.addObserver((exit) => {
                  leave()
                  resume(exit)
                })
              })),
              () =>
                Effect.sync(() => {
                  leave()
                  stop(running)
                })
            )
          })
          return at < wakesAt ? Effect.zipRight(wakeAt(at, now), started) : started
        })
      ),
    rest: Effect.sync(() => {
      if (deadlines.length === 0) stopSleeping()
    })
  }
}

const stop = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void => fiber.unsafeInterruptAsFork(fiber.id())

/**
 * A limit of time on an effect that is not ours: when the time is up, or who waits is interrupted, nobody waits for it
 * any longer, even if it cannot be interrupted itself. What `disconnect` and `timeoutFail` do together, with two fibers
 * instead of three.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"

export const within = <A, E, R, E2>(
  effect: Effect.Effect<A, E, R>,
  duration: Duration.Duration,
  onTimeout: () => E2
): Effect.Effect<A, E | E2, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDaemon(Effect.interruptible(effect)),
      (running) =>
        Effect.flatMap(Effect.forkDaemon(Effect.interruptible(Effect.sleep(duration))), (timer) =>
          Effect.onInterrupt(
            // who waits can be interrupted before it begins to
            restore(firstOf(running, timer, onTimeout)),
            () =>
              Effect.sync(() => {
                stop(timer)
                stop(running)
              })
          ))
    )
  )

const stop = (fiber: Fiber.RuntimeFiber<unknown, unknown>): void => fiber.unsafeInterruptAsFork(fiber.id())

const firstOf = <A, E, E2>(
  running: Fiber.RuntimeFiber<A, E>,
  timer: Fiber.RuntimeFiber<void>,
  onTimeout: () => E2
): Effect.Effect<A, E | E2> =>
  Effect.async((resume) => {
    running.addObserver((exit) => {
      stop(timer)
      resume(exit)
    })
    timer.addObserver((exit) => {
      if (Exit.isFailure(exit)) return
      stop(running)
      resume(Exit.fail(onTimeout()))
    })
  })

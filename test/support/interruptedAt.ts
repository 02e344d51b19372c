import { Effect, Fiber, Scheduler } from "effect"

/** Runs an effect that is interrupted before the operation with this number, if it has so many. */
export const interruptedAt = <A, E>(effect: Effect.Effect<A, E>, operation: number) =>
  Effect.gen(function*() {
    const base = new Scheduler.MixedScheduler(2048)
    let operations = 0
    const fiber: Fiber.RuntimeFiber<A, E> = yield* Effect.fork(Effect.withScheduler(effect, {
      shouldYield: () => {
        if (++operations !== operation) return false
        fiber.unsafeInterruptAsFork(fiber.id())
        return 0
      },
      scheduleTask: (task, priority) => base.scheduleTask(task, priority)
    }))
    return yield* Fiber.await(fiber)
  })

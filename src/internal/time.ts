/** The time of the `Clock` of the fiber that asks, in a single operation of the fiber. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

export const clockOf = (fiber: Fiber.RuntimeFiber<any, any>): Clock.Clock =>
  Context.get(fiber.currentDefaultServices, Clock.Clock)

/** Milliseconds since the epoch. */
export const unsafeNow = (fiber: Fiber.RuntimeFiber<any, any>): number => clockOf(fiber).unsafeCurrentTimeMillis()

export const withNow = <A, E, R>(f: (now: number) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber) => f(unsafeNow(fiber)))

/** Milliseconds of a clock that only goes forward: differences of them are spans of time, whatever is done to the other. */
export const withTicks = <A, E, R>(f: (ticks: number) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber) => f(Number(clockOf(fiber).unsafeCurrentTimeNanos()) / 1e6))

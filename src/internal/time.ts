/**
 * The `Clock` of the fiber that asks, read in a single operation of the fiber.
 *
 * The wall clock says when something is, and can be set. The monotonic clock measures spans of time.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

export const clockOf = (fiber: Fiber.RuntimeFiber<any, any>): Clock.Clock =>
  Context.get(fiber.currentDefaultServices, Clock.Clock)

/** Wall clock, in milliseconds since the epoch. */
export const wallTimeOf = (clock: Clock.Clock): number => clock.unsafeCurrentTimeMillis()

export const unsafeNow = (fiber: Fiber.RuntimeFiber<any, any>): number => wallTimeOf(clockOf(fiber))

/** Monotonic, in milliseconds. */
export const monotonicOf = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6

export const withClock = <A, E, R>(f: (clock: Clock.Clock) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber) => f(clockOf(fiber)))

/** Gives the monotonic time, in milliseconds. */
export const withMonotonic = <A, E, R>(f: (now: number) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  withClock((clock) => f(monotonicOf(clock)))

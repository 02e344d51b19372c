/**
 * Reads the `Clock` of the current fiber in a single operation of the fiber.
 *
 * The wall clock gives a date and can be set. The monotonic clock measures durations.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

/** The fiber that runs this code. */
export const currentFiber = (): Fiber.RuntimeFiber<any, any> => Option.getOrThrow(Fiber.getCurrentFiber())

export const clockOf = (fiber: Fiber.RuntimeFiber<any, any>): Clock.Clock =>
  Context.get(fiber.currentDefaultServices, Clock.Clock)

/** Wall clock, in milliseconds since the epoch. */
export const wallTimeOf = (clock: Clock.Clock): number => clock.unsafeCurrentTimeMillis()

export const unsafeNow = (fiber: Fiber.RuntimeFiber<any, any>): number => wallTimeOf(clockOf(fiber))

/** Monotonic, in milliseconds. */
export const monotonicOf = (clock: Clock.Clock): number => Number(clock.unsafeCurrentTimeNanos()) / 1e6

export const withClock = <A, E, R>(f: (clock: Clock.Clock) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber) => f(clockOf(fiber)))

/** Passes the monotonic time to `f`, in milliseconds. */
export const withMonotonic = <A, E, R>(f: (now: number) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  withClock((clock) => f(monotonicOf(clock)))

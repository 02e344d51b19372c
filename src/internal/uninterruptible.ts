/**
 * `Effect.uninterruptibleMask` for what runs once an event or once a request.
 *
 * Effect makes a region of its own for each call. V8 allocates a function that is assigned to a property, as the one of a
 * region is, among old objects: what it refers to stays in memory until a major garbage collection. Here one region is used
 * again and again, and refers to nothing once it has begun.
 */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as RuntimeFlags from "effect/RuntimeFlags"

/** Makes an effect interruptible again, where the caller is. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

type Begin = () => Effect.Effect<unknown, unknown, unknown>

interface Region {
  begin: Begin | undefined
  readonly effect: Effect.Effect<unknown, unknown, unknown>
}

const makeRegion = (): Region => {
  const region: Region = {
    begin: undefined,
    effect: Effect.uninterruptible(Effect.suspend(() => {
      const begin = region.begin!
      region.begin = undefined
      free = region
      return begin()
    }))
  }
  return region
}

/** The region that is used next. One whose fiber is interrupted before it begins is never used again. */
let free: Region | undefined

const regionOf = (begin: Begin): Effect.Effect<unknown, unknown, unknown> => {
  const region = free ?? makeRegion()
  free = undefined
  region.begin = begin
  return region.effect
}

/** Runs an effect where the fiber cannot be interrupted. `restore` makes a part of it interruptible, where the caller is. */
export const uninterruptibleMask = <A, E, R>(
  f: (restore: Restore) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime<A, E, R>((_fiber, { runtimeFlags }) =>
    regionOf(() => f(RuntimeFlags.interruption(runtimeFlags) ? Effect.interruptible : identity)) as Effect.Effect<
      A,
      E,
      R
    >
  )

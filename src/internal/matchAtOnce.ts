/**
 * Runs an effect that completes synchronously without operations of the fiber. `track` runs for every event, and the
 * memory storage completes synchronously.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Predicate from "effect/Predicate"

/** An effect that gives another effect to run, as `Effect.suspend` and every `Effectable` do. */
interface Committable<A, E, R> {
  readonly commit: () => Effect.Effect<A, E, R>
}

const isCommittable = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): effect is Effect.Effect<A, E, R> & Committable<A, E, R> =>
  Predicate.isFunction((effect as Partial<Committable<A, E, R>>).commit)

/** The most `commit`s that are followed. The fiber runs an endless chain, since it can be interrupted. */
const maxSteps = 10

const isExit = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Exit<A, E> => Exit.isExit(effect)

/** Begins an effect. The result is its exit if it has one at once, or else the effect that is left to run. */
const firstStep = <A, E, R>(begin: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Either.merge(Either.try({
    try: () => {
      let effect = begin()
      for (let steps = 0; steps < maxSteps && isCommittable(effect); steps++) {
        effect = effect.commit()
      }
      return effect
    },
    catch: Exit.die
  }))

/**
 * `Effect.matchCauseEffect` for an effect that begins during this call. If the effect does not complete at once, `onRest`
 * gets the rest of it, which calls a handler, and returns the effect to run. An interruption must not drop the rest. What the
 * handler returns runs afterwards.
 */
export const matchAtOnce = <A, E, R, A2, E2, R2>(
  begin: () => Effect.Effect<A, E, R>,
  handlers: {
    readonly onFailure: (cause: Cause.Cause<E>) => Effect.Effect<A2, E2, R2>
    readonly onSuccess: (value: A) => Effect.Effect<A2, E2, R2>
  },
  onRest: (
    rest: Effect.Effect<Effect.Effect<A2, E2, R2>, never, R>
  ) => Effect.Effect<Effect.Effect<A2, E2, R2>, never, R> = identity
): Effect.Effect<A2, E2, R | R2> => {
  const effect = firstStep(begin)
  return !isExit(effect)
    ? Effect.flatten(onRest(Effect.matchCause(effect, handlers)))
    : Exit.isSuccess(effect)
    ? handlers.onSuccess(effect.value)
    : handlers.onFailure(effect.cause)
}

/**
 * Runs an effect that can be done at once without operations of the fiber. `track` is called for every event, and a storage
 * in memory answers at once.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Predicate from "effect/Predicate"

/** What an effect that stands for another one has, as `Effect.suspend` and every `Effectable`. */
interface Committable<A, E, R> {
  readonly commit: () => Effect.Effect<A, E, R>
}

const isCommittable = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): effect is Effect.Effect<A, E, R> & Committable<A, E, R> =>
  Predicate.isFunction((effect as Partial<Committable<A, E, R>>).commit)

/** An effect that stands for another one without end is left to the fiber, which can be interrupted. */
const maxSteps = 10

const isExit = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Exit<A, E> => Exit.isExit(effect)

/** Begins an effect: gives its exit where it has one at once, else what is left to run. Where it throws, it dies. */
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
 * `Effect.matchCauseEffect` of an effect that begins with this call. Where it is not done at once, `onRest` runs what is
 * left of it with the handlers, which must not be lost to an interruption.
 */
export const matchAtOnce = <A, E, R, A2, E2, R2>(
  begin: () => Effect.Effect<A, E, R>,
  handlers: {
    readonly onFailure: (cause: Cause.Cause<E>) => Effect.Effect<A2, E2, R2>
    readonly onSuccess: (value: A) => Effect.Effect<A2, E2, R2>
  },
  onRest: (rest: Effect.Effect<A2, E2, R | R2>) => Effect.Effect<A2, E2, R | R2> = identity
): Effect.Effect<A2, E2, R | R2> => {
  const effect = firstStep(begin)
  return !isExit(effect)
    ? onRest(Effect.matchCauseEffect(effect, handlers))
    : Exit.isSuccess(effect)
    ? handlers.onSuccess(effect.value)
    : handlers.onFailure(effect.cause)
}

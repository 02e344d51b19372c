/**
 * Runs an effect that completes synchronously without operations of the fiber. `track` runs for every event, and the
 * memory storage completes synchronously.
 */
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
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

const follow = <A, E, R>(begun: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  let effect = begun
  for (let steps = 0; steps < maxSteps && isCommittable(effect); steps++) effect = effect.commit()
  return effect
}

/** Whether an effect has completed. */
export const isExit = <A, E, R>(effect: Effect.Effect<A, E, R>): effect is Exit.Exit<A, E> => Exit.isExit(effect)

/**
 * Begins an effect during this call. The result is its exit if it completes at once, or else the effect that is left to
 * run. An interruption must not drop what is left.
 */
export const beginAtOnce = <A, E, R>(begin: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const begun = Either.try(() => follow(begin()))
  return Either.isRight(begun) ? begun.right : Exit.die(begun.left)
}

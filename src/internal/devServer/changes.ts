/** Waiting for what arrives. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { ExpectationFailed } from "./api.js"
import * as Matching from "./matching.js"
import type * as Model from "./model.js"
import type { Store } from "./store.js"

/** How often a subscriber gets what arrived, in milliseconds. */
export const interval = 250

/** What arrived since the last look. */
export interface Arrived extends ReturnType<Store["since"]> {
  readonly last: number
  readonly faultsChanged: boolean
  readonly cleared: boolean
}

/** What arrives after a number, looked at every `interval`. Looking needs no queue, so that a slow reader holds none. */
export const changes = (
  store: Store,
  apiKey: string | undefined,
  start: Effect.Effect<number>
): Stream.Stream<Arrived> =>
  Stream.unwrap(
    Effect.map(start, (start) =>
      Stream.unfoldEffect({ last: start, faults: store.faultChanges, wait: false }, (seen) =>
        Effect.map(seen.wait ? Effect.sleep(interval) : Effect.void, () => {
          const { last } = store
          const cleared = store.cleared.number > seen.last &&
            (apiKey === undefined || store.cleared.apiKey === undefined || store.cleared.apiKey === apiKey)
          return Option.some([
            { ...store.since(seen.last, apiKey), last, cleared, faultsChanged: store.faultChanges !== seen.faults },
            { last, faults: store.faultChanges, wait: true }
          ])
        })))
  )

const change = (store: Store): Effect.Effect<void> =>
  Effect.async((resume) => {
    const stop = store.onChange(() => resume(Effect.void))
    return Effect.sync(stop)
  })

const defaultWithin = 5000

/** Waits for what a matcher expects. */
export const expect = (
  store: Store,
  matcher: typeof Model.Matcher.Type,
  apiKey: string | undefined
): Effect.Effect<ReadonlyArray<typeof Model.ReceivedEvent.Type>, ExpectationFailed> =>
  Effect.gen(function*() {
    const { count = 1, none = false, noneAtFault = false, within = defaultWithin } = matcher
    const isAbsence = none ||
      (noneAtFault && matcher.type === undefined && matcher.where === undefined && matcher.count === undefined)
    const end = (yield* Clock.currentTimeMillis) + within
    for (;;) {
      const { atFault, matches } = Matching.standing(store.received(apiKey), matcher)
      if (atFault.length > 0) {
        return yield* new ExpectationFailed({ message: `${atFault.length} events are at fault`, matches: atFault })
      }
      if (none && matches.length > 0) {
        return yield* new ExpectationFailed({ message: `None was expected, ${matches.length} came`, matches })
      }
      if (!isAbsence && matches.length >= count) {
        return matches
      }
      const left = end - (yield* Clock.currentTimeMillis)
      const changed = left > 0 ? yield* Effect.timeoutOption(change(store), left) : Option.none()
      if (Option.isNone(changed)) {
        if (isAbsence) {
          return []
        }
        const nearest = Matching.nearest(store.received(apiKey), matcher)
        return yield* new ExpectationFailed({
          message: `${count} expected within ${within} ms, ${matches.length} came`,
          matches,
          ...(nearest === undefined ? {} : { nearest })
        })
      }
    }
  })

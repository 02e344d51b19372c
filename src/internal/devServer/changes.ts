/** Streams the events that arrive, and waits for expected ones. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { ExpectationFailed } from "./api.js"
import * as Matching from "./matching.js"
import type * as Model from "./model.js"
import type { Store } from "./store.js"

/** The time between two batches of a subscriber, in milliseconds. */
export const interval = 250

/** A batch: what arrived since the batch before. */
export interface Arrived extends ReturnType<Store["since"]> {
  readonly last: number
  readonly faultsChanged: boolean
  readonly cleared: boolean
}

/**
 * Reads what arrived after a number, every `interval`. It polls the store and has no queue that a slow reader could
 * fill.
 */
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
          const cleared = store.isCleared(seen.last, apiKey)
          return Option.some([
            { ...store.since(seen.last, apiKey), last, cleared, faultsChanged: store.faultChanges !== seen.faults },
            { last, faults: store.faultChanges, wait: true }
          ])
        })))
  )

/** The events that arrive from now on, until the store ends. No event is left out, whatever the store drops. */
export const arrivals = (store: Store): Stream.Stream<Received> =>
  Stream.asyncPush<Received>(
    (emit) =>
      Effect.acquireRelease(
        Effect.sync(() => store.subscribe({ events: emit.array, end: emit.end })),
        (unsubscribe) => Effect.sync(unsubscribe)
      ),
    { bufferSize: "unbounded" }
  )

const change = (store: Store): Effect.Effect<void> =>
  Effect.async((resume) => {
    const stop = store.onChange(() => resume(Effect.void))
    return Effect.sync(stop)
  })

const defaultWithin = 5000

type Received = typeof Model.ReceivedEvent.Type

/** The state of waiting for a matcher. Each event is compared once. */
class Standing {
  readonly #store: Store
  readonly #matcher: typeof Model.Matcher.Type
  readonly #apiKey: string | undefined
  #last = 0
  #matches: ReadonlyArray<Received> = []
  #atFault: ReadonlyArray<Received> = []

  constructor(store: Store, matcher: typeof Model.Matcher.Type, apiKey: string | undefined) {
    this.#store = store
    this.#matcher = matcher
    this.#apiKey = apiKey
  }

  look(): { readonly matches: ReadonlyArray<Received>; readonly atFault: ReadonlyArray<Received> } {
    const { last } = this.#store
    if (this.#store.isCleared(this.#last, this.#apiKey)) {
      const stays = (event: Received): boolean => Option.isSome(this.#store.event(event.id, this.#apiKey))
      this.#matches = this.#matches.filter(stays)
      this.#atFault = this.#atFault.filter(stays)
    }
    const { events } = this.#store.since(this.#last, this.#apiKey)
    this.#last = last
    this.#matches = [...this.#matches, ...events.filter((event) => Matching.isMatch(event, this.#matcher))]
    this.#atFault = [...this.#atFault, ...events.filter((event) => Matching.isAtFault(event, this.#matcher))]
    return { matches: this.#matches, atFault: this.#atFault }
  }
}

/** Waits for the events of a matcher. */
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
    const standing = new Standing(store, matcher, apiKey)
    for (let isOver = false;;) {
      const { atFault, matches } = standing.look()
      if (atFault.length > 0) {
        return yield* new ExpectationFailed({ message: `${atFault.length} events are at fault`, matches: atFault })
      }
      if (none && matches.length > 0) {
        return yield* new ExpectationFailed({ message: `None was expected, ${matches.length} came`, matches })
      }
      if (!isAbsence && matches.length >= count) {
        return matches
      }
      if (isOver && isAbsence) {
        return []
      }
      if (isOver) {
        const nearest = Matching.nearest(store.received(apiKey), matcher)
        return yield* new ExpectationFailed({
          message: `${count} expected within ${within} ms, ${matches.length} came`,
          matches,
          ...(nearest === undefined ? {} : { nearest })
        })
      }
      const left = end - (yield* Clock.currentTimeMillis)
      // after the end it looks once more, since an event can arrive before the waiting begins
      isOver = left <= 0 || Option.isNone(yield* Effect.timeoutOption(change(store), left))
    }
  })

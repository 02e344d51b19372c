/** What a lease of a storage on a server holds: whether the events are still this client's, and keeping them so. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { StorageError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import { monotonicOf, wallTimeOf, withClock } from "../time.js"
import { identityOf } from "./identity.js"

type EncodedEvent = EventStorage.EncodedEvent

/** An event of a lease, and what its storage knows it by. */
interface Item {
  readonly event: EncodedEvent
}

export interface Held<A extends Item> {
  readonly token: string
  /** Those that are neither acknowledged nor released, by identity. */
  readonly items: Map<string, A>
  /** Acknowledged without an answer: whether they are gone is not known. */
  readonly doubtful: Set<A>
  /** Until then nobody else can have taken the events: monotonic, in milliseconds. */
  safeUntil: number
  readonly turn: Effect.Semaphore
}

export const make = <A extends Item>(token: string, items: ReadonlyArray<A>, safeUntil: number): Held<A> => ({
  token,
  items: new Map(items.map((item) => [identityOf(item.event), item])),
  doubtful: new Set(),
  safeUntil,
  turn: Effect.unsafeMakeSemaphore(1)
})

/** Renews a lease three times in its time, in milliseconds. A renewal that fails is tried again. */
export const keepAlive = <A extends Item>(
  held: Held<A>,
  duration: number,
  scope: Scope.Scope,
  renewal: Effect.Effect<unknown, StorageError>
): Effect.Effect<void> => {
  const renew = withClock((clock) => {
    if (held.items.size === 0) return Effect.void
    const start = monotonicOf(clock)
    return Effect.map(renewal, () => {
      held.safeUntil = start + duration
    })
  })
  return Effect.asVoid(Effect.forkIn(
    Effect.interruptible(
      Effect.repeat(Effect.zipRight(Effect.sleep(duration / 3), Effect.ignore(renew)), Schedule.forever)
    ),
    scope
  ))
}

/** One after the other: with those of the events that the lease holds. Nothing is asked where there are none. */
const withItems = <A extends Item, B>(
  held: Held<A>,
  events: ReadonlyArray<EncodedEvent>,
  f: (items: ReadonlyArray<A>) => Effect.Effect<B, StorageError>,
  none: B
): Effect.Effect<B, StorageError> =>
  held.turn.withPermits(1)(Effect.suspend(() => {
    const items = [...new Set(events.map(identityOf))].flatMap((identity) => held.items.get(identity) ?? [])
    return items.length === 0 ? Effect.succeed(none) : Effect.tap(f(items), () => {
      for (const { event } of items) held.items.delete(identityOf(event))
    })
  }))

/** Acknowledges events. `remove` answers which of them the server still had under this lease. */
export const acknowledge = <A extends Item>(
  held: Held<A>,
  events: ReadonlyArray<EncodedEvent>,
  remove: (items: ReadonlyArray<A>) => Effect.Effect<(item: A) => boolean, StorageError>
): Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError> =>
  withItems(held, events, (items) =>
    remove(items).pipe(
      Effect.tapErrorCause(() => Effect.sync(() => items.forEach((item) => held.doubtful.add(item)))),
      Effect.flatMap((isRemoved) =>
        withClock((clock) => {
          // removed by an earlier call whose answer was lost: nobody else can have done it
          const isSafe = monotonicOf(clock) < held.safeUntil
          const ours = items.filter((item) => isRemoved(item) || (isSafe && held.doubtful.has(item)))
          return Effect.succeed(ours.map(({ event }) => event))
        })
      )
    ), [])

/** Releases events. `give` gives them back, paused for as many milliseconds. */
export const release = <A extends Item>(
  held: Held<A>,
  events: ReadonlyArray<EncodedEvent>,
  notBefore: number,
  give: (items: ReadonlyArray<A>, pause: number) => Effect.Effect<unknown, StorageError>
): Effect.Effect<void, StorageError> =>
  Effect.asVoid(
    withItems(held, events, (items) =>
      withClock((clock): Effect.Effect<unknown, StorageError> =>
        give(items, notBefore === 0 ? 0 : Math.max(0, Math.ceil(notBefore - wallTimeOf(clock))))
      ), undefined)
  )

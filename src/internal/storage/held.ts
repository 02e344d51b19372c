/**
 * The events of a lease of a storage on a server. It renews the lease, and knows whether the events still belong to it.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StorageError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import { monotonicOf, wallTimeOf, withClock } from "../time.js"
import { identityOf } from "./identity.js"

type EncodedEvent = EventStorage.EncodedEvent

/** An event of a lease. The storage adds its own id. */
export interface Item {
  readonly event: EncodedEvent
}

/**
 * Events of a lease that are neither acknowledged nor released. Most often all of them are settled together, in order.
 */
class Items<A extends Item> {
  private all: ReadonlyArray<A>
  private byIdentity: Map<string, A> | undefined = undefined

  constructor(all: ReadonlyArray<A>) {
    this.all = all
  }

  get size(): number {
    return this.byIdentity?.size ?? this.all.length
  }

  values(): Iterable<A> {
    return this.byIdentity?.values() ?? this.all
  }

  /** Finds the given events, each once, and skips the ones that are gone. */
  of(events: ReadonlyArray<EncodedEvent>): ReadonlyArray<A> {
    if (this.byIdentity === undefined && this.areAll(events)) return this.all
    const byIdentity = this.byIdentity ?? new Map(this.all.map((item) => [identityOf(item.event), item]))
    this.byIdentity = byIdentity
    return [...new Set(events.map(identityOf))].flatMap((identity) => byIdentity.get(identity) ?? [])
  }

  remove(items: ReadonlyArray<A>): void {
    if (items === this.all) this.all = []
    if (this.byIdentity === undefined) return
    for (const { event } of items) this.byIdentity.delete(identityOf(event))
  }

  private areAll(events: ReadonlyArray<EncodedEvent>): boolean {
    return events.length === this.all.length && this.all.every(({ event }, place) => isSame(event, events[place]!))
  }
}

const isSame = (one: EncodedEvent, other: EncodedEvent): boolean =>
  one === other || (one.sequence === other.sequence && one.clientId === other.clientId)

export interface Held<A extends Item> {
  readonly token: string
  /** The events that are neither acknowledged nor released. */
  readonly items: Items<A>
  /** The events whose acknowledge had no answer, so that they may be removed. */
  readonly doubtful: Set<A>
  /** The time until which no other client can take the events. Monotonic, in milliseconds. */
  safeUntil: number
  readonly turn: Effect.Semaphore
}

export const make = <A extends Item>(token: string, items: ReadonlyArray<A>, safeUntil: number): Held<A> => ({
  token,
  items: new Items(items),
  doubtful: new Set(),
  safeUntil,
  turn: Effect.unsafeMakeSemaphore(1)
})

/**
 * Renews a lease three times within its `duration`, which is in milliseconds. A failed renewal is tried again. The
 * result of `renewal` says whether the lease still existed.
 */
export const keepAlive = <A extends Item>(
  held: Held<A>,
  duration: number,
  scope: Scope.Scope,
  renewal: Effect.Effect<boolean, StorageError>
): Effect.Effect<void> => {
  const renew = withClock((clock) => {
    if (held.items.size === 0) return Effect.void
    const start = monotonicOf(clock)
    return Effect.map(renewal, (isHeld) => {
      if (isHeld) held.safeUntil = start + duration
    })
  })
  return Effect.asVoid(Effect.forkIn(
    Effect.interruptible(Effect.forever(Effect.zipRight(Effect.sleep(duration / 3), Effect.ignore(renew)))),
    scope
  ))
}

/**
 * Runs an operation with the events that the lease still holds, one operation at a time. Without such events it does
 * nothing.
 */
const withItems = <A extends Item, B>(
  held: Held<A>,
  events: ReadonlyArray<EncodedEvent>,
  f: (items: ReadonlyArray<A>) => Effect.Effect<B, StorageError>,
  none: B
): Effect.Effect<B, StorageError> =>
  held.turn.withPermits(1)(Effect.suspend(() => {
    const items = held.items.of(events)
    return items.length === 0 ? Effect.succeed(none) : Effect.tap(f(items), () => held.items.remove(items))
  }))

/** The questions of an acknowledge to the server. Each answer is a predicate of the given events. */
export interface Removal<A extends Item> {
  /** Removes events. The result says which ones the server still held under this lease. */
  readonly remove: (items: ReadonlyArray<A>) => Effect.Effect<(item: A) => boolean, StorageError>
  /** Says which events are stored, whoever holds them. */
  readonly areStored: (items: ReadonlyArray<A>) => Effect.Effect<(item: A) => boolean, StorageError>
}

/** Acknowledges events. The result holds those that still belonged to the lease. */
export const acknowledge = <A extends Item>(
  held: Held<A>,
  events: ReadonlyArray<EncodedEvent>,
  { areStored, remove }: Removal<A>
): Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError> =>
  withItems(held, events, (items) =>
    remove(items).pipe(
      Effect.flatMap((isRemoved) =>
        Effect.map(
          removedBefore(held, items.filter((item) => !isRemoved(item)), areStored),
          (isRemovedBefore) => items.flatMap((item) => isRemoved(item) || isRemovedBefore(item) ? [item.event] : [])
        )
      ),
      // also after an interruption
      Effect.onError(() => Effect.sync(() => items.forEach((item) => held.doubtful.add(item))))
    ), [])

/**
 * Says which events an earlier call without an answer has removed: those that are gone while nobody else could take them.
 * A server that crashed can have lost the lease and not the events.
 */
const removedBefore = <A extends Item>(
  held: Held<A>,
  items: ReadonlyArray<A>,
  areStored: Removal<A>["areStored"]
): Effect.Effect<(item: A) => boolean, StorageError> =>
  withClock((clock) => {
    const doubtful = monotonicOf(clock) < held.safeUntil ? items.filter((item) => held.doubtful.has(item)) : []
    if (doubtful.length === 0) return Effect.succeed(() => false)
    const wereDoubtful = new Set(doubtful)
    return Effect.map(areStored(doubtful), (isStored) => (item) => wereDoubtful.has(item) && !isStored(item))
  })

/** Releases events. `give` returns them to the storage, paused for the given milliseconds. */
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

/**
 * The memory storage. The cost of an operation does not depend on the number of events.
 *
 * Events wait in pages. Events of a busy lane are parked until the lane is free, in the list of passed-over events.
 * Released events are in this list as well. All events of the list are older than the events in the pages.
 *
 * Lanes are tracked only when a second lease or a release needs them. With one lease and no parked event they are not
 * needed: the next lease begins after this one, and takes the oldest events.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { EventStorage } from "../../EventStorage.js"
import { monotonicOf, wallTimeOf, withClock } from "../time.js"
import { identityOf } from "./identity.js"
import { Lanes } from "./lanes.js"
import type { Lane } from "./lanes.js"
import * as Pages from "./pages.js"
import { PassedOver } from "./passedOver.js"
import { StoredEvent } from "./storedEvent.js"

type EncodedEvent = EventStorage.EncodedEvent

/** The state of the storage. */
interface State {
  readonly pages: Pages.Pages
  readonly passedOver: PassedOver
  readonly lanes: Lanes
  leases: ReadonlyArray<Lease>
  /** How many events are stored, leased ones included. */
  count: number
  /** A latch for each subscriber of `changes`. */
  readonly watchers: Set<Effect.Latch>
}

/** The events that one call of `lease` took, in order. */
class Lease {
  events: Array<StoredEvent | undefined>
  /** How many of the events are still leased. */
  held: number
  /** The index of the next event to find. Most events are acknowledged and released in order. */
  next = 0
  /** The index of each event. It is made when an event is out of order. */
  places: Map<string, number> | undefined = undefined
  /** Whether the events are counted in their lanes. */
  isCounted: boolean

  constructor(events: Array<StoredEvent | undefined>, isCounted: boolean) {
    this.events = events
    this.held = events.length
    this.isCounted = isCounted
  }

  /** Removes an event from the lease. The result says whether the lease held it. */
  take(event: EncodedEvent): StoredEvent | undefined {
    const expected = this.events[this.next]
    const place = expected !== undefined && isSame(expected, event) ? this.next : this.placeOf(event)
    const taken = place === undefined ? undefined : this.events[place]
    if (place === undefined || taken === undefined) return undefined
    this.events[place] = undefined
    this.next = place + 1
    this.held--
    return taken
  }

  private placeOf(event: EncodedEvent): number | undefined {
    this.places ??= new Map(
      this.events.flatMap((leased, place) => leased === undefined ? [] : [[identityOf(leased), place]])
    )
    return this.places.get(identityOf(event))
  }
}

const isSame = (one: EncodedEvent, other: EncodedEvent): boolean =>
  one === other || (one.sequence === other.sequence && one.clientId === other.clientId)

const nothingEvicted: Exit.Exit<EventStorage.AppendResult> = Exit.succeed({ _tag: "Accepted", evicted: [] })
const refused: Exit.Exit<EventStorage.AppendResult> = Exit.succeed({ _tag: "Refused" })

export const make: Effect.Effect<EventStorage.Service> = Effect.sync(() => {
  const state: State = {
    pages: Pages.make(),
    passedOver: new PassedOver(),
    lanes: new Lanes(),
    leases: [],
    count: 0,
    watchers: new Set()
  }
  return {
    // `beginAtOnce` completes such an effect without an operation of the caller's fiber
    append: (events, options) => Effect.suspend(() => append(state, events, options)),
    lease: (options) => lease(state, options),
    evict: ({ from, keep }) => Effect.sync(() => evict(state, keep, from)),
    count: (of) => Effect.sync(() => of === undefined ? state.count : countOf(state, of)),
    changes: changes(state),
    durability: "process"
  }
})

// -- append and evict ------------------------------------------------------------------------------------------------

const append = (
  state: State,
  events: NonEmptyReadonlyArray<EncodedEvent>,
  { capacity, whenFull }: EventStorage.AppendOptions
): Exit.Exit<EventStorage.AppendResult> => {
  const hasRoom = state.count + events.length <= capacity
  if (!hasRoom && whenFull === "refuse") return refused
  for (const event of events) state.pages.push(event)
  state.count += events.length
  notify(state.watchers)
  return hasRoom ? nothingEvicted : Exit.succeed({ _tag: "Accepted", evicted: evict(state, capacity, "oldest") })
}

const evict = (state: State, keep: number, from: "oldest" | "newest"): ReadonlyArray<EncodedEvent> => {
  const evicted: Array<EncodedEvent> = []
  while (state.count > keep) {
    const event = from === "oldest"
      ? evictParked(state, state.passedOver.oldest) ?? state.pages.shift()
      : state.pages.pop() ?? evictParked(state, state.passedOver.newest)
    if (event === undefined) break
    state.count--
    evicted.push(event)
  }
  if (evicted.length > 0) notify(state.watchers)
  return evicted
}

const evictParked = (state: State, event: StoredEvent | undefined): StoredEvent | undefined => {
  if (event === undefined) return undefined
  state.passedOver.remove(event)
  state.lanes.remove(event)
  return event
}

// -- leases ----------------------------------------------------------------------------------------------------------

const lease = (
  state: State,
  options: EventStorage.LeaseOptions
): Effect.Effect<Option.Option<EventStorage.Lease>, never, Scope.Scope> =>
  Effect.flatMap(Scope.Scope, (scope) => {
    const lease = new Lease([], true)
    // the finalizer is added before an event is taken, so that an interruption loses no event
    return Effect.zipRight(
      Scope.addFinalizer(scope, giveBack(state, lease)),
      withClock((clock) => {
        take(state, lease, options, options.includePaused === true ? Infinity : monotonicOf(clock))
        return lease.held === 0 ? Exit.succeed(Option.none()) : Exit.succeed(Option.some(serviceOf(state, lease)))
      })
    )
  })

const serviceOf = (state: State, lease: Lease): EventStorage.Lease => ({
  events: lease.events.slice() as unknown as NonEmptyReadonlyArray<StoredEvent>,
  acknowledge: (events) => Effect.sync(() => acknowledge(state, lease, events)),
  release: (events, { attempts, notBefore, retries }) =>
    withClock((clock) => {
      const pausedUntil = notBefore === 0 ? 0 : monotonicOf(clock) + notBefore - wallTimeOf(clock)
      release(state, lease, events, (event) =>
        new StoredEvent(event, event.position, event.attempts + attempts, event.retries + retries, pausedUntil))
      return Exit.void
    })
})

/** Returns the remaining events of a lease unchanged. */
const giveBack = (state: State, lease: Lease): Effect.Effect<void> =>
  Effect.sync(() => {
    if (lease.held === 0) return
    const left = lease.events.filter((event) => event !== undefined)
    release(state, lease, left, (event) => event)
  })

const take = (state: State, lease: Lease, limits: Pages.Limits, now: number): void => {
  lease.isCounted = state.leases.length > 0 || state.lanes.size > 0
  if (lease.isCounted) countLanes(state)
  lease.events = lease.isCounted ? takeByLane(state, lease, limits, now) : state.pages.take(limits)
  lease.held = lease.events.length
  if (lease.held > 0) state.leases = [...state.leases, lease]
}

/** Begins to track the lanes of all leased events. */
const countLanes = (state: State): void => {
  for (const lease of state.leases) {
    if (lease.isCounted) continue
    lease.isCounted = true
    for (const event of lease.events) {
      if (event !== undefined) state.lanes.lease(state.lanes.add(event.lane), lease)
    }
  }
}

const takeByLane = (
  state: State,
  lease: Lease,
  { maxBytes, maxEvents }: Pages.Limits,
  now: number
): Array<StoredEvent> => {
  const { lanes, pages, passedOver } = state
  const taken: Array<StoredEvent> = []
  let room = maxBytes
  let isFull = false
  const fits = (event: StoredEvent): boolean => {
    const size = event.end - event.start + 1
    if (taken.length >= maxEvents || (taken.length > 0 && size > room)) {
      isFull = true
      return false
    }
    room -= size
    taken.push(event)
    return true
  }
  lanes.free = lanes.free.filter((lane) => {
    while (!isFull && lane.first !== undefined && lane.first.pausedUntil <= now) {
      if (!fits(lane.first)) break
      passedOver.remove(lanes.unpark(lane)!)
      lanes.lease(lane, lease)
    }
    lane.isListed = lane.leased === 0 && lane.first !== undefined
    if (lane.leased === 0 && lane.first === undefined) lanes.forget(lane)
    return lane.isListed
  })
  for (let event = pages.first(); !isFull && event !== undefined; event = pages.first()) {
    const lane = lanes.get(event.lane)
    if (lane !== undefined && isBusy(lane, lease)) {
      pages.shift()
      const parked = toPark(lane, event)
      passedOver.add(parked)
      lanes.park(lane, parked)
    } else if (fits(event)) {
      pages.shift()
      lanes.lease(lane ?? lanes.add(event.lane), lease)
    }
  }
  return taken
}

/** The event to park: one that may wait long, since a pause is before it, gets its own bytes. */
const toPark = (lane: Lane, event: StoredEvent): StoredEvent =>
  event.pausedUntil > 0 || (lane.first !== undefined && lane.first.pausedUntil > 0) ? event.detached() : event

/** Whether a lane has an earlier event that is parked, or in another lease. */
const isBusy = (lane: Lane, lease: Lease): boolean =>
  lane.first !== undefined || (lane.leased > 0 && lane.lease !== lease)

/** Ends the lease of an event, in its lane too if lanes are tracked. */
const unlease = (state: State, lease: Lease, event: StoredEvent): void => {
  if (lease.isCounted) state.lanes.unlease(event.lane)
}

const endIfEmpty = (state: State, lease: Lease): void => {
  if (lease.held === 0) state.leases = state.leases.filter((other) => other !== lease)
}

const acknowledge = (
  state: State,
  lease: Lease,
  events: ReadonlyArray<EncodedEvent>
): ReadonlyArray<EncodedEvent> => {
  const ours = events.filter((event) => {
    const leased = lease.take(event)
    if (leased !== undefined) unlease(state, lease, leased)
    return leased !== undefined
  })
  if (ours.length > 0) {
    state.count -= ours.length
    endIfEmpty(state, lease)
    notify(state.watchers)
  }
  return ours
}

/** Returns events to their places, each changed by `change`. */
const release = (
  state: State,
  lease: Lease,
  events: ReadonlyArray<EncodedEvent>,
  change: (event: StoredEvent) => StoredEvent
): void => {
  countLanes(state)
  const released = events.flatMap((event) => lease.take(event) ?? []).sort((one, other) =>
    one.position - other.position
  )
    .map(change)
  let neighbour: StoredEvent | undefined
  // from the last to the first, since the place of each event is right before the one that follows it
  for (const event of released.toReversed()) {
    const lane = state.lanes.add(event.lane)
    const parked = toPark(lane, event)
    state.passedOver.insert(parked, neighbour)
    state.lanes.parkInOrder(lane, parked)
    neighbour = parked
  }
  // from the first to the last, so that lanes are leased again in the order of their events
  for (const event of released) state.lanes.unlease(event.lane)
  endIfEmpty(state, lease)
  if (released.length > 0) notify(state.watchers)
}

// -- count and changes -----------------------------------------------------------------------------------------------

const countOf = (state: State, of: EventStorage.CountOptions): number => {
  const isCounted = (event: StoredEvent | undefined): boolean =>
    event !== undefined && event.clientId === of.clientId && event.sequence <= of.upTo
  let events = state.pages.count(of)
  for (let event = state.passedOver.oldest; event !== undefined; event = event.newer) if (isCounted(event)) events++
  for (const lease of state.leases) events += lease.events.filter(isCounted).length
  return events
}

/** Emits a change to the subscribers. A single client knows its own changes. */
const notify = (watchers: State["watchers"]): void => {
  if (watchers.size > 1) { for (const latch of watchers) latch.unsafeOpen() }
}

const changes = ({ watchers }: State): Stream.Stream<void> =>
  Stream.unwrapScoped(Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const latch = Effect.unsafeMakeLatch(false)
        watchers.add(latch)
        // emits once for the changes before the subscription
        notify(watchers)
        return latch
      }),
      (latch) => Effect.sync(() => watchers.delete(latch))
    ),
    (latch) => Stream.repeatEffect(Effect.zipRight(latch.await, Effect.sync(() => latch.unsafeClose())))
  ))

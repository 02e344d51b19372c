/**
 * The lanes whose order has to be watched: those with an event that is leased, paused, or parked behind such an event.
 *
 * A lease that is over leaves its lanes as they are: a lane is known to be free by its lease. Lanes that have no event are
 * kept for their next one, and forgotten when there are many.
 */
import type { StoredEvent } from "./storedEvent.js"

/** What a lane has to know of the lease that took its events. */
export interface Holder {
  /** How many events are still leased. */
  readonly held: number
  /** Lanes with events that are parked behind those of the lease. */
  readonly blocked: Array<Lane>
}

export interface Lane {
  readonly name: string
  /** The lease that took its last events, and how many of these it has: a lane has events in one lease at a time. */
  lease: Holder | undefined
  leased: number
  /** Its parked events, in order. */
  first: StoredEvent | undefined
  last: StoredEvent | undefined
  /** Whether it stands in `free`. */
  isListed: boolean
}

/** Whether a lane has an event that is leased. */
export const isLeased = ({ lease, leased }: Lane): boolean => leased > 0 && lease !== undefined && lease.held > 0

/** So many lanes are kept at least. */
const minKept = 1024

export class Lanes {
  private readonly lanes = new Map<string, Lane>()
  /** How many lanes there can be before those without events are forgotten. */
  private maxKept = minKept
  /** Lanes with parked events and none leased: the first event of each may leave when its pause is over. */
  free: Array<Lane> = []

  get(name: string): Lane | undefined {
    return this.lanes.get(name)
  }

  add(name: string): Lane {
    const known = this.lanes.get(name)
    if (known !== undefined) return known
    const lane: Lane = {
      name,
      lease: undefined,
      leased: 0,
      first: undefined,
      last: undefined,
      isListed: false
    }
    this.lanes.set(name, lane)
    if (this.lanes.size > this.maxKept) this.forgetEmpty(lane)
    return lane
  }

  /** Forgets all lanes. To be called when none has an event. */
  clear(): void {
    if (this.lanes.size === 0) return
    this.lanes.clear()
    this.free = []
  }

  private forgetEmpty(added: Lane): void {
    for (const lane of this.lanes.values()) {
      if (lane !== added && lane.first === undefined && !isLeased(lane)) this.lanes.delete(lane.name)
    }
    this.maxKept = Math.max(minKept, this.lanes.size * 2)
  }

  /** Counts an event of a lane as leased. */
  lease(lane: Lane, lease: Holder): void {
    if (lane.lease === lease) lane.leased++
    else {
      lane.lease = lease
      lane.leased = 1
    }
  }

  /** An event of a lease that goes on has its outcome, or was given back. */
  unlease(name: string): void {
    const lane = this.lanes.get(name)
    if (lane === undefined) return
    lane.leased--
    this.settle(lane)
  }

  /** A lease is over: the lanes that it blocked are free. */
  end(lease: Holder): void {
    for (const lane of lease.blocked) this.settle(lane)
  }

  /** To be called when a lane with parked events may have become free. */
  settle(lane: Lane): void {
    if (lane.isListed || lane.first === undefined || isLeased(lane)) return
    lane.isListed = true
    this.free.push(lane)
  }

  /** Parks an event behind the others of its lane. */
  park(lane: Lane, event: StoredEvent): void {
    this.block(lane)
    if (lane.last === undefined) lane.first = event
    else lane.last.nextInLane = event
    lane.last = event
  }

  /** Parks an event that was given back in its place among the others of its lane. */
  parkInOrder(lane: Lane, event: StoredEvent): void {
    this.block(lane)
    if (lane.first === undefined || lane.first.position > event.position) {
      event.nextInLane = lane.first
      lane.first = event
      lane.last ??= event
      return
    }
    let before = lane.first
    while (before.nextInLane !== undefined && before.nextInLane.position < event.position) before = before.nextInLane
    event.nextInLane = before.nextInLane
    before.nextInLane = event
    if (event.nextInLane === undefined) lane.last = event
  }

  /** The end of the lease of a lane settles the lane, once it has parked events. */
  private block(lane: Lane): void {
    if (lane.first === undefined && isLeased(lane)) lane.lease?.blocked.push(lane)
  }

  /** Takes the first parked event of a lane for a lease. */
  unpark(lane: Lane, lease: Holder): StoredEvent | undefined {
    const event = this.takeFirst(lane)
    if (event === undefined) return undefined
    if (lane.first !== undefined && lane.lease !== lease) lease.blocked.push(lane)
    this.lease(lane, lease)
    return event
  }

  private takeFirst(lane: Lane): StoredEvent | undefined {
    const event = lane.first
    if (event === undefined) return undefined
    lane.first = event.nextInLane
    if (lane.first === undefined) lane.last = undefined
    event.nextInLane = undefined
    return event
  }

  /** Takes an event that is evicted from among the parked ones of its lane. */
  remove(event: StoredEvent): void {
    const lane = this.lanes.get(event.lane)
    if (lane?.first === undefined) return
    if (lane.first === event) this.takeFirst(lane)
    else {
      let before = lane.first
      while (before.nextInLane !== undefined && before.nextInLane !== event) before = before.nextInLane
      if (before.nextInLane !== event) return
      before.nextInLane = event.nextInLane
      if (lane.last === event) lane.last = before
    }
  }
}

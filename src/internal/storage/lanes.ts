/**
 * The lanes whose order has to be watched: those with an event that is leased, paused, or parked behind such an event.
 * A lane is forgotten when it has none.
 */
import type { StoredEvent } from "./storedEvent.js"

export interface Lane {
  readonly name: string
  /** How many of its events are leased, and by which lease: a lane has events in one lease at a time. */
  leased: number
  lease: object | undefined
  /** Its parked events, in order. */
  first: StoredEvent | undefined
  last: StoredEvent | undefined
  /** Whether it stands in `free`. */
  isListed: boolean
}

export class Lanes {
  private readonly lanes = new Map<string, Lane>()
  /** Lanes with parked events and none leased: the first event of each may leave when its pause is over. */
  free: Array<Lane> = []

  get size(): number {
    return this.lanes.size
  }

  get(name: string): Lane | undefined {
    return this.lanes.get(name)
  }

  add(name: string): Lane {
    const known = this.lanes.get(name)
    if (known !== undefined) return known
    const lane: Lane = { name, leased: 0, lease: undefined, first: undefined, last: undefined, isListed: false }
    this.lanes.set(name, lane)
    return lane
  }

  forget(lane: Lane): void {
    this.lanes.delete(lane.name)
  }

  /** Counts an event of a lane as leased. */
  lease(lane: Lane, lease: object): void {
    lane.leased++
    lane.lease = lease
  }

  /** A leased event of a lane has its outcome, or was given back. */
  unlease(name: string): void {
    const lane = this.lanes.get(name)
    if (lane === undefined) return
    lane.leased--
    this.settle(lane)
  }

  /** To be called when a lane may have become free or empty. */
  settle(lane: Lane): void {
    if (lane.leased > 0 || lane.isListed) return
    if (lane.first === undefined) this.forget(lane)
    else {
      lane.isListed = true
      this.free.push(lane)
    }
  }

  /** Parks an event behind the others of its lane. */
  park(lane: Lane, event: StoredEvent): void {
    if (lane.last === undefined) lane.first = event
    else lane.last.nextInLane = event
    lane.last = event
  }

  /** Parks an event that was given back in its place among the others of its lane. */
  parkInOrder(lane: Lane, event: StoredEvent): void {
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

  /** Takes the first parked event of a lane. */
  unpark(lane: Lane): StoredEvent | undefined {
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
    if (lane.first === event) this.unpark(lane)
    else {
      let before = lane.first
      while (before.nextInLane !== undefined && before.nextInLane !== event) before = before.nextInLane
      if (before.nextInLane !== event) return
      before.nextInLane = event.nextInLane
      if (lane.last === event) lane.last = before
    }
    this.settle(lane)
  }
}

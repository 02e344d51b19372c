/**
 * The busy lanes: lanes with an event that is leased, paused, or parked behind such an event. A lane without one is
 * removed.
 */
import type { StoredEvent } from "./storedEvent.js"

export interface Lane {
  readonly name: string
  /** The number of leased events, and their lease. One lease at a time has events of a lane. */
  leased: number
  lease: object | undefined
  /** The parked events of the lane, in order. */
  first: StoredEvent | undefined
  last: StoredEvent | undefined
  /** Whether the lane is in `free`. */
  isListed: boolean
}

export class Lanes {
  private readonly lanes = new Map<string, Lane>()
  /** The lanes with parked events and no leased ones. Their first events can be leased after their pauses. */
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

  /** Counts a leased event of a lane as settled or released. */
  unlease(name: string): void {
    const lane = this.lanes.get(name)
    if (lane === undefined) return
    lane.leased--
    this.settle(lane)
  }

  /** Updates a lane that may be free or empty. */
  settle(lane: Lane): void {
    if (lane.leased > 0 || lane.isListed) return
    if (lane.first === undefined) this.forget(lane)
    else {
      lane.isListed = true
      this.free.push(lane)
    }
  }

  /** Parks an event at the end of its lane. */
  park(lane: Lane, event: StoredEvent): void {
    if (lane.last === undefined) lane.first = event
    else lane.last.nextInLane = event
    lane.last = event
  }

  /** Parks a released event at its place in its lane. */
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

  /** Removes an evicted event from the parked events of its lane. */
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

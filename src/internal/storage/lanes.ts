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
    insert(lane, lane.last, event)
  }

  /** Parks a released event at its place in its lane. */
  parkInOrder(lane: Lane, event: StoredEvent): void {
    let before: StoredEvent | undefined
    let next = lane.first
    while (next !== undefined && next.position < event.position) {
      before = next
      next = next.nextInLane
    }
    insert(lane, before, event)
  }

  /** Takes the first parked event of a lane. */
  unpark(lane: Lane): StoredEvent | undefined {
    const event = lane.first
    if (event !== undefined) remove(lane, event)
    return event
  }

  /** Removes an evicted event from the parked events of its lane. */
  remove(event: StoredEvent): void {
    const lane = this.lanes.get(event.lane)
    if (lane?.first === undefined) return
    remove(lane, event)
    this.settle(lane)
  }
}

/** Inserts an event behind another one, or before all others. */
const insert = (lane: Lane, before: StoredEvent | undefined, event: StoredEvent): void => {
  const next = before === undefined ? lane.first : before.nextInLane
  event.previousInLane = before
  event.nextInLane = next
  if (before === undefined) lane.first = event
  else before.nextInLane = event
  if (next === undefined) lane.last = event
  else next.previousInLane = event
}

const remove = (lane: Lane, event: StoredEvent): void => {
  const { nextInLane, previousInLane } = event
  if (previousInLane === undefined) lane.first = nextInLane
  else previousInLane.nextInLane = nextInLane
  if (nextInLane === undefined) lane.last = previousInLane
  else nextInLane.previousInLane = previousInLane
  event.previousInLane = event.nextInLane = undefined
}

/**
 * The storage in memory. Every operation costs the same for the first event and the millionth.
 *
 * Events that have not been looked at wait packed, in order. What is looked at and cannot be leased, because an earlier
 * event of its lane is leased or paused, goes to a list of those that were passed over, oldest first, and is parked with
 * its lane: the lane is handed out when it is free again. What is given back goes to its place in that list too. So all
 * of the list is older than all that is packed, and the overflow policy drops the head of the one, then of the other.
 * Only lanes with leased, paused or parked events are known by name, and those of a lease that is the only one, with
 * nothing parked, are not even counted until another lease or a release asks for them.
 *
 * What fills and empties with every batch belongs to its lease and dies with it: a long-lived Map or Set would leave its
 * outgrown tables behind, each keeping the next one alive until a major garbage collection.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import { BufferFull } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import * as Cut from "../delivery/batchLimits.js"
import * as Mark from "../mark.js"
import { withNow } from "../time.js"
import * as Packed from "./pages.js"
import type { Lease } from "./storedEvent.js"
import { Node, toPlain } from "./storedEvent.js"

/** A lane whose order has to be watched. */
interface Lane {
  readonly name: string
  /** How many of its events are leased, and by which lease. */
  leased: number
  lease: number
  first: Node | undefined
  last: Node | undefined
  /** Whether it stands in `free`. */
  listed: boolean
}

/** What takes an event as it was written, without an effect. */
export interface Direct {
  /** Whether there is room for an event: where there is none the overflow policy has to decide. */
  readonly hasRoom: () => boolean
  /** Puts in an event for which there is room. */
  readonly put: (ids: Packed.Ids, number: number, written: Packed.Written) => void
  /** Calls once there is room for an event, which is to be put in then; gives what takes that back. */
  readonly whenRoom: (letOn: () => void) => () => void
}

const direct = Mark.make<Direct>()

/** A storage that wraps `append` has one of its own, and with it its own way. */
export const directOf = (storage: EventStorage.Service): Direct | undefined => direct.of(storage.append)

/** What leases and acknowledges events in their place, without a copy of what they say. */
export interface InPlace {
  readonly lease: EventStorage.Service["lease"]
  /** Forgets leased events, and answers which were still held. */
  readonly acknowledge: (
    events: ReadonlyArray<EventStorage.EncodedEvent>
  ) => Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>>
  /** Events that were acknowledged are not read any more: their place is used again. */
  readonly leave: (events: ReadonlyArray<EventStorage.EncodedEvent>) => void
}

const inPlace = Mark.make<InPlace>()

/** Of a storage that wraps `lease` or `acknowledge`, neither is passed by. */
export const inPlaceOf = (storage: EventStorage.Service): InPlace | undefined => {
  const known = inPlace.of(storage.lease)
  return known === inPlace.of(storage.acknowledge) ? known : undefined
}

const none: Exit.Exit<ReadonlyArray<EventStorage.EncodedEvent>> = Exit.succeed([])

export const make = (config: AmplitudeConfig.Service): EventStorage.Service => {
  let leases: ReadonlyArray<Lease> = []
  const lanes = new Map<string, Lane>()
  /** Lanes with parked events, none of them leased: the head of each may leave when its pause is over. */
  let free: Array<Lane> = []
  /** Callers that wait for room, in the order in which they came. */
  const waiting = new Set<() => void>()
  /** What has not been looked at. */
  const packed = Packed.make((page, index, bytes) => new Node(page, index, bytes))
  let oldest: Node | undefined
  let newest: Node | undefined
  let lastLease = 0
  let count = 0

  // -- the list of what was passed over ------------------------------------------------------------------------------

  const insertAfter = (node: Node, older: Node | undefined): void => {
    const newer = older === undefined ? oldest : older.newer
    node.older = older
    node.newer = newer
    if (older === undefined) oldest = node
    else older.newer = node
    if (newer === undefined) newest = node
    else newer.older = node
    node.standAlone()
    leavePage(node)
  }

  /** Puts an event that was leased back to its place, which is near that of `neighbour`. */
  const insertInOrder = (node: Node, neighbour: Node | undefined): void => {
    let older = neighbour
    while (older !== undefined && older.sequence > node.sequence) older = older.older
    let newer = older === undefined ? oldest : older.newer
    while (newer !== undefined && newer.sequence < node.sequence) {
      older = newer
      newer = newer.newer
    }
    insertAfter(node, older)
  }

  const remove = (node: Node): void => {
    if (node.older === undefined) oldest = node.newer
    else node.older.newer = node.newer
    if (node.newer === undefined) newest = node.older
    else node.newer.older = node.older
    node.older = node.newer = undefined
  }

  // -- lanes -------------------------------------------------------------------------------------------------------

  const laneOf = (name: string): Lane => {
    const known = lanes.get(name)
    if (known !== undefined) return known
    const lane: Lane = { name, leased: 0, lease: 0, first: undefined, last: undefined, listed: false }
    lanes.set(name, lane)
    return lane
  }

  /** To be called when a lane may have become free or empty. */
  const settleLane = (lane: Lane): void => {
    if (lane.leased > 0 || lane.listed) return
    if (lane.first === undefined) lanes.delete(lane.name)
    else {
      lane.listed = true
      free.push(lane)
    }
  }

  const park = (lane: Lane, node: Node): void => {
    if (lane.last === undefined) lane.first = node
    else lane.last.parked = node
    lane.last = node
  }

  /** Puts an event that was leased back among the parked ones of its lane. */
  const parkInOrder = (lane: Lane, node: Node): void => {
    if (lane.first === undefined || lane.first.sequence > node.sequence) {
      node.parked = lane.first
      lane.first = node
      lane.last ??= node
      return
    }
    let before = lane.first
    while (before.parked !== undefined && before.parked.sequence < node.sequence) before = before.parked
    node.parked = before.parked
    before.parked = node
    if (node.parked === undefined) lane.last = node
  }

  const unpark = (lane: Lane): Node | undefined => {
    const node = lane.first
    if (node === undefined) return undefined
    lane.first = node.parked
    if (lane.first === undefined) lane.last = undefined
    node.parked = undefined
    return node
  }

  // -- operations --------------------------------------------------------------------------------------------------

  const push = (event: EventStorage.EncodedEvent): void => {
    packed.push(event)
    count++
  }

  /** Drops events that are in no request, as many as are too many. */
  const evictWhileOver = (
    capacity: number,
    next: () => EventStorage.EncodedEvent | undefined
  ): ReadonlyArray<EventStorage.EncodedEvent> => {
    const dropped: Array<EventStorage.EncodedEvent> = []
    while (count > capacity) {
      const event = next()
      if (event === undefined) break
      count--
      dropped.push(event)
    }
    return dropped
  }

  /** Nothing is read from the page of an event any more. */
  const leavePage = (node: Node): void => {
    const { page } = node
    if (page === undefined) return
    node.page = undefined
    if (++page.left === page.count) packed.reuse(page)
  }

  const dropFromList = (node: Node | undefined): Node | undefined => {
    if (node === undefined) return undefined
    remove(node)
    unparkFrom(node)
    return node
  }

  const dropOldest = (): EventStorage.EncodedEvent | undefined => {
    const node = dropFromList(oldest) ?? packed.shift()
    if (node === undefined) return undefined
    const event = toPlain(node)
    leavePage(node)
    return event
  }

  const dropNewest = (): EventStorage.EncodedEvent | undefined => packed.pop() ?? plainOf(dropFromList(newest))

  const plainOf = (node: Node | undefined) => node === undefined ? undefined : toPlain(node)

  /** Takes an event that leaves the storage from among the parked ones of its lane, if it is one of them. */
  const unparkFrom = (node: Node): void => {
    const lane = lanes.get(node.lane)
    if (lane?.first === undefined) return
    if (lane.first === node) unpark(lane)
    else {
      let before = lane.first
      while (before.parked !== undefined && before.parked !== node) before = before.parked
      if (before.parked !== node) return
      before.parked = node.parked
      if (lane.last === node) lane.last = before
    }
    settleLane(lane)
  }

  const trim: Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>> = Effect.sync(() => {
    const { bufferCapacity, overflow } = config.unsafeSettings()
    makeRoom()
    return overflow === "dropOldest"
      ? evictWhileOver(bufferCapacity, dropOldest)
      : overflow === "dropNewest"
      ? evictWhileOver(bufferCapacity, dropNewest)
      : []
  })

  const isFull = (): boolean => count >= config.unsafeSettings().bufferCapacity

  /** Lets as many callers on as there is room for, in the order in which they came. */
  const makeRoom = (): void => {
    for (const letOn of waiting) {
      if (isFull()) return
      waiting.delete(letOn)
      letOn()
    }
  }

  /** Whether there is room for one who comes now: behind those who wait. */
  const hasRoom = (): boolean => {
    if (waiting.size > 0) makeRoom()
    return !isFull()
  }

  const whenRoom = (letOn: () => void): () => void => {
    waiting.add(letOn)
    makeRoom()
    return () => {
      waiting.delete(letOn)
    }
  }

  const put = (ids: Packed.Ids, number: number, written: Packed.Written): void => {
    packed.write(ids, number, written)
    count++
  }

  /**
   * A caller that is interrupted while it waits has appended its event, or it has not: that is told by the exit of an
   * uninterruptible region.
   */
  const pushWhenRoom = (event: EventStorage.EncodedEvent): ReturnType<EventStorage.Service["append"]> => {
    let isPushed = false
    let cancel = (): void => {}
    const pushed = Effect.async<void>((resume) => {
      cancel = whenRoom(() => {
        push(event)
        isPushed = true
        resume(Exit.void)
      })
    })
    return Effect.uninterruptible(Effect.matchCauseEffect(Effect.interruptible(pushed), {
      onFailure: (cause) => {
        cancel()
        return isPushed ? none : Effect.failCause(cause)
      },
      onSuccess: () => none
    }))
  }

  const append: EventStorage.Service["append"] = (event) =>
    Effect.suspend((): ReturnType<EventStorage.Service["append"]> => {
      if (hasRoom()) {
        push(event)
        return none
      }
      const { bufferCapacity, overflow } = config.unsafeSettings()
      switch (overflow) {
        case "dropOldest":
          push(event)
          return Exit.succeed(evictWhileOver(bufferCapacity, dropOldest))
        case "dropNewest":
          return Exit.succeed([event])
        case "fail":
          return Exit.fail(new BufferFull({ capacity: bufferCapacity }))
        case "suspend":
          return pushWhenRoom(event)
      }
    })

  // -- leases ------------------------------------------------------------------------------------------------------

  const leaseInPlace = (
    { bytes, count, paused }: EventStorage.LeaseOptions
  ): Effect.Effect<ReadonlyArray<Node>> =>
    withNow((now) => {
      const id = ++lastLease
      const counted = leases.length > 0 || lanes.size > 0
      if (counted) countLeases()
      // nothing is leased, paused or parked: every event may leave
      const nodes = counted
        ? takeByLane({ count, bytes }, id, paused === true ? Infinity : now)
        : packed.take({ count, bytes })
      if (nodes.length > 0) {
        const lease: Lease = { id, nodes: nodes.slice(), held: nodes.length, at: 0, places: undefined, counted }
        for (let place = 0; place < nodes.length; place++) {
          const node = nodes[place]!
          node.lease = lease
          node.place = place
        }
        leases = [...leases, lease]
      }
      return Exit.succeed(nodes)
    })

  const lease: EventStorage.Service["lease"] = (options) =>
    Effect.map(leaseInPlace(options), (nodes) =>
      nodes.map((node) => {
        node.standAlone()
        leavePage(node)
        return toPlain(node)
      }))

  const leave = (events: ReadonlyArray<EventStorage.EncodedEvent>): void => {
    for (const node of events as ReadonlyArray<Node>) leavePage(node)
  }

  const takeByLane = (limits: Cut.Limits, id: number, until: number): Array<Node> => {
    const cut = Cut.make<Node>(limits)
    let full = false
    const take = (node: Node, lane: Lane): boolean => {
      if (!cut.add(node)) return false
      lane.leased++
      lane.lease = id
      return true
    }
    free = free.filter((lane) => {
      while (!full && lane.first !== undefined && lane.first.notBefore <= until) {
        if (take(lane.first, lane)) remove(unpark(lane)!)
        else full = true
      }
      lane.listed = lane.leased === 0 && lane.first !== undefined
      if (lane.leased === 0 && lane.first === undefined) lanes.delete(lane.name)
      return lane.listed
    })
    for (let node = packed.first(); !full && node !== undefined; node = packed.first()) {
      const lane = lanes.get(node.lane)
      if (lane !== undefined && (lane.first !== undefined || lane.lease !== id)) {
        packed.shift()
        insertAfter(node, newest)
        park(lane, node)
      } else if (take(node, lane ?? laneOf(node.lane))) packed.shift()
      else {
        if (lane === undefined) lanes.delete(node.lane)
        full = true
      }
    }
    return cut.events
  }

  /** From now on the lanes of every event that is leased are known. */
  const countLeases = (): void => {
    for (const lease of leases) {
      if (lease.counted) continue
      lease.counted = true
      for (const node of lease.nodes) {
        if (node === undefined) continue
        const lane = laneOf(node.lane)
        lane.leased++
        lane.lease = lease.id
      }
    }
  }

  /** Finds a leased event: most come in order, the others are looked up. */
  const leased = (id: string): Node | undefined => {
    for (const { at, nodes } of leases) {
      if (nodes[at]?.id === id) return nodes[at]
    }
    for (const lease of leases) {
      lease.places ??= new Map(lease.nodes.flatMap((node, place) => node === undefined ? [] : [[node.id, place]]))
      const place = lease.places.get(id)
      if (place !== undefined && lease.nodes[place] !== undefined) return lease.nodes[place]
    }
    return undefined
  }

  /** Takes an event out of its lease. */
  const takeOut = (node: Node, lease: Lease): void => {
    lease.nodes[node.place] = undefined
    lease.at = node.place + 1
    node.lease = undefined
    if (--lease.held === 0) leases = leases.filter((other) => other !== lease)
    if (lease.counted) lanes.get(node.lane)!.leased--
  }

  /** Forgets a leased event, and says whether it was still held. */
  const forget = (node: Node | undefined): boolean => {
    const lease = node?.lease
    if (node === undefined || lease === undefined) return false
    takeOut(node, lease)
    const lane = lanes.size === 0 ? undefined : lanes.get(node.lane)
    if (lane !== undefined) settleLane(lane)
    count--
    return true
  }

  const acknowledge: EventStorage.Service["acknowledge"] = (ids) =>
    Effect.sync(() => {
      const held = ids.filter((id) => forget(leased(id)))
      makeRoom()
      return held
    })

  const acknowledgeInPlace = (
    events: ReadonlyArray<EventStorage.EncodedEvent>
  ): Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>> =>
    Effect.sync(() => {
      const held = forgetAll(events as ReadonlyArray<Node>) ? events : events.filter((event) => forget(event as Node))
      makeRoom()
      return held
    })

  /** The same for the events of a lease that are all there are, of which no lane has to be watched: that is most. */
  const forgetAll = (nodes: ReadonlyArray<Node>): boolean => {
    const lease = nodes[0]?.lease
    if (lease === undefined || lease.counted || lease.held !== nodes.length || lanes.size > 0) return false
    for (const node of nodes) if (node.lease !== lease) return false
    for (const node of nodes) node.lease = undefined
    leases = leases.filter((other) => other !== lease)
    count -= nodes.length
    return true
  }

  const release: EventStorage.Service["release"] = (ids, { attempts, notBefore }) =>
    Effect.sync(() => {
      countLeases()
      const released = ids.flatMap((id) => {
        const node = leased(id)
        if (node?.lease === undefined) return []
        takeOut(node, node.lease)
        return [node]
      })
      let neighbour: Node | undefined
      // from the last to the first: each one's place is then right before the one that was put back last
      for (const node of released.toReversed()) {
        node.attempts = attempts
        node.notBefore = notBefore
        insertInOrder(node, neighbour)
        parkInOrder(lanes.get(node.lane)!, node)
        neighbour = node
      }
      // and from the first to the last: the lanes are handed out again in the order of their events
      for (const node of released) settleLane(lanes.get(node.lane)!)
    })

  const ownPlace: InPlace = { lease: leaseInPlace, acknowledge: acknowledgeInPlace, leave }

  return {
    append: direct.put(append, { hasRoom, put, whenRoom }),
    lease: inPlace.put(lease, ownPlace),
    renew: () => Effect.void,
    acknowledge: inPlace.put(acknowledge, ownPlace),
    release,
    trim,
    size: Effect.sync(() => count),
    // not `Effect.never`, whose timer keeps a process alive: one in which nothing waits can end without closing the client
    wake: Effect.async<never>(() => {}),
    shared: false,
    durable: false
  }
}

/**
 * Decides when the next batch is due.
 *
 * New events are due when there are enough of them for a request, or when the oldest of them has waited for
 * `flushInterval`. Events that come back after a request, or from another client, are due at once. Times are monotonic,
 * in milliseconds.
 */
import * as Effect from "effect/Effect"
import type { EventStorage } from "../../EventStorage.js"
import * as Alarm from "../alarm.js"
import { withMonotonic } from "../time.js"
import { sizeOf } from "./batchLimits.js"
import type { Limits } from "./batchLimits.js"

/** New events of this client that arrived at the same time. */
interface Arrivals {
  readonly time: number
  /** The wall clock at their arrival. Events with the same value count as arrived at the same time. */
  readonly tick: number
  count: number
}

/** What is due when a lease begins. */
export interface Pending {
  /** New events of this client, and the bytes of their JSON. */
  readonly waiting: number
  readonly bytes: number
  /** Whether a batch was due for another reason than new events. */
  readonly isWoken: boolean
  /** Whether the lease begins for no other reason than the end of a batch. */
  readonly isAfterBatch: boolean
}

/** The most times of arrival that are kept. Later events count as arrived at the last one. */
const maxArrivals = 1000

export class BatchTrigger {
  private readonly limits: () => Limits
  private readonly flushInterval: () => number
  private readonly isOwn: (event: EventStorage.EncodedEvent) => boolean
  private readonly changed = Effect.unsafeMakeLatch(false)
  private readonly alarm = Alarm.make(Effect.sync(() => this.wake()))
  private arrivals: Array<Arrivals> = []
  /** The times at which a batch is due however few events it has. */
  private readonly wakeTimes = new Set<number>()
  /** New events, and the bytes of their JSON. */
  private waiting = 0
  private bytes = 0
  /** How many of the oldest new events are due at once. */
  private flushing = 0
  /** The batches that are leased and have not ended. */
  private readonly running = new Set<object>()
  /** The running batches that may hold events back. */
  private readonly holding = new Set<object>()
  /** Whether a batch that may have held events back has ended. */
  private isFreed = false

  /** `limits` are those of a request, `flushInterval` is in milliseconds. */
  constructor(
    limits: () => Limits,
    flushInterval: () => number,
    isOwn: (event: EventStorage.EncodedEvent) => boolean
  ) {
    this.limits = limits
    this.flushInterval = flushInterval
    this.isOwn = isOwn
  }

  /** Adds a new event. `tick` is the wall clock; the monotonic clock is only read if the wall clock has changed. */
  onAppend(bytes: number, tick: number, monotonic: () => number): void {
    const limits = this.limits()
    const wasFull = this.isFull(limits)
    this.waiting++
    this.bytes += bytes
    const last = this.arrivals[this.arrivals.length - 1]
    if (last !== undefined && (last.tick === tick || this.arrivals.length >= maxArrivals)) last.count++
    else this.arrivals.push({ time: monotonic(), tick, count: 1 })
    if (this.waiting === 1 || (!wasFull && this.isFull(limits))) this.wake()
  }

  /** Makes all new events due at once. */
  flush(): void {
    this.flushing = this.waiting
    this.wake()
  }

  /** Makes a batch due at a time, however few events it has. */
  wakeAt(time: number): void {
    this.wakeTimes.add(time)
    this.wake()
  }

  /** Decides again after a change of a setting or the endpoint. */
  wake(): void {
    this.changed.unsafeOpen()
  }

  /** Counts returned events as new again if they were never sent. */
  onReturn(events: ReadonlyArray<EventStorage.EncodedEvent>, now: number): void {
    for (const { end, start } of this.newOf(events)) this.onAppend(end - start, now, () => now)
  }

  /** Called when a batch ends. The events that it held back can then be leased. */
  onBatchEnd(batch: object): void {
    this.running.delete(batch)
    if (!this.holding.delete(batch)) return
    this.isFreed = true
    this.wake()
  }

  /**
   * Called when a lease begins. Times that pass later are kept, since the storage may have looked at its events before.
   */
  beginLease(now: number): Pending {
    const isTimed = this.forgetPast(now)
    const isWoken = this.isFreed || isTimed
    const isAfterBatch = this.isFreed && !isTimed && this.newDueAt() > now
    this.isFreed = false
    return { waiting: this.waiting, bytes: this.bytes, isWoken, isAfterBatch }
  }

  /**
   * Called when the storage has leased events for a batch. `pending` is what was due at the beginning of the lease.
   * `isMoreStored` says whether the storage holds other events of this client that are not leased. `counted` are the
   * events without those of transactions, which were never added as new events.
   */
  onLease(
    batch: object,
    events: ReadonlyArray<EventStorage.EncodedEvent>,
    limits: Limits,
    pending: Pending,
    isMoreStored: boolean,
    counted: ReadonlyArray<EventStorage.EncodedEvent>
  ): void {
    if (isShort(events, limits)) {
      // the storage could lease no more: its other events wait for a running batch, or for a time. Events of other clients
      // are not counted, and may wait for any batch. A lease that only follows a batch finds no further ones of them
      if (isMoreStored || !pending.isAfterBatch) { for (const running of this.running) this.holding.add(running) }
      if (events.length > 0) {
        this.running.add(batch)
        if (isMoreStored) this.holding.add(batch)
      }
      this.forget(pending)
      return
    }
    this.running.add(batch)
    // not all of the due events may be leased
    if (pending.isWoken) this.wakeTimes.add(0)
    const leased = this.newOf(counted)
    this.forget({
      waiting: leased.length,
      bytes: leased.reduce((bytes, { end, start }) => bytes + end - start, 0)
    })
  }

  /** Whether no batch is due at any time. */
  isIdle(): boolean {
    return this.dueAt() === Infinity
  }

  /** Completes when a batch is due. */
  readonly due: Effect.Effect<void> = Effect.suspend(() => {
    this.changed.unsafeClose()
    const at = this.dueAt()
    if (at === 0) return Effect.void
    const wait = Effect.zipRight(this.changed.await, this.due)
    return at === Infinity ?
      wait :
      withMonotonic((now) => at <= now ? Effect.void : Effect.zipRight(this.alarm.ringBy(at), wait))
  })

  /** Stops the timer. */
  readonly rest: Effect.Effect<void> = this.alarm.rest

  /** The events that count as new: those of this client that were never sent. */
  private newOf(events: ReadonlyArray<EventStorage.EncodedEvent>): ReadonlyArray<EventStorage.EncodedEvent> {
    return events.filter((event) => event.attempts === 0 && this.isOwn(event))
  }

  private dueAt(): number {
    if (this.isFreed) return 0
    let at = this.newDueAt()
    for (const time of this.wakeTimes) at = Math.min(at, time)
    return at
  }

  /** When the new events are due. */
  private newDueAt(): number {
    if (this.flushing > 0 || this.isFull(this.limits())) return 0
    const oldest = this.arrivals[0]
    return oldest === undefined ? Infinity : oldest.time + this.flushInterval()
  }

  private isFull({ maxBytes, maxEvents }: Limits): boolean {
    return this.waiting >= maxEvents || this.bytes >= maxBytes
  }

  /** Removes the times that have passed, and gives whether there were any. */
  private forgetPast(now: number): boolean {
    const before = this.wakeTimes.size
    for (const time of this.wakeTimes) if (time <= now) this.wakeTimes.delete(time)
    return this.wakeTimes.size < before
  }

  /** Removes the oldest new events. */
  private forget({ bytes, waiting }: Pick<Pending, "bytes" | "waiting">): void {
    this.waiting = Math.max(0, this.waiting - waiting)
    this.flushing = Math.max(0, this.flushing - waiting)
    this.bytes = Math.max(0, this.bytes - bytes)
    let left = waiting
    let times = 0
    while (left > 0 && this.arrivals[times] !== undefined) {
      const oldest = this.arrivals[times]!
      const taken = Math.min(left, oldest.count)
      left -= taken
      oldest.count -= taken
      if (oldest.count === 0) times++
    }
    this.arrivals.splice(0, times)
  }
}

/** Whether a lease has room for more events, so that the storage had no more to lease. */
const isShort = (events: ReadonlyArray<EventStorage.EncodedEvent>, limits: Limits): boolean =>
  events.length < limits.maxEvents && (events.length === 0 || sizeOf(events).maxBytes <= limits.maxBytes / 2)

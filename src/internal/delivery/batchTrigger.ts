/**
 * When the next batch is due.
 *
 * New events leave at once when there are enough of them for a request, else when the oldest of them has waited for
 * `flushInterval`. Events that come back after a request, or from another client, leave as soon as they can. Times are
 * monotonic, in milliseconds.
 */
import * as Effect from "effect/Effect"
import type { EventStorage } from "../../EventStorage.js"
import * as Alarm from "../alarm.js"
import { withMonotonic } from "../time.js"
import { sizeOf } from "./batchLimits.js"
import type { Limits } from "./batchLimits.js"

/** New events that arrived at one time. */
interface Arrivals {
  readonly time: number
  /** Wall clock: another value of it is another time. */
  readonly tick: number
  count: number
}

/** New events, and the bytes of their JSON. */
export interface Pending {
  readonly waiting: number
  readonly bytes: number
}

/** So many times of arrival are told apart. Events that come later count as arrived with the last of them. */
const maxArrivals = 1000

export class BatchTrigger {
  private readonly limits: () => Limits
  private readonly flushInterval: () => number
  private readonly changed = Effect.unsafeMakeLatch(false)
  private readonly alarm = Alarm.make(Effect.sync(() => this.wake()))
  private arrivals: Array<Arrivals> = []
  /** When something can leave that waits for no company. */
  private readonly wakeTimes = new Set<number>()
  /** New events, and the bytes of their JSON. */
  private waiting = 0
  private bytes = 0
  /** How many of the oldest new events leave as soon as they can. */
  private flushing = 0
  /** Whether events are held back by a batch under way. */
  private isHeldBack = false

  /** `limits` are those of a request, `flushInterval` is in milliseconds. */
  constructor(limits: () => Limits, flushInterval: () => number) {
    this.limits = limits
    this.flushInterval = flushInterval
  }

  /** A new event is in the storage. `tick` is the wall clock; the monotonic clock is read when it has another value. */
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

  /** What is new leaves as soon as it can. */
  flush(): void {
    this.flushing = this.waiting
    this.wake()
  }

  /** Something may leave at a time that waits for no company. */
  wakeAt(time: number): void {
    this.wakeTimes.add(time)
    this.wake()
  }

  /** Decides again: a setting or the endpoint has changed. */
  wake(): void {
    this.changed.unsafeOpen()
  }

  /** Events that were new when they left are new again. */
  onReturn(events: ReadonlyArray<EventStorage.EncodedEvent>, now: number): void {
    for (const { end, start } of events) this.onAppend(end - start, now, () => now)
  }

  /** A batch is over, and with it what it held back. */
  onBatchEnd(): void {
    if (!this.isHeldBack) return
    this.isHeldBack = false
    this.wakeAt(0)
  }

  /** What is new now: a lease that begins now can hand it out. */
  pending(): Pending {
    return { waiting: this.waiting, bytes: this.bytes }
  }

  /**
   * The storage handed out events. `pending` was new when it was asked; `isMoreStored` says whether it holds others that
   * are not leased.
   */
  onLease(
    events: ReadonlyArray<EventStorage.EncodedEvent>,
    limits: Limits,
    now: number,
    pending: Pending,
    isMoreStored: boolean
  ): void {
    const isWoken = this.forgetPast(now)
    if (isShort(events, limits)) {
      // the storage had nothing else to hand out: what it still holds waits for a batch under way, or for a time
      this.isHeldBack = isMoreStored
      this.forget(pending)
      return
    }
    // more may be left of what was woken
    if (isWoken) this.wakeTimes.add(0)
    const fresh = events.filter(({ attempts }) => attempts === 0)
    this.forget({
      waiting: fresh.length,
      bytes: fresh.reduce((bytes, { end, start }) => bytes + end - start, 0)
    })
  }

  /** Whether nothing is due at any time, as things are. */
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

  private dueAt(): number {
    if (this.flushing > 0 || this.isFull(this.limits())) return 0
    const oldest = this.arrivals[0]
    let at = oldest === undefined ? Infinity : oldest.time + this.flushInterval()
    for (const time of this.wakeTimes) at = Math.min(at, time)
    return at
  }

  private isFull({ maxBytes, maxEvents }: Limits): boolean {
    return this.waiting >= maxEvents || this.bytes >= maxBytes
  }

  /** Forgets the times that have come, and says whether there were any. */
  private forgetPast(now: number): boolean {
    const before = this.wakeTimes.size
    for (const time of this.wakeTimes) if (time <= now) this.wakeTimes.delete(time)
    return this.wakeTimes.size < before
  }

  /** Forgets the oldest new events. */
  private forget({ bytes, waiting }: Pending): void {
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

/** Whether the storage could have handed out more, had there been any. */
const isShort = (events: ReadonlyArray<EventStorage.EncodedEvent>, limits: Limits): boolean =>
  events.length < limits.maxEvents && (events.length === 0 || sizeOf(events).maxBytes <= limits.maxBytes / 2)

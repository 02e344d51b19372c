/**
 * Settles events. Events with an outcome are acknowledged and then reported, if the lease still held them. Other events
 * are released to the storage.
 */
import * as Effect from "effect/Effect"
import type { EventStorage } from "../../EventStorage.js"
import { decoded } from "../event/decoded.js"
import type { Log } from "../log.js"
import { identityOf } from "../storage/identity.js"
import { monotonicOf, wallTimeOf, withClock } from "../time.js"
import type { BatchTrigger } from "./batchTrigger.js"
import * as Metrics from "./metrics.js"
import type { Outstanding } from "./outstanding.js"
import type { Reports, Settlement } from "./reports.js"
import type { StorageRetry } from "./storageRetry.js"

type EncodedEvent = EventStorage.EncodedEvent

/** Events of a lease that are sent together. */
export interface Part {
  readonly events: ReadonlyArray<EncodedEvent>
  /** The requests and the counted retries of the events since they were leased. */
  readonly sent: number
  readonly retries: number
}

export interface Dependencies {
  readonly outstanding: Outstanding
  readonly reports: Reports
  readonly storageRetry: StorageRetry
  readonly trigger: BatchTrigger
  readonly log: Log
  /** Called when events have left the storage, so that there is room. */
  readonly onSettled: () => void
}

/** An outcome that is not acknowledged yet. */
interface Decided {
  readonly part: Part
  readonly settlement: Settlement
}

export interface Settlements {
  /** Acknowledges events, and reports them. */
  readonly settle: (lease: EventStorage.Lease, part: Part, settlement: Settlement) => Effect.Effect<void>
  /** Releases events, paused until `notBefore`, in milliseconds since the epoch. 0 means without a pause. */
  readonly release: (lease: EventStorage.Lease, part: Part, notBefore: number) => Effect.Effect<void>
  /** Reports events that the overflow policy has dropped. */
  readonly evicted: (events: ReadonlyArray<EncodedEvent>, capacity: number) => void
  /** Reports the remaining events of a storage that ends with the process and does not answer. */
  readonly lost: (events: ReadonlyArray<EncodedEvent>) => void
  /** Reports the events whose outcome is decided and not acknowledged, since the storage has not answered in time. */
  readonly reportDecided: () => void
  /** Ends reporting: later answers of the storage are ignored, since every event has its outcome. */
  readonly end: () => void
  /** How many events of this client are leased. */
  readonly leased: () => number
  readonly onLease: (events: ReadonlyArray<EncodedEvent>) => void
  /** The number of acknowledges, and whether one is running: a count of the storage is not exact meanwhile. */
  readonly acknowledgements: () => { readonly count: number; readonly areUnderWay: boolean }
}

/** The outcome of events that are left at the end. */
export const shutDown: Settlement = {
  _tag: "Dropped",
  code: 0,
  message: "the client was shut down before the event could be delivered",
  reason: "Shutdown"
}

export const make = (deps: Dependencies): Settlements => {
  const { log, onSettled, outstanding, reports, storageRetry, trigger } = deps
  const decided = new Set<Decided>()
  let hasEnded = false
  let leased = 0
  let acknowledgements = 0

  /** Reports events that leave the storage. `held` are the events that the lease still held. */
  const report = ({ part, settlement }: Decided, held: ReadonlyArray<EncodedEvent>): void => {
    if (hasEnded) return
    // a storage can give other objects for the same events
    const ours = held.length === part.events.length ? undefined : new Set(held.map(identityOf))
    if (ours !== undefined || reports.isWanted()) {
      for (const event of part.events) {
        if (outstanding.hasFailed(event)) continue
        if (ours === undefined || ours.has(identityOf(event))) {
          reports.settled(event, settlement, event.attempts + part.sent)
        } else if (outstanding.isOwn(event)) reports.unreported(event.sequence, "Elsewhere")
      }
    }
    outstanding.settled(part.events)
    if (settlement._tag === "Delivered") Metrics.delivered(held.length, outstanding.size())
    else {
      Metrics.dropped(settlement.reason, held.length, outstanding.size())
      if (held.length > 0) {
        log.dropped("pipeline", settlement.reason, { ...settlement, count: held.length, events: decoded(held) })
      }
    }
    onSettled()
  }

  return {
    settle: (lease, part, settlement) => {
      if (part.events.length === 0) return Effect.void
      return Effect.suspend(() => {
        const outcome: Decided = { part, settlement }
        decided.add(outcome)
        return Effect.map(
          storageRetry(
            "acknowledge",
            () => lease.acknowledge(part.events, acknowledgeOptions(settlement)),
            part.events
          ),
          (held) => {
            acknowledgements++
            leased -= outstanding.countOwn(part.events)
            // otherwise the event was reported at the end of the client
            if (decided.delete(outcome)) report(outcome, held)
          }
        )
      })
    },
    release: (lease, part, notBefore) => {
      const { events, retries, sent } = part
      if (events.length === 0) return Effect.void
      return withClock((clock) => {
        const pause = notBefore === 0 ? undefined : notBefore - wallTimeOf(clock)
        return Effect.map(
          storageRetry("release", () => lease.release(events, { notBefore, attempts: sent, retries }), events),
          () => {
            leased -= outstanding.countOwn(events)
            const now = monotonicOf(clock)
            // a server counts the pause from the time of its statement, which is now at the latest
            trigger.wakeAt(pause === undefined ? 0 : now + pause)
            if (sent === 0) trigger.onReturn(events, now)
          }
        )
      })
    },
    evicted: (events, capacity) => {
      const settlement: Settlement = {
        _tag: "Dropped",
        code: 0,
        message: `the buffer is full: ${capacity} events`,
        reason: "BufferFull"
      }
      outstanding.leased(events)
      report({ part: { events, sent: 0, retries: 0 }, settlement }, events)
    },
    lost: (events) => report({ part: { events, sent: 0, retries: 0 }, settlement: shutDown }, events),
    reportDecided: () => {
      for (const outcome of decided) {
        decided.delete(outcome)
        report(outcome, outcome.part.events)
      }
    },
    end: () => {
      hasEnded = true
    },
    leased: () => leased,
    onLease: (events) => {
      leased += outstanding.countOwn(events)
    },
    acknowledgements: () => ({ count: acknowledgements, areUnderWay: decided.size > 0 })
  }
}

/** The reason that a durable storage can keep with a dropped event. */
const acknowledgeOptions = (settlement: Settlement): EventStorage.AcknowledgeOptions | undefined =>
  settlement._tag === "Delivered" ? undefined : { dropped: settlement }

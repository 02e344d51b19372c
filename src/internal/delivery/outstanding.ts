/**
 * The events of a client without an outcome: their number, and the callers that wait for them.
 *
 * A caller that begins to wait ends a section of events at the last sequence. The section is over when each of its
 * events has its outcome. While no caller waits, an event costs two increments.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import type { EventStorage } from "../../EventStorage.js"
import type { Place } from "../event/jsonWriter.js"
import type { Unsettled } from "./unsettled.js"

type Identity = Pick<EventStorage.EncodedEvent, "clientId" | "sequence">

type OnCommit = (event: EventStorage.EncodedEvent) => void

interface Section {
  readonly last: number
  open: number
  /** Whether the storage may hold events of transactions that are not counted as open. */
  isUncertain: boolean
  readonly over: Deferred.Deferred<void>
}

export interface Outstanding {
  /** Gives the sequence of an event that is about to be appended. */
  readonly nextSequence: (place: Place) => number
  /** The storage has taken the event. */
  readonly accepted: (sequence: number) => void
  /** The storage has refused the event. The result is false if the event has its outcome already. */
  readonly notAccepted: (sequence: number) => boolean
  /**
   * An append has failed, which is the outcome of its event. The storage can hold the event all the same. The result is
   * false if the event has another outcome already.
   */
  readonly failed: (sequence: number) => boolean
  /** Whether the append of an event has failed, so that a lease of it gives it no other outcome. */
  readonly hasFailed: (event: Identity) => boolean
  /**
   * The storage takes the event when its transaction commits. The client learns about the commit when the storage gives the
   * event to it. `onCommit` runs then.
   */
  readonly acceptedOnCommit: (sequence: number, onCommit: OnCommit) => void
  /**
   * The storage has given these events to this client. The result is without the events of transactions, whose commit is
   * known now.
   */
  readonly leased: (events: ReadonlyArray<EventStorage.EncodedEvent>) => ReadonlyArray<EventStorage.EncodedEvent>
  /** The sequence up to which a caller waits for events of transactions whose commit is not known, or undefined. */
  readonly uncertainUpTo: () => number | undefined
  /** The storage holds no unleased event up to a sequence, so that these commits are known. */
  readonly certain: (upTo: number) => void
  /** Whether an event belongs to this client. */
  readonly isOwn: (event: Identity) => boolean
  /** How many of the events belong to this client. */
  readonly countOwn: (events: ReadonlyArray<Identity>) => number
  /** Events have their outcome. Events of other clients do not count. */
  readonly settled: (events: ReadonlyArray<Identity>) => void
  /** Settles every event, since nothing can give them an outcome any more. */
  readonly end: () => void
  /** How many events have no outcome. */
  readonly size: () => number
  /** The sequences up to which callers wait, in order. */
  readonly awaited: () => ReadonlyArray<number>
  /** Every event up to a sequence was settled by another client. */
  readonly settledElsewhere: (upTo: number) => void
  /** Completes when no event is being appended. */
  readonly noAppends: Effect.Effect<void>
  /** Whether an event is being appended. */
  readonly isAppending: (sequence: number) => boolean
  /** Completes when every event that was accepted before this call has its outcome. */
  readonly none: () => Effect.Effect<void>
}

export interface Options {
  readonly clientId: string
  /** How many events were in the storage when the client was built. They are waited for as its own events are. */
  readonly found: number
  /** Holds the places of events without an outcome. */
  readonly unsettled?: Unsettled | undefined
}

/** The most events of transactions that are remembered: the client never learns about a rollback. */
const maxUncommitted = 10_000

/** The most events of failed appends that are remembered: the client never learns that one was not stored. */
const maxFailed = 10_000

/** Removes the oldest sequence if there are too many. */
const limit = (sequences: Set<number> | Map<number, unknown>, max: number): void => {
  if (sequences.size > max) sequences.delete(sequences.keys().next().value!)
}

export const make = ({ clientId, found, unsettled }: Options): Outstanding => {
  const sections: Array<Section> = []
  /** The sequences of events that are being appended. */
  const appending: Array<number> = []
  /** The events of transactions by their sequences. They are not open. */
  const uncommitted = new Map<number, OnCommit>()
  /** The sequences of events whose append has failed. They are not open. */
  const failed = new Set<number>()
  const appended = Effect.unsafeMakeLatch(true)
  let lastSequence = 0
  let open = 0
  let earlier = found
  let hasEnded = false

  /** The first section that ends at or after a sequence. */
  const sectionOf = (sequence: number): Section | undefined => {
    let low = 0
    let high = sections.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sections[middle]!.last < sequence) low = middle + 1
      else high = middle
    }
    return sections[low]
  }

  const endSections = (): void => {
    while (sections[0]?.open === 0 && !sections[0].isUncertain) Deferred.unsafeDone(sections.shift()!.over, Effect.void)
  }

  /** Whether an event was being appended until now. */
  const endAppending = (sequence: number): boolean => {
    const index = appending.lastIndexOf(sequence)
    if (index < 0) return false
    if (index === appending.length - 1) appending.pop()
    else appending.splice(index, 1)
    if (appending.length === 0) appended.unsafeOpen()
    return true
  }

  const notAccepted = (sequence: number): boolean => {
    unsettled?.settle(sequence)
    return endAppending(sequence)
  }

  const section = (): Section => {
    const newest = sections[sections.length - 1]
    const isUncertain = uncommitted.size > 0
    if (newest?.last === lastSequence) {
      if (isUncertain) newest.isUncertain = true
      return newest
    }
    const counted = sections.reduce((sum, section) => sum + section.open, 0)
    // the events from before this client belong to the first section
    const added: Section = {
      last: lastSequence,
      open: open + earlier - counted,
      isUncertain,
      over: Deferred.unsafeMake<void>(FiberId.none)
    }
    sections.push(added)
    return added
  }

  const isOwn = (event: Identity): boolean => event.clientId === clientId

  const countOwn = (events: ReadonlyArray<Identity>): number =>
    events.reduce((own, event) => isOwn(event) ? own + 1 : own, 0)

  const addOpen = (sequence: number): void => {
    open++
    if (sections.length > 0) {
      const section = sectionOf(sequence)
      if (section !== undefined) section.open++
    }
  }

  /** Settles one event from before this client, of whatever client. */
  const settleEarlier = (): void => {
    if (earlier === 0) return
    earlier--
    if (sections[0] !== undefined) sections[0].open--
  }

  return {
    nextSequence: (place) => {
      appending.push(++lastSequence)
      unsettled?.add(lastSequence, place)
      return lastSequence
    },
    accepted: (sequence) => {
      // the event can have its outcome before `append` returns: it is not being appended then
      if (!endAppending(sequence) || hasEnded) return
      addOpen(sequence)
    },
    notAccepted,
    failed: (sequence) => {
      const isOutcome = notAccepted(sequence)
      if (isOutcome) {
        failed.add(sequence)
        limit(failed, maxFailed)
      }
      return isOutcome
    },
    hasFailed: (event) => failed.size > 0 && isOwn(event) && failed.has(event.sequence),
    acceptedOnCommit: (sequence, onCommit) => {
      endAppending(sequence)
      unsettled?.settle(sequence)
      if (hasEnded) return
      uncommitted.set(sequence, onCommit)
      limit(uncommitted, maxUncommitted)
    },
    leased: (events) => {
      if (hasEnded || uncommitted.size === 0) return events
      return events.filter((event) => {
        const onCommit = isOwn(event) ? uncommitted.get(event.sequence) : undefined
        if (onCommit === undefined) return true
        uncommitted.delete(event.sequence)
        addOpen(event.sequence)
        onCommit(event)
        return false
      })
    },
    uncertainUpTo: () => sections.findLast(({ isUncertain }) => isUncertain)?.last,
    certain: (upTo) => {
      for (const section of sections) if (section.last <= upTo) section.isUncertain = false
      endSections()
    },
    isOwn,
    countOwn,
    settled: (events) => {
      if (hasEnded) return
      if (unsettled !== undefined) { for (const event of events) if (isOwn(event)) unsettled.settle(event.sequence) }
      if (sections.length + appending.length + earlier + uncommitted.size + failed.size === 0) {
        open -= countOwn(events)
        return
      }
      for (const event of events) {
        if (!isOwn(event)) settleEarlier()
        else if (
          !endAppending(event.sequence) && !uncommitted.delete(event.sequence) && !failed.delete(event.sequence)
        ) {
          open--
          const section = sectionOf(event.sequence)
          if (section !== undefined) section.open--
        }
      }
      endSections()
    },
    settledElsewhere: (upTo) => {
      while (sections[0] !== undefined && sections[0].last <= upTo) {
        const { over, open: settled } = sections.shift()!
        open = Math.max(0, open - settled)
        Deferred.unsafeDone(over, Effect.void)
      }
    },
    end: () => {
      hasEnded = true
      open = 0
      earlier = 0
      uncommitted.clear()
      for (const { over } of sections.splice(0)) Deferred.unsafeDone(over, Effect.void)
    },
    size: () => open + earlier,
    awaited: () => sections.map(({ last }) => last),
    noAppends: Effect.suspend(() => {
      if (appending.length === 0) return Effect.void
      appended.unsafeClose()
      return appended.await
    }),
    isAppending: (sequence) => appending.includes(sequence),
    none: () => open + earlier === 0 && uncommitted.size === 0 ? Effect.void : Deferred.await(section().over)
  }
}

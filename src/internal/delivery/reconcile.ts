/**
 * Several clients can share a storage and settle each other's events. When the storage does not hold an event any more,
 * the callers that wait for it learn that another client has settled it.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { StorageError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Outstanding } from "./outstanding.js"
import type { Reports } from "./reports.js"
import type { Settlements } from "./settlement.js"

export interface Dependencies {
  readonly clientId: string
  readonly storage: EventStorage.Service
  readonly outstanding: Outstanding
  readonly reports: Reports
  readonly settlements: Settlements
}

export interface Reconcile {
  /** Finds awaited events that other clients have settled. */
  readonly settledByOthers: Effect.Effect<void>
  /** Completes when no caller waits for events of transactions whose commit is not known. */
  readonly committed: Effect.Effect<void>
}

/** The time between two questions to the storage about awaited events of transactions. */
const askAgain = Schedule.union(Schedule.exponential("20 millis"), Schedule.spaced("500 millis"))

/** The most events that are looked up at a time. */
const maxWatched = 20

export const make = ({ clientId, outstanding, reports, settlements, storage }: Dependencies): Reconcile => {
  /** Counts stored events, unless this client is settling some: their own settlement reports those. */
  const ifCertain = (
    count: Effect.Effect<boolean, StorageError>,
    onSettled: () => void
  ): Effect.Effect<void, StorageError> =>
    Effect.suspend(() => {
      const before = settlements.acknowledgements()
      if (before.areUnderWay) return Effect.void
      return Effect.map(count, (isSettled) => {
        const after = settlements.acknowledgements()
        if (isSettled && !after.areUnderWay && after.count === before.count) onSettled()
      })
    })

  const count = (upTo: number) => Effect.suspend(() => storage.count({ clientId, upTo }))

  const watched = (sequence: number): Effect.Effect<void, StorageError> =>
    outstanding.isAppending(sequence)
      ? Effect.void
      : ifCertain(
        Effect.zipWith(count(sequence), count(sequence - 1), (upTo, before) => upTo === before),
        () => {
          reports.unreported(sequence, "Elsewhere")
          outstanding.settled([{ clientId, sequence }])
        }
      )

  const awaited = (upTo: number): Effect.Effect<void, StorageError> =>
    ifCertain(Effect.map(count(upTo), (stored) => stored === 0), () => outstanding.settledElsewhere(upTo))

  /**
   * With no event in the storage up to `upTo` the commits are known: an event that left was leased, and is counted as
   * open.
   */
  const uncertain = Effect.suspend(() => {
    const upTo = outstanding.uncertainUpTo()
    return upTo === undefined ? Effect.void : Effect.matchCauseEffect(count(upTo), {
      onFailure: (cause) =>
        Effect.sync(() => {
          const isInside = Option.exists(Cause.failureOption(cause), ({ operation }) => operation === "transaction")
          if (isInside) outstanding.certain(upTo)
        }),
      onSuccess: (stored) =>
        Effect.sync(() => {
          if (stored === 0) outstanding.certain(upTo)
        })
    })
  })

  return {
    settledByOthers: Effect.suspend(() =>
      Effect.zipRight(
        Effect.forEach(outstanding.awaited(), awaited, { discard: true }),
        Effect.forEach(reports.watched().slice(0, maxWatched), watched, { discard: true })
      )
    ).pipe(Effect.catchAllCause(() => Effect.void)),
    committed: Effect.asVoid(
      Effect.repeat(uncertain, { schedule: askAgain, while: () => outstanding.uncertainUpTo() !== undefined })
    )
  }
}

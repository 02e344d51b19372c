/**
 * Several clients can share a storage, and settle events of each other. Whoever waits for an event is told that it was
 * settled elsewhere, once the storage no longer holds it.
 */
import * as Effect from "effect/Effect"
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

/** The most events that are looked for at a time. */
const maxWatched = 20

export const make = ({ clientId, outstanding, reports, settlements, storage }: Dependencies): Effect.Effect<void> => {
  /** Counts events, unless this client is just settling some: those are told by their own answers. */
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

  return Effect.suspend(() =>
    Effect.zipRight(
      Effect.forEach(outstanding.awaited(), awaited, { discard: true }),
      Effect.forEach(reports.watched().slice(0, maxWatched), watched, { discard: true })
    )
  ).pipe(Effect.catchAllCause(() => Effect.void))
}

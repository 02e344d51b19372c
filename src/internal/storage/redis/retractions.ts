/**
 * Removes the events of failed appends, whose callers have an error, when Redis answers again: before anything is leased, or
 * after the next append of a client that only stores. A caller can append them again, which waits for the removal.
 */
import * as Effect from "effect/Effect"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { RetractedEvents } from "../retracted.js"
import { encodeLane } from "../sql/rows.js"
import { encodeClient, shardOf } from "./events.js"
import * as Scripts from "./scripts/index.js"
import type { Server } from "./server.js"
import { run } from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

export interface Retractions {
  readonly add: (events: ReadonlyArray<EncodedEvent>) => void
  readonly areNone: () => boolean
  /** Whether one of the events waits for its removal, which would remove what is appended now. */
  readonly hold: (events: ReadonlyArray<EncodedEvent>) => boolean
  /** Removes the events, one call at a time. */
  readonly carryOut: Effect.Effect<void, StorageError>
}

export const make = (server: Server): Retractions => {
  const retracted = new RetractedEvents()
  const turn = Effect.unsafeMakeSemaphore(1)
  return {
    add: (events) => retracted.add(events),
    areNone: () => retracted.isEmpty,
    hold: (events) => retracted.hasSome(events),
    carryOut: turn.withPermits(1)(Effect.suspend(() => {
      if (retracted.isEmpty) return Effect.void
      const events = retracted.all()
      return Effect.map(
        Effect.forEach(server.shards, (_, shard) => {
          const args = events.flatMap(({ clientId, lane, sequence }) => {
            const stored = encodeLane(lane)
            return shardOf(stored, server.shards.length) === shard ? [encodeClient(clientId), sequence, stored] : []
          })
          return args.length === 0 ? Effect.void : Effect.asVoid(run(server, "lease", shard, Scripts.retract, args))
        }, { discard: true }),
        () => retracted.forget(events)
      )
    }))
  }
}

/**
 * The events of failed appends that may be stored all the same, because the connection broke before the answer. Their
 * callers have an error. The events are removed when Redis answers again: before anything is leased, or after the next append of
 * a client that only stores. A caller can append them again, which waits for the removal.
 */
import * as Effect from "effect/Effect"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { identityOf } from "../identity.js"
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

/** The fields of an event that are needed to remove it. */
interface Retracted {
  readonly client: string
  readonly sequence: number
  readonly lane: string
}

/** The most events that are remembered. */
const capacity = 10_000

export const make = (server: Server): Retractions => {
  /** The events by their identity. */
  const pending = new Map<string, Retracted>()
  const turn = Effect.unsafeMakeSemaphore(1)
  return {
    add: (events) => {
      for (const event of events) {
        pending.set(identityOf(event), {
          client: encodeClient(event.clientId),
          sequence: event.sequence,
          lane: encodeLane(event.lane)
        })
        if (pending.size > capacity) pending.delete(pending.keys().next().value!)
      }
    },
    areNone: () => pending.size === 0,
    hold: (events) => pending.size > 0 && events.some((event) => pending.has(identityOf(event))),
    carryOut: turn.withPermits(1)(Effect.suspend(() => {
      if (pending.size === 0) return Effect.void
      const carriedOut = new Map(pending)
      return Effect.map(
        Effect.forEach(server.shards, (_, shard) => {
          const args = [...carriedOut.values()]
            .filter(({ lane }) => shardOf(lane, server.shards.length) === shard)
            .flatMap(({ client, lane, sequence }) => [client, sequence, lane])
          return args.length === 0 ? Effect.void : Effect.asVoid(run(server, "lease", shard, Scripts.retract, args))
        }, { discard: true }),
        () => {
          for (const [identity, retracted] of carriedOut) {
            if (pending.get(identity) === retracted) pending.delete(identity)
          }
        }
      )
    }))
  }
}

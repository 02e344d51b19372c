/**
 * The events of failed appends that may be stored all the same, because the connection broke before the answer. Their
 * callers have an error. The events are removed when Redis answers again: before anything is leased, or after the next append of
 * a client that only stores.
 */
import * as Effect from "effect/Effect"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import { encodeLane } from "../sql/rows.js"
import { encodeClient, shardOf } from "./events.js"
import * as Scripts from "./scripts/index.js"
import type { Server } from "./server.js"
import { run } from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

export interface Retractions {
  readonly add: (events: ReadonlyArray<EncodedEvent>) => void
  readonly areNone: () => boolean
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
  let pending: ReadonlyArray<Retracted> = []
  return {
    add: (events) => {
      const added = events.map(({ clientId, lane, sequence }) => ({
        client: encodeClient(clientId),
        sequence,
        lane: encodeLane(lane)
      }))
      pending = [...pending, ...added].slice(-capacity)
    },
    areNone: () => pending.length === 0,
    carryOut: Effect.suspend(() => {
      if (pending.length === 0) return Effect.void
      const carriedOut = pending
      return Effect.map(
        Effect.forEach(server.shards, (_, shard) => {
          const args = carriedOut
            .filter(({ lane }) => shardOf(lane, server.shards.length) === shard)
            .flatMap(({ client, lane, sequence }) => [client, sequence, lane])
          return args.length === 0 ? Effect.void : Effect.asVoid(run(server, "lease", shard, Scripts.retract, args))
        }, { discard: true }),
        () => {
          const gone = new Set(carriedOut)
          pending = pending.filter((retracted) => !gone.has(retracted))
        }
      )
    })
  }
}

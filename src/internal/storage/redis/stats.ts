/** Reads the statistics of the storage, and sets its metrics. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { StorageError } from "../../../AmplitudeError.js"
import type { RedisEventStorage } from "../../../RedisEventStorage.js"
import * as Gauges from "../gauges.js"
import { decodeLane } from "../sql/rows.js"
import { textOf } from "./events.js"
import * as Scripts from "./scripts/index.js"
import type { Reply, Server } from "./server.js"
import { run } from "./server.js"
import { onAll, sum } from "./storage.js"

const maxLanes = 10

/** The lanes that one script reads: Redis runs nothing else meanwhile. */
const page = 1000

export const make = (server: Server): Effect.Effect<RedisEventStorage.Stats, StorageError> =>
  server.within("stats", "30 seconds")(Effect.zipWith(
    onAll(server, "stats", Scripts.stats, []),
    Effect.forEach(server.shards, (_, shard) => largestLanes(server, shard), { concurrency: "unbounded" }),
    (replies, lanes): RedisEventStorage.Stats => {
      const numbers = replies as ReadonlyArray<readonly [number, number, number, number]>
      const leased = sum(numbers.map(([, leased]) => leased))
      const paused = sum(numbers.map(([, , paused]) => paused))
      return {
        waiting: Math.max(0, sum(numbers.map(([total]) => total)) - leased - paused),
        leased,
        paused,
        oldestAge: Duration.millis(Math.max(0, ...numbers.map(([, , , age]) => age))),
        largestLanes: largest(lanes.flat())
      }
    }
  )).pipe(Effect.tap(Gauges.set))

type Lane = RedisEventStorage.Stats["largestLanes"][number]

const largest = (lanes: ReadonlyArray<Lane>): ReadonlyArray<Lane> =>
  lanes
    .toSorted((one, other) => other.events - one.events || (one.lane < other.lane ? -1 : 1))
    .slice(0, maxLanes)

/** The largest lanes of a shard. */
const largestLanes = (server: Server, shard: number): Effect.Effect<ReadonlyArray<Lane>, StorageError> =>
  Effect.gen(function*() {
    const counts = new Map<string, number>()
    const add = (lanes: ReadonlyArray<readonly [lane: string, events: number]>) => {
      for (const [lane, events] of lanes) counts.set(lane, (counts.get(lane) ?? 0) + events)
    }
    add(lanesOf(yield* run(server, "stats", shard, Scripts.lanes, ["leased"])))
    for (const kind of ["parked", "fresh"]) {
      for (let first = 0;; first += page) {
        const lanes = lanesOf(yield* run(server, "stats", shard, Scripts.lanes, [kind, first, first + page - 1]))
        if (lanes.length === 0) break
        add(lanes)
      }
    }
    return largest(Array.from(counts, ([lane, events]) => ({ lane: decodeLane(lane), events })))
  })

/** Lanes as they are stored. */
const lanesOf = (reply: Reply): ReadonlyArray<readonly [lane: string, events: number]> => {
  const fields = reply as ReadonlyArray<Reply>
  return Array.from(
    { length: fields.length / 2 },
    (_, index) => [textOf(fields[index * 2]!), Number(textOf(fields[index * 2 + 1]!))]
  )
}

/** The storage over Redis. Each operation has its own module. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import * as Gauges from "../gauges.js"
import * as Groups from "../groups.js"
import * as Watch from "../watch.js"
import * as Appends from "./appends.js"
import { droppedOf, encodeClient, fieldsOfDropped, textOf } from "./events.js"
import * as Leases from "./leases.js"
import * as Retractions from "./retractions.js"
import * as Scripts from "./scripts/index.js"
import type { Argument, Reply, Script, Server } from "./server.js"
import { run } from "./server.js"

export interface Options {
  /** In milliseconds. */
  readonly pollInterval: number
  /** In milliseconds. */
  readonly leaseDuration: number
  readonly deadLetters: boolean
}

const limit = "30 seconds"

export const make = (
  server: Server,
  options: Options
): Effect.Effect<EventStorage.Service, never, Scope.Scope> =>
  Effect.gen(function*() {
    const retractions = Retractions.make(server)
    const watch = Watch.make(
      Effect.map(server.within("changes", limit)(onAll(server, "changes", Scripts.watch, [])), (replies) => {
        const answers = replies as ReadonlyArray<readonly [state: Reply, due: Reply, age: number]>
        return {
          state: answers.map(([state]) => textOf(state)).join(),
          isDue: answers.some(([, due]) => due === 1),
          age: Math.max(...answers.map(([, , age]) => age))
        }
      }).pipe(Effect.tap(({ age }) => Gauges.setOldestAge(age))),
      options.pollInterval
    )
    return {
      append: yield* Groups.make(Appends.make(server, retractions, options.deadLetters)),
      lease: Leases.make(server, {
        duration: options.leaseDuration,
        deadLetters: options.deadLetters,
        retractions
      }),
      evict: (evictOptions) => evict(server, options.deadLetters, evictOptions),
      count: (of) =>
        server.within("count", limit)(Effect.map(
          countsOf(server, of === undefined ? [] : [encodeClient(of.clientId), of.upTo]),
          sum
        )),
      changes: watch.changes,
      durability: "shared"
    }
  })

/** Runs a script on all shards. */
export const onAll = (
  server: Server,
  operation: string,
  script: Script,
  args: ReadonlyArray<Argument>
): Effect.Effect<ReadonlyArray<Reply>, StorageError> =>
  Effect.forEach(server.shards, (_, shard) => run(server, operation, shard, script, args), {
    concurrency: "unbounded"
  })

export const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, number) => sum + number, 0)

const countsOf = (server: Server, args: ReadonlyArray<Argument>) =>
  onAll(server, "count", Scripts.count, args) as Effect.Effect<ReadonlyArray<number>, StorageError>

/** The most events that one script drops: Redis runs nothing else meanwhile. */
const mostDropped = 1000

const evict = (
  server: Server,
  deadLetters: boolean,
  { from, keep }: EventStorage.EvictOptions
): Effect.Effect<ReadonlyArray<EventStorage.EncodedEvent>, StorageError> => {
  const shards = server.shards.length
  const dropFrom = (shard: number, keep: number) =>
    Effect.suspend(() => {
      const dropped: Array<EventStorage.EncodedEvent> = []
      const args = [shard, deadLetters ? shards : 0, keep, from, mostDropped]
      const isDone = Effect.map(
        server.within("evict", limit)(run(server, "evict", shard, Scripts.evict, args)),
        (reply) => {
          for (const event of droppedOf(reply)) dropped.push(event)
          return (reply as ReadonlyArray<Reply>).length < mostDropped * fieldsOfDropped
        }
      )
      return Effect.repeat(isDone, { until: (isDone) => isDone }).pipe(
        // the caller reports the events that are gone
        Effect.catchAll((error) => dropped.length > 0 ? Effect.void : Effect.fail(error)),
        Effect.as<ReadonlyArray<EventStorage.EncodedEvent>>(dropped)
      )
    })
  return shards === 1 ? dropFrom(0, keep) : Effect.flatMap(
    server.within("evict", limit)(countsOf(server, [])),
    (counts) =>
      Effect.map(
        Effect.forEach(levelled(counts, keep), (keep, shard) => dropFrom(shard, keep), { concurrency: "unbounded" }),
        (dropped) => dropped.flat()
      )
  )
}

/** The number of events to keep in each shard, so that `keep` are left in all. Fuller shards lose more. */
export const levelled = (counts: ReadonlyArray<number>, keep: number): ReadonlyArray<number> => {
  const places = counts.map((_, place) => place).sort((one, other) => counts[one]! - counts[other]!)
  const kept = [...counts]
  let left = keep
  for (const [index, place] of places.entries()) {
    kept[place] = Math.min(counts[place]!, Math.floor(left / (places.length - index)))
    left -= kept[place]
  }
  return kept
}

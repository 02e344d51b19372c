/**
 * Appends in groups: each is one script on each shard, in which the room of every call is decided.
 *
 * A call whose events belong to several shards is all or none as well: where one shard has no room, what the others took is
 * taken back.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import type { Appending } from "../groups.js"
import { encodeLane } from "../sql/rows.js"
import { argumentsOf, encodeClient, eventsOf, shardOf, storedOf } from "./events.js"
import type { Retractions } from "./retractions.js"
import * as Scripts from "./scripts/index.js"
import type { Argument, Reply, Server } from "./server.js"
import { run, within } from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

/** The longest that a caller waits for Redis. */
const limit = "5 seconds"

const refused: EventStorage.AppendResult = { _tag: "Refused" }
const accepted: EventStorage.AppendResult = { _tag: "Accepted", evicted: [] }

/** The events of a call that belong to one shard. */
interface Part {
  readonly appending: Appending
  readonly events: ReadonlyArray<EncodedEvent>
}

/** What became of a part: undefined where it was refused, or else what was dropped for it. */
type Outcome = ReadonlyArray<EncodedEvent> | undefined

/** How many events a shard may hold, so that all of them together keep to a capacity. */
export const shareOf = (capacity: number, shard: number, shards: number): number =>
  Math.floor(capacity / shards) + (shard < capacity % shards ? 1 : 0)

export const make = (
  server: Server,
  retractions: Retractions,
  deadLetters: boolean
): (group: ReadonlyArray<Appending>) => Effect.Effect<void> => {
  const shards = server.shards.length

  const appendTo = (shard: number, parts: ReadonlyArray<Part>): Effect.Effect<ReadonlyArray<Outcome>, StorageError> =>
    Effect.map(
      run(server, "append", shard, Scripts.append, [
        ...[shard, deadLetters ? shards : 0],
        ...parts.flatMap(({ appending: { options }, events }): ReadonlyArray<Argument> => [
          shareOf(options.capacity, shard, shards),
          options.whenFull,
          encodeClient(events[0]!.clientId),
          events.length,
          ...events.flatMap(argumentsOf)
        ])
      ]),
      (reply) =>
        (reply as ReadonlyArray<Reply>).map((answer) => answer === 0 ? undefined : eventsOf(storedOf(answer, 0, 3)))
    )

  return (group) => {
    const parts = server.shards.map((_, shard) => partsOf(group, shard, shards))
    return Effect.forEach(
      parts,
      (parts, shard) =>
        parts.length === 0
          ? Effect.succeed(Exit.succeed<ReadonlyArray<Outcome>>([]))
          : Effect.exit(within("append", limit)(appendTo(shard, parts))),
      { concurrency: "unbounded" }
    ).pipe(
      Effect.flatMap((exits) => {
        const results = group.map((appending) => resultOf(appending, parts, exits))
        group.forEach((appending, place) => {
          const result = results[place]!
          if (Exit.isFailure(result) || result.value._tag === "Refused") {
            retractions.add(storedBy(appending, parts, exits))
          }
        })
        // what a refused call had stored is taken back before the caller is told
        return Effect.zipRight(
          Effect.ignore(within("append", limit)(retractions.carryOut)),
          Effect.sync(() => group.forEach(({ resume }, place) => resume(results[place]!)))
        )
      })
    )
  }
}

const partsOf = (group: ReadonlyArray<Appending>, shard: number, shards: number): ReadonlyArray<Part> =>
  group.flatMap((appending) => {
    const events = appending.events.filter(({ lane }) => shardOf(encodeLane(lane), shards) === shard)
    return events.length === 0 ? [] : [{ appending, events }]
  })

type Exits = ReadonlyArray<Exit.Exit<ReadonlyArray<Outcome>, StorageError>>

/** The result of a call: that of its parts. */
const resultOf = (
  appending: Appending,
  parts: ReadonlyArray<ReadonlyArray<Part>>,
  exits: Exits
): Exit.Exit<EventStorage.AppendResult, StorageError> => {
  const evicted: Array<EncodedEvent> = []
  let isRefused = false
  for (const [shard, exit] of exits.entries()) {
    const place = parts[shard]!.findIndex((part) => part.appending === appending)
    if (place < 0) continue
    if (Exit.isFailure(exit)) return Exit.failCause(exit.cause)
    const outcome = exit.value[place]
    if (outcome === undefined) isRefused = true
    else evicted.push(...outcome)
  }
  return Exit.succeed(isRefused ? refused : evicted.length === 0 ? accepted : { _tag: "Accepted", evicted })
}

/** The events of a call that may be stored. */
const storedBy = (
  appending: Appending,
  parts: ReadonlyArray<ReadonlyArray<Part>>,
  exits: Exits
): ReadonlyArray<EncodedEvent> =>
  exits.flatMap((exit, shard) => {
    const place = parts[shard]!.findIndex((part) => part.appending === appending)
    if (place < 0 || (Exit.isSuccess(exit) && exit.value[place] === undefined)) return []
    return parts[shard]![place]!.events
  })

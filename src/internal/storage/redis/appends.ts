/**
 * Appends events in groups. A group is one script on each shard, which decides for each call whether there is room.
 *
 * A call with events of several shards or clients also stores all of its events or none. If one part has no room, the
 * events of the other parts are removed.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { StorageError } from "../../../AmplitudeError.js"
import type { EventStorage } from "../../../EventStorage.js"
import type { Appending } from "../groups.js"
import { encodeLane } from "../sql/rows.js"
import { droppedOf, encodeClient, fieldsOf, jsonOf, shardOf } from "./events.js"
import type { Retractions } from "./retractions.js"
import * as Scripts from "./scripts/index.js"
import type { Reply } from "./server.js"
import * as Server from "./server.js"

type EncodedEvent = EventStorage.EncodedEvent

/** The longest that a caller waits for Redis. */
const limit = "5 seconds"

type Result = Exit.Exit<EventStorage.AppendResult, StorageError>

const refused: Result = Exit.succeed({ _tag: "Refused" })
const accepted: Result = Exit.succeed({ _tag: "Accepted", evicted: [] })

const nothing: ReadonlyArray<EncodedEvent> = []

/** The result of a call on one shard: the events that were dropped for it, or a refusal. */
type Outcome = ReadonlyArray<EncodedEvent> | "Refused"

/** Events of a call that belong to one shard and one client, and follow each other on the shard. */
interface Part {
  readonly shard: number
  readonly events: ReadonlyArray<EncodedEvent>
  readonly options: EventStorage.AppendOptions
  outcome: Outcome | Exit.Exit<never, StorageError>
}

interface Call {
  readonly appending: Appending
  readonly parts: ReadonlyArray<Part>
}

/** The most events of a shard, so that all shards together hold at most the capacity. */
export const shareOf = (capacity: number, shard: number, shards: number): number =>
  Math.floor(capacity / shards) + (shard < capacity % shards ? 1 : 0)

export const make = (
  server: Server.Server,
  retractions: Retractions,
  deadLetters: boolean
): (group: ReadonlyArray<Appending>) => Effect.Effect<void> => {
  const shards = server.shards.length

  /** Sends the parts of a shard. The effect waits for their results. */
  const unsafeStart = (parts: ReadonlyArray<Part>, shard: number): Effect.Effect<void> => {
    if (parts.length === 0) return Effect.void
    const answer = Server.unsafeStart(server, "append", shard, Scripts.append, [
      shard,
      deadLetters ? shards : 0,
      JSON.stringify(parts.map(({ events, options }) => {
        const client = encodeClient(events[0]!.clientId)
        return [
          shareOf(options.capacity, shard, shards),
          options.whenFull,
          client,
          ...events.flatMap((event) => fieldsOf(event, client))
        ]
      })),
      ...parts.flatMap(({ events }) => events.map(jsonOf))
    ])
    return Effect.map(Effect.exit(server.within("append", limit)(answer)), (exit) => {
      parts.forEach((part, place) => {
        part.outcome = Exit.isFailure(exit)
          ? Exit.failCause(exit.cause)
          : outcomeOf((exit.value as ReadonlyArray<Reply>)[place]!)
      })
    })
  }

  const store = (group: ReadonlyArray<Appending>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const calls = group.map((appending): Call => ({ appending, parts: partsOf(appending, shards) }))
      const parts = calls.flatMap(({ parts }) => parts)
      const answers = server.shards.map((_, shard) => unsafeStart(parts.filter((part) => part.shard === shard), shard))
      return Effect.flatMap(Effect.all(answers, { concurrency: "unbounded", discard: true }), () => {
        const results = calls.map(resultOf)
        const failed = calls.filter((_, place) => results[place] === refused || Exit.isFailure(results[place]!))
        const stored = failed.flatMap(storedBy)
        if (stored.length > 0) retractions.add(stored)
        const tell = Effect.sync(() => calls.forEach(({ appending }, place) => appending.end(results[place]!)))
        if (retractions.areNone()) return tell
        const carryOut = Effect.ignore(server.within("append", limit)(retractions.carryOut))
        // the stored events of a refused call are removed before its caller resumes
        if (results.includes(refused)) return Effect.zipRight(carryOut, tell)
        // a server that does not answer is not asked again, so that the next callers do not wait for it
        return parts.some(({ outcome }) => !Exit.isExit(outcome)) ? Effect.zipRight(tell, carryOut) : tell
      })
    })

  return (group) =>
    !group.some(({ events }) => retractions.hold(events))
      ? store(group)
      : Effect.matchCauseEffect(server.within("append", limit)(retractions.carryOut), {
        onFailure: (cause) => Effect.sync(() => group.forEach((appending) => appending.end(Exit.failCause(cause)))),
        onSuccess: () => store(group)
      })
}

const partsOf = ({ events, options }: Appending, shards: number): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  /** The events of the last part of each shard. */
  const last = new Map<number, Array<EncodedEvent>>()
  for (const event of events) {
    const shard = shardOf(encodeLane(event.lane), shards)
    const others = last.get(shard)
    if (others !== undefined && others[0]!.clientId === event.clientId) others.push(event)
    else {
      const added = [event]
      last.set(shard, added)
      parts.push({ shard, events: added, options, outcome: nothing })
    }
  }
  return parts
}

const outcomeOf = (answer: Reply): Outcome =>
  answer === 0 ? "Refused" : (answer as ReadonlyArray<Reply>).length === 0 ? nothing : droppedOf(answer)

/** The result of a call from the results of its parts. */
const resultOf = ({ parts }: Call): Result => {
  const evicted: Array<EncodedEvent> = []
  let isRefused = false
  for (const { outcome } of parts) {
    if (outcome === "Refused") isRefused = true
    else if (Exit.isExit(outcome)) return outcome
    else for (const event of outcome) evicted.push(event)
  }
  if (isRefused) return refused
  return evicted.length === 0 ? accepted : Exit.succeed({ _tag: "Accepted", evicted })
}

/** The events of a call that may be stored. */
const storedBy = ({ parts }: Call): ReadonlyArray<EncodedEvent> =>
  parts.flatMap(({ events, outcome }) => outcome === "Refused" ? [] : events)

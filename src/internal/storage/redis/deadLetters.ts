/** The dead letters: events that were dropped. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { StorageError } from "../../../AmplitudeError.js"
import type { RedisEventStorage } from "../../../RedisEventStorage.js"
import { decode } from "../../event/utf8.js"
import * as Checked from "../deadLetters.js"
import { decodeLane } from "../sql/rows.js"
import { textOf } from "./events.js"
import * as Scripts from "./scripts/index.js"
import type { Argument, Reply, Script, Server } from "./server.js"
import { onAll, sum } from "./storage.js"

export const make = (server: Server, isKept: boolean): RedisEventStorage.DeadLetters => {
  // the client of events that are sent again: nothing waits for them, and no other storage has such events
  const client = `dead-letters-${globalThis.crypto.randomUUID()}`
  const ask = (script: Script, args: ReadonlyArray<Argument>): Effect.Effect<ReadonlyArray<Reply>, StorageError> =>
    isKept
      ? server.within("deadLetters", "30 seconds")(onAll(server, "deadLetters", script, args))
      : Effect.fail(
        new StorageError({
          operation: "deadLetters",
          message: "deadLetters: expected the layer's option `deadLetters: true`"
        })
      )
  const count = (script: Script, args: ReadonlyArray<Argument>) =>
    Effect.map(ask(script, args), (replies) => sum(replies as ReadonlyArray<number>))
  return {
    list: (options) =>
      Effect.flatMap(
        Checked.list(options),
        ({ after, limit }) =>
          Effect.map(ask(Scripts.deadLetters, [after, limit]), (replies) =>
            replies
              .flatMap((reply) => lettersOf(reply as ReadonlyArray<Uint8Array>))
              .sort((one, other) => one.id - other.id)
              .slice(0, limit))
      ),
    sendAgain: (ids) => Effect.flatMap(Checked.ids(ids), (ids) => count(Scripts.sendAgain, [client, ...ids])),
    purge: (options) =>
      Effect.flatMap(
        Checked.purge(options),
        (checked) => count(Scripts.purge, "ids" in checked ? ["ids", ...checked.ids] : ["older", checked.olderThan])
      )
  }
}

const lettersOf = (fields: ReadonlyArray<Uint8Array>): ReadonlyArray<RedisEventStorage.DeadLetter> =>
  Array.from({ length: fields.length / 2 }, (_, index) => letterOf(textOf(fields[index * 2]!), fields[index * 2 + 1]!))

/** `dropped code attempts length-of-lane length-of-reason length-of-message`, the three, and the JSON. */
const letterOf = (id: string, letter: Uint8Array): RedisEventStorage.DeadLetter => {
  let at = 0
  const number = () => {
    const start = at
    at = letter.indexOf(space, start) + 1
    return Number(decode(letter.subarray(start, at - 1)))
  }
  const text = (length: number) => {
    at += length
    return decode(letter.subarray(at - length, at))
  }
  const [droppedAt, code, attempts] = [number(), number(), number()]
  const [lane, reason, message] = [number(), number(), number()]
  return {
    id: Number(id),
    lane: decodeLane(text(lane)),
    reason: text(reason),
    code,
    message: text(message),
    json: text(letter.length - at),
    attempts,
    droppedAt
  }
}

const space = " ".charCodeAt(0)

const Tag = Context.GenericTag<RedisEventStorage, RedisEventStorage.Service>("effect-amplitude/RedisEventStorage")

export const accessors: RedisEventStorage.DeadLetters<RedisEventStorage> = {
  list: (options) => Effect.flatMap(Tag, ({ deadLetters }) => deadLetters.list(options)),
  sendAgain: (ids) => Effect.flatMap(Tag, ({ deadLetters }) => deadLetters.sendAgain(ids)),
  purge: (options) => Effect.flatMap(Tag, ({ deadLetters }) => deadLetters.purge(options))
}

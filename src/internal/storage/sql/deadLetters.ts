/** The dead letters: events that were dropped. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { StorageError } from "../../../AmplitudeError.js"
import type { SqlEventStorage } from "../../../SqlEventStorage.js"
import * as Checked from "../deadLetters.js"
import type { Database } from "./database.js"
import { run, transaction } from "./database.js"
import { decodeLane } from "./rows.js"

const limit = "30 seconds"

/** Databases take whole numbers, and times of some thousand years. Nothing is older than a century. */
const century = 100 * 366 * 86_400_000

const wholeMillis = (millis: number): number => Math.min(century, Math.ceil(millis))

export const make = (database: Database, isKept: boolean): SqlEventStorage.DeadLetters => {
  // the client of events that are sent again: nothing waits for them, and no other storage has such events
  const client = `dead-letters-${globalThis.crypto.randomUUID()}`
  const { dialect } = database
  const bounded = <A>(effect: Effect.Effect<A, StorageError>): Effect.Effect<A, StorageError> =>
    isKept
      ? database.within("deadLetters", limit)(effect)
      : Effect.fail(
        new StorageError({
          operation: "deadLetters",
          message: "deadLetters: expected the layer's option `deadLetters: true`"
        })
      )
  return {
    list: (options) =>
      bounded(Effect.map(
        Effect.flatMap(Checked.list(options), (checked) =>
          run(database, "deadLetters", (sql, tables) => dialect.deadLetters(sql, tables, checked))),
        (rows) =>
          rows.map((row) => ({
            id: Number(row.id),
            reason: row.reason,
            code: row.code,
            message: row.message,
            json: row.json,
            lane: decodeLane(row.lane),
            attempts: row.attempts,
            droppedAt: Number(row.dropped)
          }))
      )),
    sendAgain: (ids) =>
      bounded(
        Effect.flatMap(Checked.ids(ids), (checked) =>
          transaction(database, "deadLetters", (sql, tables) =>
            dialect.sendAgain(sql, tables, checked, client)))
      ),
    purge: (options) =>
      bounded(
        Effect.flatMap(Checked.purge(options), (checked) =>
          transaction(database, "deadLetters", (sql, tables) =>
            dialect.purge(sql, tables, "ids" in checked ? checked : { olderThan: wholeMillis(checked.olderThan) })))
      )
  }
}

const Tag = Context.GenericTag<SqlEventStorage, SqlEventStorage.Service>("effect-amplitude/SqlEventStorage")

export const accessors: SqlEventStorage.DeadLetters<SqlEventStorage> = {
  list: (options) => Effect.flatMap(Tag, ({ deadLetters }) => deadLetters.list(options)),
  sendAgain: (ids) => Effect.flatMap(Tag, ({ deadLetters }) => deadLetters.sendAgain(ids)),
  purge: (options) => Effect.flatMap(Tag, ({ deadLetters }) => deadLetters.purge(options))
}

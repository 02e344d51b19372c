/** Creates the tables, and checks that they can be used when the layer is built. */
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { StorageError } from "../../../AmplitudeError.js"
import { encode } from "../../event/utf8.js"
import { ReadEvent } from "../readEvent.js"
import type { Database } from "./database.js"
import { isMissing, run as statement, transaction } from "./database.js"
import type { Dialect, LeaseRequest } from "./dialect.js"
import { tablesOf } from "./dialect.js"
import { rowOf } from "./rows.js"

/** A name with optional schemas. Other names add a suffix to it, and databases take 63 characters. */
export const isName = (table: string): boolean =>
  /^(?:[A-Za-z_][A-Za-z0-9_]{0,62}\.){0,2}[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(table)

export const textOf = (dialect: Dialect, quote: string, hasIndexSchema: boolean, table: string): string => {
  const tables = tablesOf(table, quote, hasIndexSchema)
  return [...dialect.ddl(tables), ...dialect.deadLettersDdl(tables)].map((text) => `${text};\n`).join("")
}

export const run = (
  database: Database,
  { deadLetters, migrate }: { readonly migrate: boolean; readonly deadLetters: boolean }
): Effect.Effect<void, StorageError> => {
  const { dialect, tables } = database
  const create = transaction(
    database,
    "migrate",
    (sql) =>
      Effect.flatMap(dialect.lockMigration(sql, tables), (areThere) =>
        Effect.forEach(
          [...(areThere ? [] : dialect.ddl(tables)), ...(deadLetters ? dialect.deadLettersDdl(tables) : [])],
          (text) => sql.execute(text),
          { discard: true }
        ))
  )
  // existing tables are not created, so that no lock on them is needed, and no right to create tables
  const createIfMissing = Effect.catchAll(probe(database, deadLetters), (error) =>
    Effect.zipRight(
      Effect.mapError(create, (createError) => isMissing(error) ? createError : error),
      probe(database, deadLetters)
    ))
  return Effect.zipRight(
    statement(database, "migrate", dialect.prepare),
    migrate ? createIfMissing : probe(database, deadLetters)
  )
}

/** Runs the statements of the storage once, in a transaction that is rolled back. */
const probe = (database: Database, deadLetters: boolean): Effect.Effect<void, StorageError> => {
  const { dialect } = database
  const row = rowOf(new ReadEvent("probe", 0, "probe", encode("{}"), 0, 2, 0, 0))
  let isDone = false
  const dropped = { reason: "probe", code: 0, message: "" }
  const request: LeaseRequest = {
    token: "probe",
    client: "probe",
    maxEvents: 1,
    maxBytes: 1,
    includePaused: false,
    duration: 0,
    from: 0,
    // only some leases ask, and the user needs another privilege for it
    asksState: true,
    isAlone: false
  }
  return transaction(database, "migrate", (sql, tables) =>
    Effect.gen(function*() {
      yield* dialect.lock(sql, tables)
      yield* dialect.insert(sql, tables, [row])
      yield* dialect.countOf(sql, tables, row.client, 0)
      yield* dialect.watch(sql, tables, 0)
      yield* dialect.lease(sql, tables, request)
      yield* dialect.evict(sql, tables, { keep: Number.MAX_SAFE_INTEGER, from: "oldest" })
      yield* dialect.release(sql, tables, [0], { pause: 0, attempts: 0, retries: 0 })
      yield* dialect.remove(sql, tables, [0])
      yield* dialect.renew(sql, tables, "probe", 0)
      yield* dialect.giveBack(sql, tables, "probe")
      if (deadLetters) yield* dialect.bury(sql, tables, [row], dropped)
      isDone = true
      return yield* new SqlError({ cause: undefined, message: "rolled back" })
    })).pipe(
      Effect.catchAll((error) => isDone ? Effect.void : Effect.fail(error))
    )
}

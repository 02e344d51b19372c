/**
 * Runs the statements of a dialect with the client of the user, and converts failures into `StorageError`.
 *
 * Statements do not run in the fiber of the caller, so that they are outside of its transaction and have no spans in
 * the user's traces. The only exception is an append inside the caller's transaction.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import type { SqlError } from "@effect/sql/SqlError"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { StorageError } from "../../../AmplitudeError.js"
import * as Within from "../within.js"
import type { Dialect, Sql, Tables } from "./dialect.js"
import { connectionsIn } from "./transactions.js"

/** The dependencies of all operations. */
export interface Database {
  readonly client: SqlClient
  /** The client as the dialect uses it. */
  readonly sql: Sql
  /** Runs a text that the client prepares. */
  readonly prepared: <A>(text: string, run: (text: string) => Effect.Effect<A, SqlError>) => Effect.Effect<A, SqlError>
  readonly dialect: Dialect
  readonly tables: Tables
  readonly within: Within.Within
}

/**
 * The number of statements that a client could not prepare. @effect/sql-sqlite-node caches such a failure for ten
 * minutes. A comment with this number makes another statement, so that the next call finds a table that exists again.
 */
const failures = new WeakMap<SqlClient, number>()

const onTimeout = "the database did not answer in time. " +
  "Look at its load, at locks on the outbox, and at the size of the client's pool"

export const make = (
  client: SqlClient,
  dialect: Dialect,
  tables: Tables
): Effect.Effect<Database, never, Scope.Scope> => {
  const prepared: Database["prepared"] = (text, run) => {
    const failed = failures.get(client) ?? 0
    return Effect.tapError(run(failed === 0 ? text : `${text} /* ${failed} */`), ({ message }) =>
      Effect.sync(() => {
        if (message.startsWith("Failed to prepare")) failures.set(client, failed + 1)
      }))
  }
  return Effect.map(Within.make(onTimeout), (within) => ({
    client,
    sql: {
      execute: (text, params) => prepared(text, (text) => client.unsafe<any>(text, params)),
      executeUnprepared: (text) => client.unsafe<any>(text).unprepared
    },
    prepared,
    dialect,
    tables,
    within
  }))
}

type Statements<A> = (sql: Sql, tables: Tables) => Effect.Effect<A, SqlError>

/** Runs one statement, or several that need no transaction. */
export const run = <A>(
  database: Database,
  operation: string,
  statements: Statements<A>
): Effect.Effect<A, StorageError> =>
  apart(database, operation, Effect.suspend(() => statements(database.sql, database.tables)))

/** Runs statements in a transaction. */
export const transaction = <A>(
  database: Database,
  operation: string,
  statements: Statements<A>
): Effect.Effect<A, StorageError> =>
  apart(
    database,
    operation,
    Effect.suspend(() =>
      database.client.withTransaction(
        Effect.contextWithEffect((context: Context.Context<never>) =>
          statements(sqlOn(database, connectionsIn(context)), database.tables)
        )
      )
    )
  )

/**
 * Runs statements on the connection of a transaction. A statement of the client would find the same connection, and would need
 * a span, a scope and a compiled text for it.
 */
const sqlOn = (database: Database, [connection]: ReadonlyArray<Connection>): Sql =>
  connection === undefined ? database.sql : {
    execute: (text, params) => database.prepared(text, (text) => connection.execute(text, params ?? [], undefined)),
    executeUnprepared: (text) => connection.executeUnprepared(text, [], undefined)
  }

/** The most retries after a transient failure, and the most time for them. */
const again = Schedule.jittered(Schedule.spaced("15 millis")).pipe(Schedule.upTo("5 seconds"))

const apart = <A>(
  { dialect }: Database,
  operation: string,
  effect: Effect.Effect<A, SqlError>
): Effect.Effect<A, StorageError> => {
  const isTransient = (error: SqlError) => dialect.isTransient.test(String(fieldOf(causeOf(error), "code") ?? ""))
  // a COMMIT that fails is a defect
  const attempt = Effect.catchAllDefect(
    effect,
    (defect) => isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect)
  )
  return attempt.pipe(
    Effect.catchIf(isTransient, () => Effect.retry(attempt, { schedule: again, while: isTransient })),
    Effect.withTracerEnabled(false),
    Effect.mapInputContext((_: Context.Context<never>) => Context.empty()),
    failsWith(operation)
  )
}

/** Converts every failure, also the one of a COMMIT, which is a defect in @effect/sql. */
export const failsWith =
  (operation: string): <A, R>(effect: Effect.Effect<A, SqlError, R>) => Effect.Effect<A, StorageError, R> => (effect) =>
    Effect.catchAllCause(effect, (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.failCause(cause as Cause.Cause<never>)
        : Effect.fail(storageError(operation, Option.getOrElse(Cause.failureOption(cause), () => Cause.squash(cause)))))

export const storageError = (operation: string, error: unknown): StorageError => {
  const cause = causeOf(error)
  const message = messageOf(cause)
  return new StorageError({
    operation,
    message: `${operation}: ${message}${Option.getOrElse(adviceFor(cause, message), () => "")}`,
    cause
  })
}

/**
 * Whether the database refused the values of a statement, so that another statement can succeed: the classes 22 (data
 * exception) and 23 (integrity constraint) of SQLSTATE, an exception that a trigger raises (45000, P0001), and SQLite's own codes.
 */
export const isOfValues = ({ cause }: StorageError): boolean =>
  /^(?:22|23|45000|P0001|SQLITE_(?:CONSTRAINT|TOOBIG|MISMATCH))/.test(
    String(fieldOf(cause, "sqlState") ?? fieldOf(cause, "code") ?? "")
  )

/** The error of the driver, which is the cause of `SqlError`. */
const causeOf = (error: unknown): unknown => isSqlError(error) ? error.cause ?? error : error

const isSqlError = Predicate.isTagged("SqlError") as (error: unknown) => error is SqlError

const fieldOf = (error: unknown, field: string): unknown =>
  typeof error === "object" && error !== null ? (error as Record<string, unknown>)[field] : undefined

const messageOf = (error: unknown): string => {
  const message = fieldOf(error, "message")
  // an AggregateError of several connection attempts has no message of its own
  const errors = fieldOf(error, "errors")
  return typeof message === "string" && message !== ""
    ? message
    : Array.isArray(errors) && errors.length > 0
    ? messageOf(errors[0])
    : String(fieldOf(error, "code") ?? "the database failed")
}

const missing = "The table is missing"

/** Whether a table is missing. */
export const isMissing = ({ message }: StorageError): boolean => message.includes(missing)

const advice: ReadonlyArray<readonly [pattern: RegExp, advice: string]> = [
  [
    /42P01|ER_NO_SUCH_TABLE|no such table/,
    `${missing}: create it with the text of \`SqlEventStorage.ddl\`, or set \`migrate: true\``
  ],
  [
    /42703|42804|ER_BAD_FIELD_ERROR|no such column|has no column named/,
    "The table has another shape than `SqlEventStorage.ddl` says: choose another `table`, or migrate it"
  ],
  [
    /42501|ER_TABLEACCESS_DENIED_ERROR|ER_DBACCESS_DENIED_ERROR|permission denied/,
    "The user needs SELECT, INSERT, UPDATE and DELETE on the tables, and CREATE where `migrate` is true"
  ],
  [
    /SQLITE_READONLY|readonly database/,
    "The database cannot be written: look at the permissions of the file and its folder"
  ],
  [
    /25006|ER_OPTION_PREVENTS_STATEMENT|ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION/,
    "The server or the session is read-only: connect to the primary"
  ],
  [
    /SQLITE_FULL|53100|disk is full|ER_RECORD_FILE_FULL|ER_DISK_FULL/,
    "The disk is full: events are refused until there is room"
  ],
  [/22021/, "The database stores texts: encode other bytes, for example what you have encrypted, as base64"],
  [/SQLITE_NOTADB|file is not a database/, "The file is not a SQLite database: choose another file"],
  [
    /SQLITE_BUSY|database is locked/,
    "Another process holds the file locked: keep transactions on it short, or give the outbox a file of its own"
  ],
  [/55P03|ER_LOCK_WAIT_TIMEOUT/, "Another transaction holds a lock on the outbox for long: look for it in the database"]
]

const adviceFor = (error: unknown, message: string): Option.Option<string> => {
  const text = `${String(fieldOf(error, "code") ?? "")} ${message}`
  return Option.map(
    Option.fromNullable(advice.find(([pattern]) => pattern.test(text))),
    ([, advice]) => `. ${advice}`
  )
}

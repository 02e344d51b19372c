/**
 * Runs the statements of a dialect with the client of the user, and turns what fails into `StorageError`.
 *
 * All but an append in the user's transaction runs apart from the fiber that asks: outside its transaction, and without spans,
 * because the traffic of this package is not the user's.
 */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import { StorageError } from "../../../AmplitudeError.js"
import type { Dialect, Sql, Tables } from "./dialect.js"

/** What the operations share. */
export interface Database {
  readonly client: SqlClient
  /** The client as the dialect uses it. */
  readonly sql: Sql
  readonly dialect: Dialect
  readonly tables: Tables
}

/**
 * How many statements a client could not prepare. @effect/sql-sqlite-node keeps such a failure for ten minutes. A comment
 * makes it another statement, so that the next call finds a table that is back.
 */
const failures = new WeakMap<SqlClient, number>()

export const make = (client: SqlClient, dialect: Dialect, tables: Tables): Database => {
  const failed = () => failures.get(client) ?? 0
  const noted = <A>(statement: Effect.Effect<A, SqlError>) =>
    Effect.tapError(statement, ({ message }) =>
      Effect.sync(() => {
        if (message.startsWith("Failed to prepare")) failures.set(client, failed() + 1)
      }))
  return {
    client,
    sql: {
      execute: (text, params) => noted(client.unsafe<any>(failed() === 0 ? text : `${text} /* ${failed()} */`, params)),
      executeUnprepared: (text) => noted(client.unsafe<any>(text).unprepared)
    },
    dialect,
    tables
  }
}

type Statements<A> = (sql: Sql, tables: Tables) => Effect.Effect<A, SqlError>

/** One statement, or several that need no transaction. */
export const run = <A>(
  database: Database,
  operation: string,
  statements: Statements<A>
): Effect.Effect<A, StorageError> =>
  apart(database, operation, Effect.suspend(() => statements(database.sql, database.tables)))

/** Statements that all happen or none does. */
export const transaction = <A>(
  database: Database,
  operation: string,
  statements: Statements<A>
): Effect.Effect<A, StorageError> =>
  apart(
    database,
    operation,
    Effect.suspend(() => database.client.withTransaction(statements(database.sql, database.tables)))
  )

/** How often what fails for a moment is done again, and for how long. */
const again = Schedule.jittered(Schedule.spaced("15 millis")).pipe(Schedule.upTo("5 seconds"))

const apart = <A>(
  { dialect }: Database,
  operation: string,
  effect: Effect.Effect<A, SqlError>
): Effect.Effect<A, StorageError> =>
  effect.pipe(
    // a COMMIT that fails is a defect
    Effect.catchAllDefect((defect) => isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect)),
    Effect.retry({
      schedule: again,
      while: (error) => dialect.isTransient.test(String(fieldOf(causeOf(error), "code") ?? ""))
    }),
    Effect.withTracerEnabled(false),
    Effect.mapInputContext((_: Context.Context<never>) => Context.empty()),
    failsWith(operation)
  )

/** A statement that fails is a failure, and so is a COMMIT, for which @effect/sql dies. */
export const failsWith =
  (operation: string): <A, R>(effect: Effect.Effect<A, SqlError, R>) => Effect.Effect<A, StorageError, R> => (effect) =>
    Effect.catchAllCause(effect, (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.failCause(cause as Cause.Cause<never>)
        : Effect.fail(storageError(operation, Option.getOrElse(Cause.failureOption(cause), () => Cause.squash(cause)))))

/** The longest that an interruption waits for the database to give up. */
const stopLimit = "5 seconds"

/**
 * After its time an operation has failed, whether or not the database still answers. An interruption waits until the
 * operation has ended, so that what comes next does not overtake it.
 */
export const within = (
  operation: string,
  limit: Duration.DurationInput
): <A>(effect: Effect.Effect<A, StorageError>) => Effect.Effect<A, StorageError> =>
(effect) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDaemon(Effect.interruptible(effect)),
      (fiber) =>
        Effect.timeoutFail(Effect.disconnect(restore(Fiber.join(fiber))), {
          duration: limit,
          onTimeout: () =>
            new StorageError({
              operation,
              message: `${operation}: the database did not answer in time. ` +
                "Look at its load, at locks on the outbox, and at the size of the client's pool"
            })
        }).pipe(
          Effect.onExit((exit) =>
            Exit.isInterrupted(exit)
              ? Effect.timeoutOption(Effect.disconnect(Fiber.interrupt(fiber)), stopLimit)
              : Fiber.interruptFork(fiber)
          )
        )
    )
  )

export const storageError = (operation: string, error: unknown): StorageError => {
  const cause = causeOf(error)
  const message = messageOf(cause)
  return new StorageError({
    operation,
    message: `${operation}: ${message}${Option.getOrElse(adviceFor(cause, message), () => "")}`,
    cause
  })
}

/** The driver's error, which `SqlError` has as its cause. */
const causeOf = (error: unknown): unknown => isSqlError(error) ? error.cause ?? error : error

const isSqlError = Predicate.isTagged("SqlError") as (error: unknown) => error is SqlError

const fieldOf = (error: unknown, field: string): unknown =>
  typeof error === "object" && error !== null ? (error as Record<string, unknown>)[field] : undefined

const messageOf = (error: unknown): string => {
  const message = fieldOf(error, "message")
  // several attempts to connect have an error each, and no message together
  const errors = fieldOf(error, "errors")
  return typeof message === "string" && message !== ""
    ? message
    : Array.isArray(errors) && errors.length > 0
    ? messageOf(errors[0])
    : String(fieldOf(error, "code") ?? "the database failed")
}

const missing = "The table is missing"

/** Whether a table was not there. */
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
    /SQLITE_READONLY|readonly database|25006/,
    "The database cannot be written: look at the permissions of the file and its folder"
  ],
  [
    /SQLITE_FULL|53100|disk is full|ER_RECORD_FILE_FULL|ER_DISK_FULL/,
    "The disk is full: events are refused until there is room"
  ],
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

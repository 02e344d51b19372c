/**
 * Keeps events in a database, so that they survive the process: Postgres, MySQL, MariaDB or SQLite, over the
 * `SqlClient` of `@effect/sql` that your program has.
 *
 * - What `track` accepted is sent in the end, also after the process was killed.
 * - Inside `sql.withTransaction` an event is stored by the transaction: it is sent when that commits, and never after a
 *   rollback.
 * - Several processes share one table: each event is delivered by one of them.
 *
 * @since 0.1.0
 */
import { SqlClient } from "@effect/sql/SqlClient"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { StorageError } from "./AmplitudeError.js"
import { EventStorage } from "./EventStorage.js"
import { booleanOf, checkNames, invalid, millisOf } from "./internal/storage/options.js"
import * as Database from "./internal/storage/sql/database.js"
import * as DeadLetters from "./internal/storage/sql/deadLetters.js"
import type { Dialect } from "./internal/storage/sql/dialect.js"
import { tablesOf } from "./internal/storage/sql/dialect.js"
import * as Migration from "./internal/storage/sql/migration.js"
import { mysql } from "./internal/storage/sql/mysql.js"
import { postgres } from "./internal/storage/sql/postgres.js"
import { sqlite } from "./internal/storage/sql/sqlite.js"
import * as Stats from "./internal/storage/sql/stats.js"
import * as Storage from "./internal/storage/sql/storage.js"

/**
 * The storage in a database, as a service with statistics and dead letters.
 *
 * @example
 * ```ts
 * import { SqliteClient } from "@effect/sql-sqlite-node"
 * import { Effect, Layer } from "effect"
 * import { Amplitude } from "effect-amplitude"
 * import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
 * import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
 *
 * const AmplitudeDurable = AmplitudeNode.layerStorage({ apiKey: "YOUR_API_KEY" }).pipe(
 *   Layer.provide(SqlEventStorage.layer()),
 *   Layer.provide(SqliteClient.layer({ filename: "amplitude.db" }))
 * )
 *
 * export const program = Amplitude.track("Button Clicked", {}, { user_id: "user-12345" }).pipe(
 *   Effect.provide(AmplitudeDurable)
 * )
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class SqlEventStorage
  extends Context.Tag("effect-amplitude/SqlEventStorage")<SqlEventStorage, SqlEventStorage.Service>()
{
  /**
   * The storage of a client, for `Amplitude.layerStorage`. It fails with `StorageError` if the database cannot be used:
   * a missing privilege, a table with other columns, or an option out of range.
   *
   * @since 0.1.0
   */
  static readonly layer = (
    options?: SqlEventStorage.Options
  ): Layer.Layer<EventStorage | SqlEventStorage, StorageError, SqlClient> => Layer.scopedContext(make(options ?? {}))

  /**
   * `layer` with options from a `Config`.
   *
   * @example
   * ```ts
   * import { Config } from "effect"
   * import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
   *
   * export const Storage = SqlEventStorage.layerConfig({
   *   leaseDuration: Config.duration("LEASE_DURATION").pipe(Config.withDefault("60 seconds"))
   * })
   * ```
   *
   * @since 0.1.0
   */
  static readonly layerConfig = (
    config: Config.Config.Wrap<SqlEventStorage.Options>
  ): Layer.Layer<EventStorage | SqlEventStorage, StorageError | ConfigError, SqlClient> =>
    Layer.unwrapEffect(Effect.map(Config.unwrap(config), (options) => SqlEventStorage.layer(options)))

  /**
   * The statements that create the tables, separated by semicolons. Use them in your own migrations, with `migrate:
   * false`. `pg` and `mariadb` are other names for `postgres` and `mysql`.
   *
   * @since 0.1.0
   */
  static readonly ddl = (dialect: SqlEventStorage.Dialect, table: string = defaults.table): string =>
    Migration.textOf(...dialects[dialect], table)

  /**
   * The statistics of the table.
   *
   * @since 0.1.0
   */
  static readonly stats: Effect.Effect<SqlEventStorage.Stats, StorageError, SqlEventStorage> = Effect.flatMap(
    Context.GenericTag<SqlEventStorage, SqlEventStorage.Service>("effect-amplitude/SqlEventStorage"),
    ({ stats }) => stats
  )

  /**
   * The events that were dropped, under `deadLetters: true`.
   *
   * @since 0.1.0
   */
  static readonly deadLetters: SqlEventStorage.DeadLetters<SqlEventStorage> = DeadLetters.accessors
}

/**
 * @since 0.1.0
 */
export declare namespace SqlEventStorage {
  /**
   * @since 0.1.0
   * @category models
   */
  export type Dialect = "postgres" | "pg" | "mysql" | "mariadb" | "sqlite"

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Options {
    /**
     * The name of the table, with its schema if need be. Others have it as their beginning. Default `amplitude_outbox`.
     */
    readonly table?: string | undefined
    /** Whether tables that are missing are created. Default true. */
    readonly migrate?: boolean | undefined
    /**
     * The time between two checks for changes by other processes. It grows to 5 seconds while nothing changes. Default
     * 1 second.
     */
    readonly pollInterval?: Duration.DurationInput | undefined
    /**
     * How long a process that died keeps the events that it was about to send. A process that lives renews its lease.
     * Default 60 seconds, at least 1 second and at most 7 days.
     */
    readonly leaseDuration?: Duration.DurationInput | undefined
    /** Whether events that were dropped are kept in a table of their own. Default false. */
    readonly deadLetters?: boolean | undefined
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    readonly stats: Effect.Effect<Stats, StorageError>
    readonly deadLetters: DeadLetters
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Stats {
    /** Events that can be sent now, or when an earlier one of their lane has left. */
    readonly waiting: number
    /** Events that a process is about to send. */
    readonly leased: number
    /** Events that wait for the end of a pause. */
    readonly paused: number
    /** The age of the oldest event, or zero without an event. */
    readonly oldestAge: Duration.Duration
    /** The lanes with most events, the largest first: at most 10. */
    readonly largestLanes: ReadonlyArray<{ readonly lane: string; readonly events: number }>
  }

  /**
   * An event that was dropped.
   *
   * @since 0.1.0
   * @category models
   */
  export interface DeadLetter {
    readonly id: number
    /** The `reason`, `code` and `message` of its report. */
    readonly reason: string
    readonly code: number
    readonly message: string
    /** The event as it would have been sent. */
    readonly json: string
    readonly lane: string
    readonly attempts: number
    /** When it was dropped, in milliseconds since the epoch. */
    readonly droppedAt: number
  }

  /**
   * What can be done with the events that were dropped. Each fails with `StorageError` where `deadLetters` is false.
   *
   * @since 0.1.0
   * @category models
   */
  export interface DeadLetters<R = never> {
    /** In the order in which they were dropped: those after an id (default 0), at most `limit` (default 100). */
    readonly list: (
      options?: { readonly after?: number | undefined; readonly limit?: number | undefined }
    ) => Effect.Effect<ReadonlyArray<DeadLetter>, StorageError, R>
    /**
     * Stores the events again, as new events with the same JSON. The result is the number of the events that existed.
     */
    readonly sendAgain: (ids: ReadonlyArray<number>) => Effect.Effect<number, StorageError, R>
    /** Deletes the events with the given ids, or the events older than a duration. The result is their number. */
    readonly purge: (
      options: { readonly ids: ReadonlyArray<number> } | { readonly olderThan: Duration.DurationInput }
    ) => Effect.Effect<number, StorageError, R>
  }
}

const defaults = {
  table: "amplitude_outbox",
  migrate: true,
  pollInterval: "1 second",
  leaseDuration: "60 seconds",
  deadLetters: false
} as const

/** A layer that is built inside a transaction waits for a connection, which the transaction may hold. */
const buildLimit = "30 seconds"

type DialectSettings = readonly [dialect: Dialect, quote: string, hasIndexSchema: boolean]

const postgresSettings: DialectSettings = [postgres, "\"", false]
const mysqlSettings: DialectSettings = [mysql, "`", false]
const sqliteSettings: DialectSettings = [sqlite, "\"", true]

const dialects: Record<SqlEventStorage.Dialect, DialectSettings> = {
  postgres: postgresSettings,
  pg: postgresSettings,
  mysql: mysqlSettings,
  mariadb: mysqlSettings,
  sqlite: sqliteSettings
}

const make = (options: SqlEventStorage.Options) =>
  Effect.gen(function*() {
    yield* checkNames(options, Object.keys(defaults))
    const table = options.table ?? defaults.table
    const migrate = yield* booleanOf("migrate", options.migrate ?? defaults.migrate)
    const deadLetters = yield* booleanOf("deadLetters", options.deadLetters ?? defaults.deadLetters)
    if (!Migration.isName(table)) {
      return yield* invalid(
        "table",
        "a name of at most 40 letters, digits and underscores, which a schema and a dot can precede"
      )
    }
    const pollInterval = yield* millisOf("pollInterval", options.pollInterval ?? defaults.pollInterval, 10)
    const leaseDuration = yield* millisOf("leaseDuration", options.leaseDuration ?? defaults.leaseDuration, 1000)
    const client = yield* SqlClient
    const settings = client.onDialectOrElse({
      pg: () => postgresSettings,
      mysql: () => mysqlSettings,
      sqlite: () => sqliteSettings,
      orElse: (): DialectSettings | undefined => undefined
    })
    if (settings === undefined) {
      return yield* new StorageError({
        operation: "migrate",
        message: "the SqlClient: expected one for Postgres, MySQL, MariaDB or SQLite"
      })
    }
    const [dialect, ...names] = settings
    const database = yield* Database.make(client.withoutTransforms(), dialect, tablesOf(table, ...names))
    yield* database.within("migrate", buildLimit)(
      Migration.run(database, { migrate, deadLetters })
    )
    const storage = yield* Storage.make(database, { pollInterval, leaseDuration, deadLetters })
    return Context.make(EventStorage, storage).pipe(
      Context.add(SqlEventStorage, {
        stats: Stats.make(database),
        deadLetters: DeadLetters.make(database, deadLetters)
      })
    )
  })

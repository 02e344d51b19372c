/**
 * Keeps events in Redis, so that they survive the process and many processes share them. It is for fleets that track
 * more events than their database can take. It uses `ioredis`, with Redis 7 or Valkey, a single server or a cluster.
 *
 * - What `track` accepted is sent in the end, also after the process was killed.
 * - Several processes share one prefix: each event is delivered by one of them, and events of one lane in their order.
 * - `bufferCapacity` is exact for all processes together.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Cluster, Redis } from "ioredis"
import type { StorageError } from "./AmplitudeError.js"
import { EventStorage } from "./EventStorage.js"
import { booleanOf, checkNames, invalid, millisOf } from "./internal/storage/options.js"
import * as Connection from "./internal/storage/redis/connection.js"
import * as DeadLetters from "./internal/storage/redis/deadLetters.js"
import * as Scripts from "./internal/storage/redis/scripts/index.js"
import * as Server from "./internal/storage/redis/server.js"
import * as Stats from "./internal/storage/redis/stats.js"
import * as Storage from "./internal/storage/redis/storage.js"

/**
 * The storage in Redis, as a service with statistics and dead letters.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Amplitude } from "effect-amplitude"
 * import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
 * import { RedisEventStorage } from "effect-amplitude/RedisEventStorage"
 *
 * const AmplitudeShared = AmplitudeNode.layerStorage({ apiKey: "YOUR_API_KEY" }).pipe(
 *   Layer.provide(RedisEventStorage.layer({ url: "redis://localhost:6379" }))
 * )
 *
 * export const program = Amplitude.track("Button Clicked", {}, { user_id: "user-12345" }).pipe(
 *   Effect.provide(AmplitudeShared)
 * )
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class RedisEventStorage
  extends Context.Tag("effect-amplitude/RedisEventStorage")<RedisEventStorage, RedisEventStorage.Service>()
{
  /**
   * The storage of a client, for `Amplitude.layerStorage`. It fails with `StorageError` if Redis cannot be used: it is
   * away, it asks for a password, other data use keys of the prefix, or an option is out of range. It logs a warning if
   * the server can lose events: no append-only file, or a policy that evicts keys.
   *
   * @since 0.1.0
   */
  static readonly layer = (
    options: RedisEventStorage.Options
  ): Layer.Layer<EventStorage | RedisEventStorage, StorageError> => Layer.scopedContext(make(options))

  /**
   * `layer` with options from a `Config`.
   *
   * @example
   * ```ts
   * import { Config } from "effect"
   * import { RedisEventStorage } from "effect-amplitude/RedisEventStorage"
   *
   * export const Storage = RedisEventStorage.layerConfig({ url: Config.redacted("REDIS_URL") })
   * ```
   *
   * @since 0.1.0
   */
  static readonly layerConfig = (
    config: Config.Config.Wrap<RedisEventStorage.ConnectionOptions>
  ): Layer.Layer<EventStorage | RedisEventStorage, StorageError | ConfigError> =>
    Layer.unwrapEffect(Effect.map(Config.unwrap(config), (options) => RedisEventStorage.layer(options)))

  /**
   * The statistics of the storage.
   *
   * @since 0.1.0
   */
  static readonly stats: Effect.Effect<RedisEventStorage.Stats, StorageError, RedisEventStorage> = Effect.flatMap(
    Context.GenericTag<RedisEventStorage, RedisEventStorage.Service>("effect-amplitude/RedisEventStorage"),
    ({ stats }) => stats
  )

  /**
   * The events that were dropped, under `deadLetters: true`.
   *
   * @since 0.1.0
   */
  static readonly deadLetters: RedisEventStorage.DeadLetters<RedisEventStorage> = DeadLetters.accessors
}

/**
 * @since 0.1.0
 */
export declare namespace RedisEventStorage {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface CommonOptions {
    /** The hash tag that all keys begin with. Clients with the same prefix share their events. Default `amplitude`. */
    readonly prefix?: string | undefined
    /**
     * The number of hash tags that the keys are spread over, so that the nodes of a cluster share the work. Each lane
     * belongs to one shard, and each shard holds its part of `bufferCapacity`. All clients of a prefix need the same
     * number. Default 1, at most 256.
     */
    readonly shards?: number | undefined
    /**
     * The time between two checks for changes by other processes. It grows to 5 seconds while nothing changes. Default
     * 1 second.
     */
    readonly pollInterval?: Duration.DurationInput | undefined
    /**
     * How long a process that died keeps the events that it was about to send. A process that lives renews its lease.
     * Default 60 seconds, at least 1 second.
     */
    readonly leaseDuration?: Duration.DurationInput | undefined
    /** Whether events that were dropped are kept. Default false. */
    readonly deadLetters?: boolean | undefined
  }

  /**
   * A server by its address. The storage connects, and closes the connection with its scope.
   *
   * @since 0.1.0
   * @category models
   */
  export interface ConnectionOptions extends CommonOptions {
    /** As `redis://user:password@host:6379/0`, or `rediss:` for TLS. */
    readonly url: string | Redacted.Redacted
  }

  /**
   * A client of `ioredis` that the program makes and closes, for example over Sentinel or for a cluster.
   *
   * @since 0.1.0
   * @category models
   */
  export interface ClientOptions extends CommonOptions {
    readonly client: Redis | Cluster
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export type Options = ConnectionOptions | ClientOptions

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
  prefix: "amplitude",
  shards: 1,
  pollInterval: "1 second",
  leaseDuration: "60 seconds",
  deadLetters: false
} as const

const maxShards = 256

const make = (
  options: RedisEventStorage.Options
): Effect.Effect<Context.Context<EventStorage | RedisEventStorage>, StorageError, Scope.Scope> =>
  Effect.gen(function*() {
    yield* checkNames(options, ["client", "url", ...Object.keys(defaults)])
    const { prefix = defaults.prefix, shards = defaults.shards } = options
    const deadLetters = yield* booleanOf("deadLetters", options.deadLetters ?? defaults.deadLetters)
    if (!/^[^{}\s]{1,200}$/.test(prefix)) {
      return yield* invalid("prefix", "a text of at most 200 characters without braces and white space")
    }
    if (!Number.isInteger(shards) || shards < 1 || shards > maxShards) {
      return yield* invalid("shards", `a whole number from 1 to ${maxShards}`)
    }
    const pollInterval = yield* millisOf("pollInterval", options.pollInterval ?? defaults.pollInterval, 10)
    const leaseDuration = yield* millisOf("leaseDuration", options.leaseDuration ?? defaults.leaseDuration, 1000)
    const server = yield* Server.make(yield* clientOf(options), prefix, shards)
    const answers = yield* server.within("migrate", "10 seconds")(Storage.onAll(server, "migrate", Scripts.probe, []))
    // a number that arrives as a text would be misread, as a refused append that was accepted
    if (answers.some((answer) => answer !== 1)) {
      return yield* invalid("client", "a client of ioredis without `stringNumbers`")
    }
    const warnings = yield* Server.shortcomings(server)
    if (Arr.isNonEmptyReadonlyArray(warnings)) {
      yield* Effect.annotateLogs(Effect.forEach(warnings, (warning) => Effect.logWarning(warning), { discard: true }), {
        package: "effect-amplitude",
        module: "RedisEventStorage"
      })
    }
    const storage = yield* Storage.make(server, { pollInterval, leaseDuration, deadLetters })
    return Context.make(EventStorage, storage).pipe(
      Context.add(RedisEventStorage, { stats: Stats.make(server), deadLetters: DeadLetters.make(server, deadLetters) })
    )
  })

const clientOf = (options: RedisEventStorage.Options): Effect.Effect<Redis | Cluster, StorageError, Scope.Scope> => {
  const { client, url } = options as Partial<RedisEventStorage.ClientOptions & RedisEventStorage.ConnectionOptions>
  if (client !== undefined) return Effect.succeed(client)
  const text = Redacted.isRedacted(url) ? Redacted.value(url) : url
  return text !== undefined && /^rediss?:\/\/./.test(text)
    ? Connection.make(text)
    : invalid("url", "a URL that begins with redis:// or rediss://, or else a `client` of ioredis")
}

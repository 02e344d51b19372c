/**
 * The settings of a client: what can be set, the defaults, and the live value that the other services read.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type { InvalidConfig, TransportError } from "./AmplitudeError.js"
import type { DeliveryReport } from "./DeliveryReport.js"
import type { EventOptions, IngestionMetadata, Plan } from "./Event.js"
import * as Environment from "./internal/environment.js"
import * as Settings from "./internal/settings.js"

/**
 * The live settings of one client.
 *
 * @since 0.1.0
 * @category tags
 */
export class AmplitudeConfig
  extends Context.Tag("effect-amplitude/AmplitudeConfig")<AmplitudeConfig, AmplitudeConfig.Service>()
{
  /**
   * The value of every setting that is not given.
   *
   * @since 0.1.0
   */
  static readonly defaults: Omit<AmplitudeConfig.Settings, "apiKey"> = Settings.defaults

  /**
   * The options as read from the environment variables `AMPLITUDE_API_KEY`, `AMPLITUDE_FLUSH_QUEUE_SIZE` and so on.
   *
   * @since 0.1.0
   */
  static readonly environment: Config.Config<AmplitudeConfig.Options> = Environment.environment

  /**
   * The settings as a scoped value of its own: two made from one options value share nothing.
   *
   * @since 0.1.0
   * @example
   * import { AmplitudeConfig } from "effect-amplitude"
   * import { Effect } from "effect"
   *
   * const program = Effect.flatMap(AmplitudeConfig.make({ apiKey: "key" }), (config) => config.settings)
   */
  static make(options: AmplitudeConfig.Options): Effect.Effect<AmplitudeConfig.Service, InvalidConfig> {
    return Effect.map(Settings.decode(Settings.defaults, options), (initial) => {
      let settings = initial
      return {
        settings: Effect.sync(() => settings),
        unsafeSettings: () => settings,
        update: (patch) =>
          Effect.suspend(() =>
            Effect.map(Settings.decode(settings, { apiKey: settings.apiKey, ...patch }), (decoded) => {
              settings = decoded
            })
          )
      }
    })
  }

  /**
   * @since 0.1.0
   * @example
   * import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
   * import { Layer } from "effect"
   *
   * const quiet = Amplitude.layerServices.pipe(
   *   Layer.provide([EventStorage.layerMemory, Transport.layerFetch, AmplitudeLogger.layerNone]),
   *   Layer.provide(AmplitudeConfig.layer({ apiKey: "key" }))
   * )
   */
  static layer(options: AmplitudeConfig.Options): Layer.Layer<AmplitudeConfig, InvalidConfig> {
    return Layer.effect(AmplitudeConfig, AmplitudeConfig.make(options))
  }

  /**
   * The same with options that are read from the `ConfigProvider`.
   *
   * @since 0.1.0
   * @example
   * import { AmplitudeConfig } from "effect-amplitude"
   * import { Config } from "effect"
   *
   * const layer = AmplitudeConfig.layerConfig({
   *   apiKey: Config.redacted("ANALYTICS_KEY"),
   *   flushQueueSize: Config.integer("ANALYTICS_BATCH").pipe(Config.withDefault(200))
   * })
   */
  static layerConfig(
    config: Config.Config.Wrap<AmplitudeConfig.Options>
  ): Layer.Layer<AmplitudeConfig, ConfigError | InvalidConfig> {
    return Layer.effect(AmplitudeConfig, Effect.flatMap(Config.unwrap(config), AmplitudeConfig.make))
  }
}

/**
 * @since 0.1.0
 */
export declare namespace AmplitudeConfig {
  /**
   * Where the project's data live.
   *
   * @since 0.1.0
   * @category models
   */
  export type Zone = "US" | "EU"

  /**
   * What happens to an event for which there is no room: the oldest one that waits is dropped, the new one is dropped,
   * the caller waits, or the call fails with `BufferFull`.
   *
   * @since 0.1.0
   * @category models
   */
  export type Overflow = "dropOldest" | "dropNewest" | "suspend" | "fail"

  /**
   * How the bodies of requests are encoded.
   *
   * @since 0.1.0
   * @category models
   */
  export type Compression = "none" | "gzip"

  /**
   * What a retry schedule is stepped with: the HTTP status (0 where there was none) and the error of the transport.
   *
   * @since 0.1.0
   * @category models
   */
  export interface RetryInput {
    readonly code: number
    readonly cause?: TransportError | undefined
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Options {
    /** The project's API key. Required. */
    readonly apiKey: Redacted.Redacted | string
    /** How many waiting events trigger a send, and the most in one request (requests are cut at 1999). Default 200. */
    readonly flushQueueSize?: number | undefined
    /** The longest an event waits for company. Default 10 seconds. */
    readonly flushInterval?: Duration.DurationInput | undefined
    /** Retries of an event after its first try; 0 means one try. Default 12. */
    readonly flushMaxRetries?: number | undefined
    /** The shortest user or device id that the project takes, in characters. Default: the service's own, 5. */
    readonly minIdLength?: number | undefined
    /** Where the project's data live. Default `US`. */
    readonly serverZone?: Zone | undefined
    /** Replaces the URL that `serverZone` and `useBatch` choose; path, query and port are kept. */
    readonly serverUrl?: string | undefined
    /** Sends to the Batch API: larger requests, higher limits, later processing. Default false. */
    readonly useBatch?: boolean | undefined
    /** Drops every event that is tracked from now on. Default false. */
    readonly optOut?: boolean | undefined
    /** Runs for every report, one after the other, in a fiber of its own. Default none. */
    readonly callback?: ((report: DeliveryReport) => Effect.Effect<void>) | undefined
    /** The tracking plan put on each event that has none. Default none. */
    readonly plan?: Schema.Struct.Type<typeof Plan.fields> | undefined
    /** The ingestion metadata put on each event that has none. Default none. */
    readonly ingestionMetadata?: Schema.Struct.Type<typeof IngestionMetadata.fields> | undefined
    /** Defaults for the fields of every event. Default none. */
    readonly eventOptions?: Defaults | undefined
    /** The longest that one request may take, answer included. Default 10 seconds. */
    readonly requestTimeout?: Duration.DurationInput | undefined
    /** The longest that closing takes; may be 0. Default 10 seconds. */
    readonly shutdownTimeout?: Duration.DurationInput | undefined
    /** The delays between tries while the endpoint is in trouble. Default `exponential("100 millis")`, jittered. */
    readonly retrySchedule?: Schedule.Schedule<unknown, RetryInput> | undefined
    /** Requests under way at once. Default 1. */
    readonly flushConcurrency?: number | undefined
    /** Events that the storage holds at the most. Default 100000. */
    readonly bufferCapacity?: number | undefined
    /** What happens to an event for which there is no room. Default `dropOldest`. */
    readonly overflow?: Overflow | undefined
    /** Compresses bodies of more than 2048 bytes; `gzip` needs the platform's `CompressionStream`. Default `none`. */
    readonly compression?: Compression | undefined
    /**
     * The least level of the lines that this client logs, whatever the program's own: at `Debug` each accepted event and
     * each request with its answer. Default: the program's level.
     */
    readonly logLevel?: LogLevel.LogLevel | LogLevel.Literal | undefined
    /**
     * How many reports wait for `callback`, and for each subscriber of `deliveries`. The oldest one is dropped: that is
     * logged, and counted by the metric `amplitude_reports_dropped`. Default 10000.
     */
    readonly reportCapacity?: number | undefined
    /** How long one run of `callback` may take. After it the run is given up, and the next report goes on. Default 30 seconds. */
    readonly callbackTimeout?: Duration.DurationInput | undefined
    /**
     * Whether this client sends. With false it only stores events, and another process delivers them: that needs a shared
     * storage. Default true.
     */
    readonly deliver?: boolean | undefined
  }

  /**
   * What can be changed while a client lives: every option.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Patch extends Partial<Options> {}

  /**
   * The fields that every event can be given: those of `EventOptions` but the two that tell events apart.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Defaults extends Omit<EventOptions.Input, "insert_id" | "event_id"> {}

  /**
   * The options after checking, durations decoded and defaults filled in.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Settings {
    readonly apiKey: Redacted.Redacted
    readonly flushQueueSize: number
    readonly flushInterval: Duration.Duration
    readonly flushMaxRetries: number
    readonly minIdLength: number | undefined
    readonly serverZone: Zone
    readonly serverUrl: string | undefined
    readonly useBatch: boolean
    readonly optOut: boolean
    readonly callback: ((report: DeliveryReport) => Effect.Effect<void>) | undefined
    readonly plan: Schema.Struct.Type<typeof Plan.fields> | undefined
    readonly ingestionMetadata: Schema.Struct.Type<typeof IngestionMetadata.fields> | undefined
    readonly eventOptions: Defaults | undefined
    readonly requestTimeout: Duration.Duration
    readonly shutdownTimeout: Duration.Duration
    readonly retrySchedule: Schedule.Schedule<unknown, RetryInput>
    readonly flushConcurrency: number
    readonly bufferCapacity: number
    readonly overflow: Overflow
    readonly compression: Compression
    readonly logLevel: LogLevel.LogLevel | undefined
    readonly reportCapacity: number
    readonly callbackTimeout: Duration.Duration
    readonly deliver: boolean
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** The settings as they are now. */
    readonly settings: Effect.Effect<Settings>
    /** The same, for code that is already inside an effect. */
    readonly unsafeSettings: () => Settings
    /** Changes settings: an absent key stays, `undefined` goes back to the default, an invalid patch changes nothing. */
    readonly update: (patch: Patch) => Effect.Effect<void, InvalidConfig>
  }
}

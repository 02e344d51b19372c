/**
 * The settings of a client: the options, their defaults, and the service that holds the current settings.
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
 * The current settings of one client, as a service.
 *
 * @since 0.1.0
 * @category tags
 */
export class AmplitudeConfig
  extends Context.Tag("effect-amplitude/AmplitudeConfig")<AmplitudeConfig, AmplitudeConfig.Service>()
{
  /**
   * The default of every setting.
   *
   * @since 0.1.0
   */
  static readonly defaults: Omit<AmplitudeConfig.Settings, "apiKey"> = Settings.defaults

  /**
   * The options from the environment variables `AMPLITUDE_API_KEY`, `AMPLITUDE_FLUSH_QUEUE_SIZE` and so on.
   *
   * @since 0.1.0
   */
  static readonly environment: Config.Config<AmplitudeConfig.Options> = Environment.environment

  /**
   * Checks options and makes the service that holds them. Two services that are made from the same options share
   * nothing.
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
            Effect.map(Settings.decode(settings, patch), (decoded) => {
              settings = decoded
            })
          )
      }
    })
  }

  /**
   * The settings for `Amplitude.layerServices`, from options. It fails with `InvalidConfig`, which names the option.
   *
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
   * `layer` with options that are read from the `ConfigProvider`.
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
   * The region where Amplitude keeps the project's data.
   *
   * @since 0.1.0
   * @category models
   */
  export type Zone = "US" | "EU"

  /**
   * What happens to a new event when the storage is full: the oldest waiting event is dropped, the new event is
   * dropped, the caller waits, or the call fails with `BufferFull`.
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
   * The input of `retrySchedule`: the HTTP status, 0 without an answer, and the error of the transport.
   *
   * @since 0.1.0
   * @category models
   */
  export interface RetryInput {
    readonly code: number
    readonly cause?: TransportError | undefined
  }

  /**
   * The options of a client. Only `apiKey` is required. Durations are written as in Effect: `"10 seconds"`, or a number
   * of milliseconds.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Options {
    /** The project's API key. Required. */
    readonly apiKey: Redacted.Redacted | string
    /** How many waiting events trigger a send, and the most in one request (requests are cut at 1999). Default 200. */
    readonly flushQueueSize?: number | undefined
    /** The longest that an event waits until a batch is full. Default 10 seconds. */
    readonly flushInterval?: Duration.DurationInput | undefined
    /** Retries of an event after its first try; 0 means one try. Default 12. */
    readonly flushMaxRetries?: number | undefined
    /** The shortest user or device id that the project takes, in characters. Default: the service's own, 5. */
    readonly minIdLength?: number | undefined
    /** The region where Amplitude keeps the project's data. Default `US`. */
    readonly serverZone?: Zone | undefined
    /**
     * The URL to send to, in place of the one that `serverZone` and `useBatch` choose. Path, query and port are kept.
     */
    readonly serverUrl?: string | undefined
    /**
     * Whether to send to the Batch API, which takes larger requests, has higher limits and processes later. Default
     * false.
     */
    readonly useBatch?: boolean | undefined
    /** Whether every tracked event is dropped. Default false. */
    readonly optOut?: boolean | undefined
    /** Runs for every report, one report after the other, in one fiber of its own. Default none. */
    readonly callback?: ((report: DeliveryReport) => Effect.Effect<void>) | undefined
    /** The tracking plan put on each event that has none. Default none. */
    readonly plan?: Schema.Struct.Type<typeof Plan.fields> | undefined
    /** The ingestion metadata put on each event that has none. Default none. */
    readonly ingestionMetadata?: Schema.Struct.Type<typeof IngestionMetadata.fields> | undefined
    /** Defaults for the fields of every event. Default none. */
    readonly eventOptions?: Defaults | undefined
    /** The longest that one request with its answer may take. Default 10 seconds. */
    readonly requestTimeout?: Duration.DurationInput | undefined
    /** The longest that closing the client takes. It may be 0. Default 10 seconds. */
    readonly shutdownTimeout?: Duration.DurationInput | undefined
    /** The delays between the tries while the endpoint fails. Default `exponential("100 millis")`, jittered. */
    readonly retrySchedule?: Schedule.Schedule<unknown, RetryInput> | undefined
    /** The most requests that wait for their answers at the same time. Default 1. */
    readonly flushConcurrency?: number | undefined
    /** The most events that the storage holds. Default 100000. */
    readonly bufferCapacity?: number | undefined
    /** What happens to a new event when the storage is full. Default `dropOldest`. */
    readonly overflow?: Overflow | undefined
    /**
     * How bodies of more than 2048 bytes are compressed. `gzip` needs the platform's `CompressionStream`. Default
     * `none`.
     */
    readonly compression?: Compression | undefined
    /**
     * The minimum level of the lines that this client logs, whatever the program's minimum level is. `Debug` logs each
     * accepted event and each request with its answer. Default: the program's minimum level.
     */
    readonly logLevel?: LogLevel.LogLevel | LogLevel.Literal | undefined
    /**
     * The most reports that wait for `callback`, and for each subscriber of `deliveries`. Beyond it the oldest report
     * is dropped, which is logged and counted by the metric `amplitude_reports_dropped`. Default 10000.
     */
    readonly reportCapacity?: number | undefined
    /**
     * The longest that one run of `callback` takes. Then it is interrupted, and the next report follows. Default 30
     * seconds.
     */
    readonly callbackTimeout?: Duration.DurationInput | undefined
    /**
     * Whether this client sends events. With false it only stores them, and another process delivers them, which needs
     * a shared storage. Default true.
     */
    readonly deliver?: boolean | undefined
  }

  /**
   * The options that `updateConfig` changes. Every option can be changed.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Patch extends Partial<Options> {}

  /**
   * The fields that can have a default for every event: those of `EventOptions` without `insert_id` and `event_id`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Defaults extends Omit<EventOptions.Input, "insert_id" | "event_id"> {}

  /**
   * The settings of a client: the checked options, with durations decoded and defaults filled in.
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
   * The current settings of one client, and how they change.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** The current settings. */
    readonly settings: Effect.Effect<Settings>
    /** Reads the current settings without an effect, for code that runs inside one. */
    readonly unsafeSettings: () => Settings
    /**
     * Changes settings. An absent key keeps its value, `undefined` restores the default, an invalid patch changes
     * nothing.
     */
    readonly update: (patch: Patch) => Effect.Effect<void, InvalidConfig>
  }
}

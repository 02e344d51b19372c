/**
 * The settings of a client: what they are, their defaults, where they are read from, how they are checked, and the
 * live value that the other services read.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { InvalidConfig } from "./AmplitudeError.js"
import type { TransportError } from "./AmplitudeError.js"
import type { DeliveryReport } from "./DeliveryReport.js"
import { EventOptions, IngestionMetadata, Plan } from "./Event.js"
import { canCompress } from "./internal/delivery/request.js"
import { kindOf } from "./internal/event/properties.js"
import type { Plugin } from "./Plugin.js"

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
  static readonly defaults: Omit<AmplitudeConfig.Settings, "apiKey"> = {
    flushQueueSize: 200,
    flushInterval: Duration.seconds(10),
    flushMaxRetries: 12,
    minIdLength: undefined,
    serverZone: "US",
    serverUrl: undefined,
    useBatch: false,
    optOut: false,
    callback: undefined,
    plan: undefined,
    ingestionMetadata: undefined,
    eventOptions: undefined,
    requestTimeout: Duration.seconds(10),
    shutdownTimeout: Duration.seconds(10),
    retrySchedule: Schedule.jittered(Schedule.exponential(Duration.millis(100))),
    flushConcurrency: 1,
    bufferCapacity: 100_000,
    overflow: "dropOldest",
    plugins: undefined,
    compression: "none"
  }

  /**
   * The options as read from the environment variables `AMPLITUDE_API_KEY`, `AMPLITUDE_FLUSH_QUEUE_SIZE` and so on.
   *
   * @since 0.1.0
   */
  static readonly environment: Config.Config<AmplitudeConfig.Options> = Config.all({
    apiKey: Config.redacted("AMPLITUDE_API_KEY"),
    flushQueueSize: optional(Config.integer("AMPLITUDE_FLUSH_QUEUE_SIZE")),
    flushInterval: optional(Config.duration("AMPLITUDE_FLUSH_INTERVAL")),
    flushMaxRetries: optional(Config.integer("AMPLITUDE_FLUSH_MAX_RETRIES")),
    minIdLength: optional(Config.integer("AMPLITUDE_MIN_ID_LENGTH")),
    serverZone: optional(unchecked<AmplitudeConfig.Zone>("AMPLITUDE_SERVER_ZONE")),
    serverUrl: optional(Config.string("AMPLITUDE_SERVER_URL")),
    useBatch: optional(Config.boolean("AMPLITUDE_USE_BATCH")),
    optOut: optional(Config.boolean("AMPLITUDE_OPT_OUT")),
    requestTimeout: optional(Config.duration("AMPLITUDE_REQUEST_TIMEOUT")),
    shutdownTimeout: optional(Config.duration("AMPLITUDE_SHUTDOWN_TIMEOUT")),
    flushConcurrency: optional(Config.integer("AMPLITUDE_FLUSH_CONCURRENCY")),
    bufferCapacity: optional(Config.integer("AMPLITUDE_BUFFER_CAPACITY")),
    overflow: optional(unchecked<AmplitudeConfig.Overflow>("AMPLITUDE_OVERFLOW")),
    compression: optional(unchecked<AmplitudeConfig.Compression>("AMPLITUDE_COMPRESSION"))
  })

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
    return Effect.map(decode(AmplitudeConfig.defaults, options), (initial) => {
      let settings = initial
      return {
        settings: Effect.sync(() => settings),
        unsafeSettings: () => settings,
        update: (patch) =>
          Effect.suspend(() =>
            "plugins" in patch
              ? Effect.fail(new InvalidConfig({ option: "plugins", expected: "add or remove", actual: "an update" }))
              : Effect.map(decode(settings, { apiKey: settings.apiKey, ...patch }), (decoded) => {
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
    /** The plugins of the client, added in this order when it is built. Default none. */
    readonly plugins?: ReadonlyArray<Plugin> | undefined
    /** Compresses bodies of more than 2048 bytes; `gzip` needs the platform's `CompressionStream`. Default `none`. */
    readonly compression?: Compression | undefined
  }

  /**
   * What can be changed while a client lives: every option but its plugins, which are added and removed by themselves.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Patch extends Partial<Omit<Options, "plugins" | "storageDirectory">> {}

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
    readonly plugins: ReadonlyArray<Plugin> | undefined
    readonly compression: Compression
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

/** One option: how its input is decoded, and what is expected of it, in the words of the error. */
interface Field<A> {
  readonly expected: string
  readonly decode: (input: unknown) => Option.Option<A>
}

const field = <A, I>(expected: string, schema: Schema.Schema<A, I>): Field<A> => ({
  expected,
  // asked of the schema when there is something to decode, and not when this is imported: that is what makes its parser
  decode: (input) => Schema.decodeUnknownOption(schema, { onExcessProperty: "error" })(input)
})

const positiveInt = field("a positive integer", Schema.Int.pipe(Schema.positive()))

const zoneNames: ReadonlyArray<AmplitudeConfig.Zone> = ["US", "EU"]

/** `Duration.decode` reads what is negative as zero: here it is refused before. */
const decodeDuration = (input: unknown): Option.Option<Duration.Duration> =>
  (Predicate.isNumber(input) && !(input >= 0)) || (Predicate.isString(input) && input.trim().startsWith("-"))
    ? Option.none()
    : Duration.decodeUnknown(input)

const positiveDuration: Field<Duration.Duration> = {
  expected: "a duration longer than zero",
  decode: (input) => Option.filter(decodeDuration(input), Duration.greaterThan(Duration.zero))
}

const functionField = <A>(expected: string): Field<A> => ({
  expected,
  decode: (input) => Predicate.isFunction(input) ? Option.some(input as A) : Option.none()
})

const decodePlugins = (input: unknown): Option.Option<ReadonlyArray<Plugin>> => {
  if (!Array.isArray(input)) return Option.none()
  const plugins = input.filter((plugin) => Predicate.isRecord(plugin) && Predicate.isString(plugin.name))
  return plugins.length === input.length && new Set(plugins.map(({ name }) => name)).size === input.length
    ? Option.some(plugins)
    : Option.none()
}

const isHttpUrl = (url: string): boolean =>
  Option.match(Option.liftThrowable((input: string) => new URL(input))(url), {
    onNone: () => false,
    onSome: ({ protocol }) => protocol === "http:" || protocol === "https:"
  })

const { event_id: _eventId, insert_id: _insertId, ...defaultFields } = EventOptions.fields

const isBlank = (text: string): boolean => text.trim() === ""

const apiKeyField: Field<Redacted.Redacted> = {
  expected: "a key that is not blank",
  decode: (input) => {
    const key = Redacted.isRedacted(input) ? Redacted.value(input) : input
    return Predicate.isString(key) && !isBlank(key)
      ? Option.some(Redacted.isRedacted(input) ? input as Redacted.Redacted : Redacted.make(key))
      : Option.none()
  }
}

const fields: { readonly [K in keyof AmplitudeConfig.Settings]: Field<AmplitudeConfig.Settings[K]> } = {
  apiKey: apiKeyField,
  flushQueueSize: positiveInt,
  flushInterval: positiveDuration,
  flushMaxRetries: field("an integer of 0 or more", Schema.NonNegativeInt),
  minIdLength: positiveInt,
  serverZone: field("US or EU", Schema.Literal(...zoneNames)),
  serverUrl: field("an http or https URL", Schema.String.pipe(Schema.filter(isHttpUrl))),
  useBatch: field("true or false", Schema.Boolean),
  optOut: field("true or false", Schema.Boolean),
  callback: functionField("a function from a report to an Effect"),
  plan: field("an object with branch, source, version or versionId as strings", Schema.Struct(Plan.fields)),
  ingestionMetadata: field(
    "an object with source_name or source_version as strings",
    Schema.Struct(IngestionMetadata.fields)
  ),
  eventOptions: field(
    "an object with fields of EventOptions except insert_id and event_id",
    Schema.Struct(defaultFields)
  ),
  requestTimeout: positiveDuration,
  shutdownTimeout: { expected: "a duration of zero or more", decode: decodeDuration },
  retrySchedule: {
    expected: "a Schedule",
    decode: Option.liftPredicate(Schedule.isSchedule as (u: unknown) => u is Schedule.Schedule<unknown>)
  },
  flushConcurrency: positiveInt,
  bufferCapacity: positiveInt,
  overflow: field(
    "dropOldest, dropNewest, suspend or fail",
    Schema.Literal("dropOldest", "dropNewest", "suspend", "fail")
  ),
  plugins: { expected: "an array of plugins, each with a name of its own", decode: decodePlugins },
  compression: field(
    "none, or gzip where the platform has CompressionStream",
    Schema.Literal("none", "gzip").pipe(Schema.filter((compression) => compression === "none" || canCompress()))
  )
}

/** The settings with what the options say; one that is `undefined` goes back to its default. */
const decode = (
  settingsBefore: Partial<AmplitudeConfig.Settings>,
  options: object
): Effect.Effect<AmplitudeConfig.Settings, InvalidConfig> =>
  Effect.gen(function*() {
    const settings: Record<string, unknown> = { ...settingsBefore }
    for (const [option, input] of Object.entries({ apiKey: undefined, ...options })) {
      settings[option] = input === undefined && option !== "apiKey" && Object.hasOwn(fields, option)
        ? (AmplitudeConfig.defaults as Record<string, unknown>)[option]
        : yield* decodeOption(option, input)
    }
    return settings as unknown as AmplitudeConfig.Settings
  })

const decodeOption = (option: string, input: unknown): Either.Either<unknown, InvalidConfig> => {
  if (!Object.hasOwn(fields, option)) {
    return Either.left(
      new InvalidConfig({ option, expected: `one of ${Object.keys(fields).join(", ")}`, actual: "an unknown option" })
    )
  }
  const { decode, expected } = fields[option as keyof AmplitudeConfig.Settings]
  return Either.fromOption<unknown, InvalidConfig>(
    decode(input),
    () => new InvalidConfig({ option, expected, actual: describe(option, input) })
  )
}

/** What was given, in words: a short scalar as it is, except the key; else its kind. */
const describe = (option: string, input: unknown): string => {
  if (option === "apiKey") {
    return Redacted.isRedacted(input) || Predicate.isString(input)
      ? "a blank one"
      : kindOf(input)
  }
  return Predicate.isString(input) && input.length <= 100
    ? JSON.stringify(input)
    : Predicate.isNumber(input)
    ? String(input)
    : kindOf(input)
}

/** A variable that may be missing: then the option is not given. */
function optional<A>(config: Config.Config<A>): Config.Config<A | undefined> {
  return Config.withDefault(config, undefined)
}

/** A variable with a closed set of values, which is checked with all the other options. */
function unchecked<A extends string>(name: string): Config.Config<A> {
  return Config.string(name) as Config.Config<A>
}

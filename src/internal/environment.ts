/**
 * Reads the options from environment variables. An error names the variable and shows a valid value. It never quotes
 * the value that was found, which can be an API key in the wrong variable.
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { AmplitudeConfig } from "../AmplitudeConfig.js"
import { toDuration } from "./settings.js"

/** An optional variable. If it is missing, the option is undefined. */
const variable = <A>(
  name: string,
  expected: string,
  parse: (text: string) => Option.Option<A>
): Config.Config<A | undefined> =>
  Config.primitive(
    expected,
    (text) => Either.fromOption(parse(text), () => ConfigError.InvalidData([], `Expected ${expected}`))
  ).pipe(
    Config.nested(name),
    Config.withDefault(undefined)
  )

const integer = (name: string, example: number): Config.Config<number | undefined> =>
  variable(
    name,
    `an integer, for example \`${example}\``,
    (text) => text.trim() === "" ? Option.none() : Option.filter(Option.some(Number(text)), Number.isInteger)
  )

const duration = (name: string, example: string): Config.Config<Duration.Duration | undefined> =>
  variable(
    name,
    `a duration, for example \`${example}\` or \`500 millis\``,
    toDuration
  )

const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false
}

const boolean = (name: string): Config.Config<boolean | undefined> =>
  variable(
    name,
    "`true` or `false`",
    (text) => Object.hasOwn(booleans, text) ? Option.some(booleans[text]!) : Option.none()
  )

/** A text that `Settings.decode` checks later. */
const text = <A extends string>(name: string): Config.Config<A | undefined> =>
  variable(name, "a text", (text) => Option.some(text as A))

/** Reads a level by its name or by the label that Effect's loggers print. Upper and lower case are equal. */
const logLevel = (name: string): Config.Config<LogLevel.LogLevel | undefined> =>
  variable(name, "a log level, for example `Debug`", (text) => {
    const wanted = text.trim().toUpperCase()
    return Option.fromNullable(
      LogLevel.allLevels.find(({ _tag, label }) => _tag.toUpperCase() === wanted || label === wanted)
    )
  })

/** The only required variable. */
const apiKey = (name: string): Config.Config<Redacted.Redacted> =>
  Config.option(Config.string()).pipe(
    Config.mapOrFail((key) =>
      Either.fromOption(
        Option.map(key, Redacted.make),
        () => ConfigError.MissingData([], `Expected ${name} to hold the API key of an Amplitude project`)
      )
    ),
    Config.nested(name)
  )

export const environment: Config.Config<AmplitudeConfig.Options> = Config.all({
  apiKey: apiKey("AMPLITUDE_API_KEY"),
  flushQueueSize: integer("AMPLITUDE_FLUSH_QUEUE_SIZE", 200),
  flushInterval: duration("AMPLITUDE_FLUSH_INTERVAL", "10 seconds"),
  flushMaxRetries: integer("AMPLITUDE_FLUSH_MAX_RETRIES", 12),
  minIdLength: integer("AMPLITUDE_MIN_ID_LENGTH", 5),
  serverZone: text<AmplitudeConfig.Zone>("AMPLITUDE_SERVER_ZONE"),
  serverUrl: text("AMPLITUDE_SERVER_URL"),
  useBatch: boolean("AMPLITUDE_USE_BATCH"),
  optOut: boolean("AMPLITUDE_OPT_OUT"),
  requestTimeout: duration("AMPLITUDE_REQUEST_TIMEOUT", "10 seconds"),
  shutdownTimeout: duration("AMPLITUDE_SHUTDOWN_TIMEOUT", "10 seconds"),
  flushConcurrency: integer("AMPLITUDE_FLUSH_CONCURRENCY", 1),
  bufferCapacity: integer("AMPLITUDE_BUFFER_CAPACITY", 100_000),
  overflow: text<AmplitudeConfig.Overflow>("AMPLITUDE_OVERFLOW"),
  compression: text<AmplitudeConfig.Compression>("AMPLITUDE_COMPRESSION"),
  logLevel: logLevel("AMPLITUDE_LOG_LEVEL"),
  reportCapacity: integer("AMPLITUDE_REPORT_CAPACITY", 10_000),
  callbackTimeout: duration("AMPLITUDE_CALLBACK_TIMEOUT", "30 seconds"),
  deliver: boolean("AMPLITUDE_DELIVER")
})

/**
 * Decodes options into settings. An error names the option. No error quotes the API key, even if it is the value of
 * another option, or the password of a URL.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { AmplitudeConfig } from "../AmplitudeConfig.js"
import { InvalidConfig } from "../AmplitudeError.js"
import { EventOptions, IngestionMetadata, Plan } from "../Event.js"
import { kindOf } from "./event/validationIssue.js"
import { holdsKey } from "./redaction.js"

export const defaults: Omit<AmplitudeConfig.Settings, "apiKey"> = {
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
  compression: "none",
  logLevel: undefined,
  reportCapacity: 10_000,
  callbackTimeout: Duration.seconds(30),
  deliver: true
}

/** Why an input is invalid. Without `actual`, the error describes the input. */
interface Mismatch {
  readonly expected: string
  readonly actual?: string | undefined
}

type Decode<A> = (input: unknown) => Either.Either<A, Mismatch>

const decodeBy = <A>(expected: string, decode: (input: unknown) => Option.Option<A>): Decode<A> => (input) =>
  Either.fromOption(decode(input), () => ({ expected }))

/** Decodes with a schema. The parser is made at the first use and not at import, since making it is slow. */
const schema = <A, I>(expected: string, schema: Schema.Schema<A, I>): Decode<A> =>
  decodeBy(expected, (input) => Schema.decodeUnknownOption(schema, { onExcessProperty: "error" })(input))

const positiveInt = schema("a positive integer", Schema.Int.pipe(Schema.positive()))

const boolean = schema("true or false", Schema.Boolean)

/** Whether an input is a negative duration, which `Duration.decode` reads as zero. */
const isNegative = (input: unknown): boolean =>
  Predicate.isNumber(input)
    ? !(input >= 0)
    : Predicate.isBigInt(input)
    ? input < 0n
    : Predicate.isString(input)
    ? input.trim().startsWith("-")
    : Array.isArray(input) && input.some(isNegative)

/** Reads a duration that is not negative. */
export const toDuration = (input: unknown): Option.Option<Duration.Duration> =>
  isNegative(input) ? Option.none() : Duration.decodeUnknown(input)

const positiveDuration = decodeBy(
  "a duration longer than zero",
  (input) => Option.filter(toDuration(input), Duration.greaterThan(Duration.zero))
)

const functionOf = <A>(expected: string): Decode<A> =>
  decodeBy(expected, (input) => Predicate.isFunction(input) ? Option.some(input as A) : Option.none())

const decodeApiKey: Decode<Redacted.Redacted> = (input) => {
  const expected = "a key that is not blank"
  const unwrapped = Redacted.isRedacted(input) ? Option.liftThrowable(Redacted.value)(input) : Option.some(input)
  if (Option.isNone(unwrapped)) return Either.left({ expected, actual: "one that was wiped" })
  const key = unwrapped.value
  if (!Predicate.isString(key)) return Either.left({ expected, actual: kindOf(key) })
  if (key.trim() === "") return Either.left({ expected, actual: "a blank one" })
  return /\s/.test(key)
    ? Either.left({ expected: "a key without white space", actual: "one with white space in it" })
    // the client has its own copy, since the program can wipe the given one
    : Either.right(Redacted.make(key))
}

const decodeServerUrl: Decode<string> = (input) => {
  const url = Predicate.isString(input) ? Option.liftThrowable((input: string) => new URL(input))(input) : Option.none()
  if (Option.isNone(url) || !/^https?:$/.test(url.value.protocol)) {
    return Either.left({ expected: "an http or https URL" })
  }
  return url.value.username === "" && url.value.password === ""
    ? Either.right(input as string)
    : Either.left({ expected: "an http or https URL without a user name and a password", actual: "one that has them" })
}

/** A log level of Effect, or its name. */
const decodeLogLevel: Decode<LogLevel.LogLevel> = decodeBy(
  "a log level: All, Trace, Debug, Info, Warning, Error, Fatal or None",
  (input) => Option.fromNullable(LogLevel.allLevels.find((level) => level === input || level._tag === input))
)

const { event_id: _eventId, insert_id: _insertId, ...defaultFields } = EventOptions.fields

const canCompress = (): boolean => "CompressionStream" in globalThis

const decoders: { readonly [K in keyof AmplitudeConfig.Settings]: Decode<AmplitudeConfig.Settings[K]> } = {
  apiKey: decodeApiKey,
  flushQueueSize: positiveInt,
  flushInterval: positiveDuration,
  flushMaxRetries: schema("an integer of 0 or more", Schema.NonNegativeInt),
  minIdLength: positiveInt,
  serverZone: schema("US or EU", Schema.Literal("US", "EU")),
  serverUrl: decodeServerUrl,
  useBatch: boolean,
  optOut: boolean,
  callback: functionOf("a function from a report to an Effect"),
  plan: schema("an object with branch, source, version or versionId as strings", Schema.Struct(Plan.fields)),
  ingestionMetadata: schema(
    "an object with source_name or source_version as strings",
    Schema.Struct(IngestionMetadata.fields)
  ),
  eventOptions: schema(
    "an object with fields of EventOptions except insert_id and event_id",
    Schema.Struct(defaultFields)
  ),
  requestTimeout: positiveDuration,
  shutdownTimeout: decodeBy("a duration of zero or more", toDuration),
  retrySchedule: decodeBy(
    "a Schedule",
    Option.liftPredicate(Schedule.isSchedule as (u: unknown) => u is Schedule.Schedule<unknown>)
  ),
  flushConcurrency: positiveInt,
  bufferCapacity: positiveInt,
  overflow: schema(
    "dropOldest, dropNewest, suspend or fail",
    Schema.Literal("dropOldest", "dropNewest", "suspend", "fail")
  ),
  compression: schema(
    "none, or gzip where the platform has CompressionStream",
    Schema.Literal("none", "gzip").pipe(Schema.filter((compression) => compression === "none" || canCompress()))
  ),
  logLevel: decodeLogLevel,
  reportCapacity: positiveInt,
  callbackTimeout: positiveDuration,
  deliver: boolean
}

const isSetting = (option: string): option is keyof AmplitudeConfig.Settings => Object.hasOwn(decoders, option)

/**
 * Applies options to the settings `before`. An option that is `undefined` goes back to its default. The key is decoded
 * first, so that no error about another option quotes it.
 */
export const decode = (
  before: Partial<AmplitudeConfig.Settings>,
  options: object
): Effect.Effect<AmplitudeConfig.Settings, InvalidConfig> =>
  Effect.gen(function*() {
    const settings: Record<string, unknown> = { ...before }
    const keys = new Set<string>()
    const addKey = (apiKey: Redacted.Redacted): void => {
      Option.map(Option.liftThrowable(Redacted.value<string>)(apiKey), (key) => keys.add(key))
    }
    if (before.apiKey !== undefined) addKey(before.apiKey)
    for (const [option, input] of Object.entries({ apiKey: before.apiKey, ...options })) {
      // an unchanged key was decoded before, and may be wiped
      if (option === "apiKey" && input !== undefined && input === before.apiKey) continue
      settings[option] = input === undefined && option !== "apiKey" && isSetting(option)
        ? (defaults as Record<string, unknown>)[option]
        : yield* decodeOption(option, input, keys)
      if (option === "apiKey") addKey(settings.apiKey as Redacted.Redacted)
    }
    return settings as unknown as AmplitudeConfig.Settings
  })

const decodeOption = (
  option: string,
  input: unknown,
  keys: ReadonlySet<string>
): Either.Either<unknown, InvalidConfig> =>
  isSetting(option)
    ? Either.mapLeft(
      decoders[option](input) as Either.Either<unknown, Mismatch>,
      ({ actual, expected }) => new InvalidConfig({ option, expected, actual: actual ?? describe(input, keys) })
    )
    : Either.left(
      new InvalidConfig({ option, expected: `one of ${Object.keys(decoders).join(", ")}`, actual: "an unknown option" })
    )

/** The longest text that an error quotes, in UTF-16 units. */
const maxQuoted = 100

/**
 * Describes an input: a short text, a number or a duration as it is, and anything else, or a possible secret, by its
 * kind.
 */
const describe = (input: unknown, keys: ReadonlySet<string>): string => {
  if (Duration.isDuration(input)) return JSON.stringify(Duration.format(input))
  if (!Predicate.isString(input) && !Predicate.isNumber(input)) return kindOf(input)
  const text = Predicate.isString(input) ? JSON.stringify(input) : String(input)
  // the text before an `@` can be the password of a URL
  const mayBeSecret = text.includes("@") || Array.from(keys).some((key) => holdsKey(text, key))
  return text.length > maxQuoted || mayBeSecret ? kindOf(input) : text
}

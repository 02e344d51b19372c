import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Config,
  ConfigError,
  ConfigProvider,
  Duration,
  Effect,
  Exit,
  Layer,
  LogLevel,
  Redacted,
  Schedule
} from "effect"
import {
  Amplitude,
  AmplitudeConfig,
  AmplitudeLive,
  AmplitudeLogger,
  EventStorage,
  InvalidConfig,
  Recorder,
  Transport
} from "effect-amplitude"

const key = "sk-0123456789abcdef"

const bad = (options: object) => options as AmplitudeConfig.Options

const settingsOf = (options: object) => Effect.flatMap(AmplitudeConfig.make(bad(options)), (config) => config.settings)

const withEnvironment = (variables: Readonly<Record<string, string>>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))

const fromEnvironment = (variables: Readonly<Record<string, string>>) =>
  Effect.flatMap(Effect.flatMap(AmplitudeConfig.environment, AmplitudeConfig.make), (config) => config.settings).pipe(
    withEnvironment(variables)
  )

const options = [
  "apiKey",
  "flushQueueSize",
  "flushInterval",
  "flushMaxRetries",
  "minIdLength",
  "serverZone",
  "serverUrl",
  "useBatch",
  "optOut",
  "callback",
  "plan",
  "ingestionMetadata",
  "eventOptions",
  "requestTimeout",
  "shutdownTimeout",
  "retrySchedule",
  "flushConcurrency",
  "bufferCapacity",
  "overflow",
  "compression",
  "logLevel",
  "reportCapacity",
  "callbackTimeout",
  "deliver"
] as const

const notPositiveInts = [0, -1, 1.5, NaN, Infinity, -Infinity, "1", null, true, {}, [], 2 ** 53]
const notPositiveDurations = [
  0,
  -1,
  NaN,
  -Infinity,
  "0 seconds",
  "-1 seconds",
  "soon",
  "",
  null,
  true,
  {},
  Duration.zero
]
const notBooleans = [0, 1, "true", "", null, {}]

function wiped() {
  const redacted = Redacted.make(key)
  Redacted.unsafeWipe(redacted)
  return redacted
}

/** Every fault of every option. */
const faults: { readonly [option in typeof options[number]]: ReadonlyArray<unknown> } = {
  apiKey: [
    undefined,
    null,
    "",
    " ",
    "\t\n",
    `${key}\n`,
    ` ${key}`,
    `${key.slice(0, 4)} ${key.slice(4)}`,
    `${key}\u00a0`,
    Redacted.make(""),
    Redacted.make("  "),
    Redacted.make(`${key} `),
    Redacted.make(5),
    wiped(),
    5,
    {},
    [key]
  ],
  flushQueueSize: notPositiveInts,
  flushInterval: notPositiveDurations,
  flushMaxRetries: [-1, 0.5, NaN, Infinity, "1", null, {}],
  minIdLength: notPositiveInts,
  serverZone: ["eu", "us", "Eu", "EU ", "", "UK", null, 0, {}],
  serverUrl: [
    "",
    " ",
    "localhost",
    "localhost:3000",
    "ftp://host",
    "file:///tmp",
    "//host",
    "http://",
    `http://name:${key}@host`,
    `http://${key}@host`,
    `http://:${key}@host`,
    5,
    null,
    {}
  ],
  useBatch: notBooleans,
  optOut: notBooleans,
  callback: [null, "callback", {}, Effect.void],
  plan: [null, "plan", [], { branch: 1 }, { branch: null }, { Branch: "main" }],
  ingestionMetadata: [null, "source", [], { source_name: 1 }, { sourceName: "name" }],
  eventOptions: [
    null,
    "options",
    [],
    { insert_id: "id" },
    { event_id: 1 },
    { userId: "user-12345" },
    { user_id: 5 },
    { user_id: null },
    { time: 1.5 },
    { price: NaN },
    { event_type: "type" },
    { event_properties: {} },
    { plan: { Branch: "main" } }
  ],
  requestTimeout: notPositiveDurations,
  shutdownTimeout: [-1, NaN, -Infinity, -1n, [-1, 0], [0, -1], "-1 seconds", "soon", "", null, true, {}],
  retrySchedule: [null, "1 second", 5, {}, Duration.seconds(1), () => Schedule.forever],
  flushConcurrency: notPositiveInts,
  bufferCapacity: notPositiveInts,
  overflow: ["drop", "DropOldest", "", null, 0, {}],
  compression: ["br", "GZIP", "", null, true],
  logLevel: ["debug", "DEBUG", "Loud", "", null, 0, {}, { _tag: "Debug" }],
  reportCapacity: notPositiveInts,
  callbackTimeout: notPositiveDurations,
  deliver: notBooleans
}

const assertNames = (error: InvalidConfig, option: string): void => {
  assert.instanceOf(error, InvalidConfig)
  assert.strictEqual(error._tag, "InvalidConfig")
  assert.strictEqual(error.option, option)
  assert.isTrue(error.message.startsWith(`${option}: expected `), error.message)
  assert.notInclude(error.message, key)
  assert.notInclude(JSON.stringify(error), key)
  assert.notInclude(String(error), key)
}

describe("AmplitudeConfig", () => {
  describe("R2: what cannot be used is refused by name", () => {
    for (const option of options) {
      it.effect(
        option,
        () =>
          Effect.forEach(
            faults[option],
            (value) =>
              Effect.map(Effect.flip(AmplitudeConfig.make(bad({ apiKey: key, [option]: value }))), (error) =>
                assertNames(error, option))
          )
      )
    }

    it.effect("a duration, with its value", () =>
      Effect.map(
        Effect.flip(AmplitudeConfig.make({ apiKey: key, flushInterval: Duration.zero })),
        (error) => assert.strictEqual(error.message, "flushInterval: expected a duration longer than zero, got \"0\"")
      ))

    it.effect("an absent key", () =>
      Effect.map(Effect.flip(AmplitudeConfig.make(bad({}))), (error) => {
        assertNames(error, "apiKey")
        assert.include(error.message, "undefined")
      }))

    it.effect("an unknown option, with the known ones", () =>
      Effect.gen(function*() {
        for (const option of ["flushQueuesize", "api_key", "toString", "constructor", "hasOwnProperty"]) {
          const error = yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: key, [option]: 1 })))
          assertNames(error, option)
          for (const known of options) assert.include(error.message, known)
        }
      }))

    it.effect("says what was given, but of the key", () =>
      Effect.gen(function*() {
        const zone = yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: key, serverZone: "eu" })))
        assert.strictEqual(zone.message, "serverZone: expected US or EU, got \"eu\"")
        const size = yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: key, flushQueueSize: -3 })))
        assert.strictEqual(size.message, "flushQueueSize: expected a positive integer, got -3")
        const blank = yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: " " })))
        assert.strictEqual(blank.message, "apiKey: expected a key that is not blank, got a blank one")
        const list = yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: [key] })))
        assert.strictEqual(list.message, "apiKey: expected a key that is not blank, got an array")
        const pasted = yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: `${key}\n` })))
        assert.strictEqual(
          pasted.message,
          "apiKey: expected a key without white space, got one with white space in it"
        )
        const level = yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: key, logLevel: "Loud" })))
        assert.strictEqual(
          level.message,
          "logLevel: expected a log level: All, Trace, Debug, Info, Warning, Error, Fatal or None, got \"Loud\""
        )
      }))

    it.effect("never quotes the key, whichever option it was given as, and in whatever form", () =>
      Effect.gen(function*() {
        const forms = [key, key.toUpperCase(), ` ${key}`, `api_key=${key}`, Buffer.from(key).toString("base64")]
        for (const option of options.filter((option) => option !== "apiKey")) {
          for (const form of forms) {
            const error = yield* Effect.flip(AmplitudeConfig.make(bad({ [option]: form, apiKey: key })))
            assertNames(error, option)
            assert.notInclude(error.message, form)
            const config = yield* AmplitudeConfig.make({ apiKey: key })
            for (const patch of [{ [option]: form }, { [option]: form, apiKey: Redacted.make("another-key") }]) {
              assert.notInclude((yield* Effect.flip(config.update(patch as object))).message, form)
            }
          }
        }
        const numeric = yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: "1234567", flushQueueSize: -1234567 })))
        assert.strictEqual(numeric.message, "flushQueueSize: expected a positive integer, got a number")
      }))

    it.effect("never quotes a password", () =>
      Effect.gen(function*() {
        for (const option of ["serverUrl", "serverZone", "flushInterval"]) {
          for (const url of ["http://name:p4ssw0rd@host/in", "name:p4ssw0rd@host", "ftp://p4ssw0rd@host"]) {
            const error = yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: key, [option]: url })))
            assertNames(error, option)
            assert.notInclude(error.message, "p4ssw0rd")
          }
        }
        const error = yield* Effect.flip(AmplitudeConfig.make({ apiKey: key, serverUrl: "http://name:pw@host" }))
        assert.strictEqual(
          error.message,
          "serverUrl: expected an http or https URL without a user name and a password, got one that has them"
        )
        const { serverUrl } = yield* settingsOf({ apiKey: key, serverUrl: "https://host/in?mail=a@b.c" })
        assert.strictEqual(serverUrl, "https://host/in?mail=a@b.c")
      }))
  })

  describe("settings", () => {
    it.effect("the defaults are exact", () =>
      Effect.gen(function*() {
        const { apiKey, retrySchedule, ...settings } = yield* settingsOf({ apiKey: key })
        assert.strictEqual(Redacted.value(apiKey), key)
        assert.strictEqual(retrySchedule, AmplitudeConfig.defaults.retrySchedule)
        assert.deepStrictEqual(settings, {
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
          flushConcurrency: 1,
          bufferCapacity: 100_000,
          overflow: "dropOldest",
          compression: "none",
          logLevel: undefined,
          reportCapacity: 10_000,
          callbackTimeout: Duration.seconds(30),
          deliver: true
        })
        const { apiKey: _apiKey, ...all } = yield* settingsOf({ apiKey: key })
        assert.deepStrictEqual(all, AmplitudeConfig.defaults)
      }))

    it.effect("the default schedule doubles from 100 milliseconds, jittered by a fifth", () =>
      Effect.gen(function*() {
        const driver = Schedule.run(
          Schedule.delays(AmplitudeConfig.defaults.retrySchedule),
          0,
          Array.from({ length: 12 }, () => ({ code: 503 }))
        )
        const delays = Array.from(yield* driver, Duration.toMillis)
        assert.strictEqual(delays.length, 12)
        delays.forEach((delay, step) => {
          assert.isAtLeast(delay, 100 * 2 ** step * 0.8)
          assert.isAtMost(delay, 100 * 2 ** step * 1.2)
        })
      }))

    it.effect("what is given is decoded", () =>
      Effect.gen(function*() {
        const callback = () => Effect.void
        const retrySchedule = Schedule.spaced("1 second")
        const given = {
          apiKey: Redacted.make(key),
          flushQueueSize: 5000,
          flushMaxRetries: 0,
          minIdLength: 1,
          serverZone: "EU",
          serverUrl: "https://proxy.example:8443/amplitude?tenant=1",
          useBatch: true,
          optOut: true,
          callback,
          plan: { branch: "main", source: "web", version: "1", versionId: "id" },
          ingestionMetadata: { source_name: "name", source_version: "1" },
          eventOptions: { user_id: "user-12345", time: 0, plan: { branch: "other" } },
          retrySchedule,
          flushConcurrency: 4,
          bufferCapacity: 1,
          overflow: "fail",
          compression: "gzip",
          logLevel: LogLevel.Debug,
          reportCapacity: 1,
          deliver: false
        }
        const durations = {
          flushInterval: "5 seconds",
          requestTimeout: 250,
          shutdownTimeout: 0,
          callbackTimeout: "1 minute"
        }
        const settings = yield* settingsOf({ ...given, ...durations })
        assert.deepStrictEqual(settings, {
          ...given,
          callbackTimeout: Duration.minutes(1),
          flushInterval: Duration.seconds(5),
          requestTimeout: Duration.millis(250),
          shutdownTimeout: Duration.zero
        } as unknown as AmplitudeConfig.Settings)
        for (const overflow of ["dropOldest", "dropNewest", "suspend", "fail"]) {
          assert.strictEqual((yield* settingsOf({ apiKey: key, overflow })).overflow, overflow)
        }
      }))

    it.effect("a log level is one of Effect's, or its name", () =>
      Effect.gen(function*() {
        for (const level of LogLevel.allLevels) {
          assert.strictEqual((yield* settingsOf({ apiKey: key, logLevel: level })).logLevel, level)
          assert.strictEqual((yield* settingsOf({ apiKey: key, logLevel: level._tag })).logLevel, level)
        }
      }))

    it.effect("the key lives as long as the settings, whatever happens to the one that was given", () =>
      Effect.gen(function*() {
        const given = Redacted.make(key)
        const config = yield* AmplitudeConfig.make({ apiKey: given })
        Redacted.unsafeWipe(given)
        assert.strictEqual(Redacted.value((yield* config.settings).apiKey), key)
        yield* config.update({ useBatch: true })
        assert.strictEqual(Redacted.value((yield* config.settings).apiKey), key)
      }))

    it.effect("an option that is undefined is not given, save the key", () =>
      Effect.gen(function*() {
        const undefinedOptions = Object.fromEntries(options.map((option) => [option, undefined]))
        const settings = yield* settingsOf({ ...undefinedOptions, apiKey: key })
        const { apiKey: _apiKey, ...rest } = settings
        assert.deepStrictEqual(rest, AmplitudeConfig.defaults)
        assertNames(yield* Effect.flip(AmplitudeConfig.make(bad(undefinedOptions))), "apiKey")
      }))

    it.effect("gzip needs a platform that can compress", () =>
      Effect.gen(function*() {
        const stream = globalThis.CompressionStream
        yield* Effect.acquireRelease(
          Effect.sync(() => Reflect.deleteProperty(globalThis, "CompressionStream")),
          () => Effect.sync(() => Object.assign(globalThis, { CompressionStream: stream }))
        )
        assertNames(yield* Effect.flip(AmplitudeConfig.make({ apiKey: key, compression: "gzip" })), "compression")
        yield* AmplitudeConfig.make({ apiKey: key, compression: "none" })
      }).pipe(Effect.scoped))

    it.effect("the key does not show when settings are printed", () =>
      Effect.map(settingsOf({ apiKey: key }), (settings) => {
        assert.notInclude(JSON.stringify(settings), key)
        assert.notInclude(String(settings.apiKey), key)
      }))
  })

  describe("environment", () => {
    const variables: ReadonlyArray<readonly [string, string, keyof AmplitudeConfig.Settings, unknown]> = [
      ["AMPLITUDE_FLUSH_QUEUE_SIZE", "7", "flushQueueSize", 7],
      ["AMPLITUDE_FLUSH_INTERVAL", "3 seconds", "flushInterval", Duration.seconds(3)],
      ["AMPLITUDE_FLUSH_MAX_RETRIES", "0", "flushMaxRetries", 0],
      ["AMPLITUDE_MIN_ID_LENGTH", "1", "minIdLength", 1],
      ["AMPLITUDE_SERVER_ZONE", "EU", "serverZone", "EU"],
      ["AMPLITUDE_SERVER_URL", "http://localhost:3000/in?a=b", "serverUrl", "http://localhost:3000/in?a=b"],
      ["AMPLITUDE_USE_BATCH", "true", "useBatch", true],
      ["AMPLITUDE_OPT_OUT", "yes", "optOut", true],
      ["AMPLITUDE_REQUEST_TIMEOUT", "250 millis", "requestTimeout", Duration.millis(250)],
      ["AMPLITUDE_SHUTDOWN_TIMEOUT", "0 seconds", "shutdownTimeout", Duration.zero],
      ["AMPLITUDE_FLUSH_CONCURRENCY", "4", "flushConcurrency", 4],
      ["AMPLITUDE_BUFFER_CAPACITY", "10", "bufferCapacity", 10],
      ["AMPLITUDE_OVERFLOW", "suspend", "overflow", "suspend"],
      ["AMPLITUDE_COMPRESSION", "gzip", "compression", "gzip"],
      ["AMPLITUDE_LOG_LEVEL", "Debug", "logLevel", LogLevel.Debug],
      ["AMPLITUDE_LOG_LEVEL", "warn", "logLevel", LogLevel.Warning],
      ["AMPLITUDE_LOG_LEVEL", "NONE", "logLevel", LogLevel.None],
      ["AMPLITUDE_REPORT_CAPACITY", "5", "reportCapacity", 5],
      ["AMPLITUDE_CALLBACK_TIMEOUT", "1 minute", "callbackTimeout", Duration.minutes(1)],
      ["AMPLITUDE_DELIVER", "false", "deliver", false]
    ]

    for (const [name, text, option, value] of variables) {
      it.effect(`${name}=${text} is ${option}, and nothing else`, () =>
        Effect.gen(function*() {
          const { apiKey, ...settings } = yield* fromEnvironment({ AMPLITUDE_API_KEY: key, [name]: text })
          assert.strictEqual(Redacted.value(apiKey), key)
          assert.deepStrictEqual<object>(settings, { ...AmplitudeConfig.defaults, [option]: value })
        }))
    }

    it.effect("the key alone is enough", () =>
      Effect.map(
        fromEnvironment({ AMPLITUDE_API_KEY: key }),
        ({ apiKey: _apiKey, ...settings }) => assert.deepStrictEqual(settings, AmplitudeConfig.defaults)
      ))

    for (
      const [name, text] of [
        ["AMPLITUDE_FLUSH_QUEUE_SIZE", "many"],
        ["AMPLITUDE_FLUSH_QUEUE_SIZE", "1.5"],
        ["AMPLITUDE_FLUSH_INTERVAL", "soon"],
        ["AMPLITUDE_FLUSH_MAX_RETRIES", "some"],
        ["AMPLITUDE_MIN_ID_LENGTH", "x"],
        ["AMPLITUDE_USE_BATCH", "maybe"],
        ["AMPLITUDE_OPT_OUT", "perhaps"],
        ["AMPLITUDE_REQUEST_TIMEOUT", "later"],
        ["AMPLITUDE_SHUTDOWN_TIMEOUT", "never mind"],
        ["AMPLITUDE_SHUTDOWN_TIMEOUT", "-5 seconds"],
        ["AMPLITUDE_FLUSH_CONCURRENCY", "one"],
        ["AMPLITUDE_BUFFER_CAPACITY", "all"],
        ["AMPLITUDE_FLUSH_MAX_RETRIES", ""],
        ["AMPLITUDE_FLUSH_INTERVAL", ""],
        ["AMPLITUDE_LOG_LEVEL", "loud"],
        ["AMPLITUDE_LOG_LEVEL", ""],
        ["AMPLITUDE_REPORT_CAPACITY", "few"],
        ["AMPLITUDE_CALLBACK_TIMEOUT", "soon"],
        ["AMPLITUDE_DELIVER", "perhaps"],
        ["AMPLITUDE_FLUSH_QUEUE_SIZE", key],
        ["AMPLITUDE_FLUSH_INTERVAL", key],
        ["AMPLITUDE_USE_BATCH", key],
        ["AMPLITUDE_LOG_LEVEL", key]
      ] as const
    ) {
      it.effect(`${name}=${text} is a ConfigError that names it`, () =>
        Effect.gen(function*() {
          const exit = yield* Effect.exit(
            Effect.scoped(Layer.build(AmplitudeLive)).pipe(withEnvironment({ AMPLITUDE_API_KEY: key, [name]: text }))
          )
          const shown = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "a success"
          assert.include(shown, name)
          assert.notInclude(shown, key)
          const error = yield* Effect.flip(fromEnvironment({ AMPLITUDE_API_KEY: key, [name]: text }))
          assert.isTrue(ConfigError.isConfigError(error))
          assert.strictEqual((error as { readonly _op?: string })._op, "InvalidData")
        }))
    }

    for (
      const [name, text, option] of [
        ["AMPLITUDE_API_KEY", "", "apiKey"],
        ["AMPLITUDE_API_KEY", "  ", "apiKey"],
        ["AMPLITUDE_FLUSH_QUEUE_SIZE", "0", "flushQueueSize"],
        ["AMPLITUDE_FLUSH_INTERVAL", "0 seconds", "flushInterval"],
        ["AMPLITUDE_FLUSH_MAX_RETRIES", "-1", "flushMaxRetries"],
        ["AMPLITUDE_MIN_ID_LENGTH", "0", "minIdLength"],
        ["AMPLITUDE_SERVER_ZONE", "eu", "serverZone"],
        ["AMPLITUDE_SERVER_ZONE", "", "serverZone"],
        ["AMPLITUDE_SERVER_URL", "localhost", "serverUrl"],
        ["AMPLITUDE_REQUEST_TIMEOUT", "0 seconds", "requestTimeout"],
        ["AMPLITUDE_FLUSH_CONCURRENCY", "0", "flushConcurrency"],
        ["AMPLITUDE_BUFFER_CAPACITY", "-5", "bufferCapacity"],
        ["AMPLITUDE_OVERFLOW", "drop", "overflow"],
        ["AMPLITUDE_COMPRESSION", "zip", "compression"],
        ["AMPLITUDE_SERVER_ZONE", " ", "serverZone"],
        ["AMPLITUDE_SERVER_ZONE", key, "serverZone"],
        ["AMPLITUDE_SERVER_URL", `https://name:${key}@host`, "serverUrl"],
        ["AMPLITUDE_API_KEY", `${key}\n`, "apiKey"],
        ["AMPLITUDE_REPORT_CAPACITY", "0", "reportCapacity"],
        ["AMPLITUDE_CALLBACK_TIMEOUT", "0 seconds", "callbackTimeout"]
      ] as const
    ) {
      it.effect(`${name}=${JSON.stringify(text)} fails the build and names ${option}`, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(Effect.scoped(Layer.build(AmplitudeLive))).pipe(
            withEnvironment({ AMPLITUDE_API_KEY: key, [name]: text })
          )
          assertNames(error as InvalidConfig, option)
        }))
    }

    it.effect("without the key AmplitudeLive fails with a ConfigError that names the variable", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(AmplitudeLive))).pipe(withEnvironment({}))
        assert.strictEqual((error as { readonly _op?: string })._op, "MissingData")
        assert.include(String(error), "AMPLITUDE_API_KEY")
        assert.include(String(error), "Expected AMPLITUDE_API_KEY to hold the API key of an Amplitude project")
        assert.notInclude(String(error), "<redacted>")
      }))

    it.effect("a duration that cannot be read shows one that can, and any variable what can be written there", () =>
      Effect.gen(function*() {
        const messageOf = (name: string) =>
          Effect.map(Effect.flip(fromEnvironment({ AMPLITUDE_API_KEY: key, [name]: "soon" })), String)
        for (const [name, example] of [["FLUSH_INTERVAL", "10"], ["CALLBACK_TIMEOUT", "30"]] as const) {
          assert.include(
            yield* messageOf(`AMPLITUDE_${name}`),
            `Expected a duration, for example \`${example} seconds\` or \`500 millis\``
          )
        }
        assert.include(yield* messageOf("AMPLITUDE_FLUSH_QUEUE_SIZE"), "Expected an integer, for example `200`")
        assert.include(yield* messageOf("AMPLITUDE_USE_BATCH"), "Expected `true` or `false`")
        assert.include(yield* messageOf("AMPLITUDE_LOG_LEVEL"), "Expected a log level, for example `Debug`")
      }))

    it.effect("AmplitudeLive builds from the key alone", () =>
      Effect.map(
        Effect.exit(Effect.scoped(Layer.build(AmplitudeLive)).pipe(withEnvironment({ AMPLITUDE_API_KEY: key }))),
        (exit) => assert.isTrue(Exit.isSuccess(exit))
      ))

    it.effect("variables of the user's choice", () =>
      Effect.gen(function*() {
        const layer = AmplitudeConfig.layerConfig({
          apiKey: Config.redacted("ANALYTICS_KEY"),
          flushQueueSize: Config.integer("ANALYTICS_BATCH").pipe(Config.withDefault(3))
        })
        const settings = yield* Effect.flatMap(AmplitudeConfig, (config) => config.settings).pipe(
          Effect.provide(layer),
          withEnvironment({ ANALYTICS_KEY: key })
        )
        assert.strictEqual(Redacted.value(settings.apiKey), key)
        assert.strictEqual(settings.flushQueueSize, 3)
        const missing = yield* Effect.flip(Effect.scoped(Layer.build(layer))).pipe(withEnvironment({}))
        assert.include(String(missing), "ANALYTICS_KEY")
      }))
  })

  describe("update", () => {
    it.effect("an absent key stays, undefined goes back to the default", () =>
      Effect.gen(function*() {
        const config = yield* AmplitudeConfig.make({ apiKey: key, flushQueueSize: 5, minIdLength: 1, optOut: true })
        yield* config.update({ flushInterval: "1 second", minIdLength: undefined })
        const settings = yield* config.settings
        assert.strictEqual(settings.flushQueueSize, 5)
        assert.strictEqual(settings.minIdLength, undefined)
        assert.strictEqual(settings.optOut, true)
        assert.deepStrictEqual(settings.flushInterval, Duration.seconds(1))
        assert.strictEqual(Redacted.value(settings.apiKey), key)
        assert.strictEqual(config.unsafeSettings(), settings)
        yield* config.update({ flushQueueSize: undefined, flushInterval: undefined, optOut: undefined })
        const { apiKey: _apiKey, ...rest } = yield* config.settings
        assert.deepStrictEqual(rest, AmplitudeConfig.defaults)
      }))

    it.effect("an invalid patch changes nothing, also for later ones", () =>
      Effect.gen(function*() {
        const config = yield* AmplitudeConfig.make({ apiKey: key, flushQueueSize: 5 })
        const before = yield* config.settings
        for (const option of options) {
          const [fault] = faults[option].filter((value) => value !== undefined)
          const error = yield* Effect.flip(config.update({ optOut: true, useBatch: true, [option]: fault }))
          assertNames(error, option)
          assert.strictEqual(yield* config.settings, before)
        }
        assertNames(yield* Effect.flip(config.update({ optOut: true, nope: 1 } as object)), "nope")
        assertNames(yield* Effect.flip(config.update({ optOut: true, apiKey: undefined } as object)), "apiKey")
        yield* config.update({ bufferCapacity: 1 })
        const { apiKey: _apiKey, ...after } = yield* config.settings
        assert.deepStrictEqual(after, { ...AmplitudeConfig.defaults, flushQueueSize: 5, bufferCapacity: 1 })
      }))

    it.effect("an update is an effect: each run reads the settings of its time", () =>
      Effect.gen(function*() {
        const config = yield* AmplitudeConfig.make({ apiKey: key })
        const once = config.update({ flushQueueSize: 5 })
        assert.strictEqual((yield* config.settings).flushQueueSize, 200)
        yield* once
        yield* config.update({ flushQueueSize: 6, useBatch: true })
        yield* once
        assert.strictEqual((yield* config.settings).flushQueueSize, 5)
        assert.strictEqual((yield* config.settings).useBatch, true)
      }))
  })

  describe("R3: two made from one value", () => {
    it.effect("share nothing", () =>
      Effect.gen(function*() {
        const shared = { apiKey: key, eventOptions: { user_id: "user-12345", plan: { branch: "main" } } }
        const one = yield* AmplitudeConfig.make(shared)
        const other = yield* AmplitudeConfig.make(shared)
        yield* one.update({ flushQueueSize: 5, eventOptions: { user_id: "user-99999" } })
        assert.strictEqual((yield* other.settings).flushQueueSize, 200)
        assert.strictEqual((yield* other.settings).eventOptions?.user_id, "user-12345")
        assert.notStrictEqual((yield* other.settings).eventOptions, shared.eventOptions)
        assert.deepStrictEqual(shared.eventOptions, { user_id: "user-12345", plan: { branch: "main" } })
      }))

    it.effect("later changes of the value are not seen", () =>
      Effect.gen(function*() {
        const shared = {
          apiKey: key,
          flushQueueSize: 5,
          eventOptions: { user_id: "user-12345", plan: { branch: "main" } }
        }
        const config = yield* AmplitudeConfig.make(shared)
        shared.flushQueueSize = 6
        shared.eventOptions.user_id = "user-99999"
        shared.eventOptions.plan.branch = "other"
        const expected = { user_id: "user-12345", plan: { branch: "main" } }
        assert.deepStrictEqual<object | undefined>((yield* config.settings).eventOptions, expected)
        yield* config.update({ optOut: true })
        const settings = yield* config.settings
        assert.strictEqual(settings.flushQueueSize, 5)
        assert.deepStrictEqual<object | undefined>(settings.eventOptions, expected)
      }))

    it.effect("one layer, built twice: two values", () =>
      Effect.gen(function*() {
        const layer = AmplitudeConfig.layer({ apiKey: key })
        const build = Effect.provide(AmplitudeConfig, Layer.fresh(layer))
        assert.notStrictEqual(yield* build, yield* build)
      }))
  })

  describe("layers", () => {
    for (const option of options) {
      it.effect(`Amplitude.layer, make and layerServices fail on ${option}`, () =>
        Effect.gen(function*() {
          const given = bad({ apiKey: key, [option]: faults[option][0] })
          assertNames(yield* Effect.flip(Effect.scoped(Layer.build(Amplitude.layer(given)))), option)
          assertNames(yield* Effect.flip(Effect.scoped(Amplitude.make(given))), option)
          const services = Amplitude.layerServices.pipe(
            Layer.provide([EventStorage.layerMemory, Transport.layerFetch, AmplitudeLogger.layerNone]),
            Layer.provide(AmplitudeConfig.layer(given))
          )
          assertNames(yield* Effect.flip(Effect.scoped(Layer.build(services))), option)
        }))
    }

    it.effect("plugins that cannot be added are InvalidConfig", () =>
      Effect.gen(function*() {
        const plugin = { _tag: "Before", name: "same", execute: Effect.succeed }
        const failing = { ...plugin, setup: () => Effect.fail("no") }
        for (const plugins of [{}, "plugin", null, [1], [plugin, plugin], [{ name: "no plugin" }], [failing]]) {
          const given = bad({ apiKey: key, plugins })
          assertNames(yield* Effect.flip(Effect.scoped(Amplitude.make(given))), "plugins")
          assertNames(yield* Effect.flip(Effect.scoped(Layer.build(Amplitude.layer(given)))), "plugins")
          assertNames(yield* Effect.flip(Effect.scoped(Layer.build(Recorder.layer(given)))), "plugins")
        }
        assertNames(yield* Effect.flip(AmplitudeConfig.make(bad({ apiKey: key, plugins: [] }))), "plugins")
        const config = yield* AmplitudeConfig.make({ apiKey: key })
        assertNames(yield* Effect.flip(config.update({ plugins: [] } as object)), "plugins")
      }))

    it.effect("making the effect does not throw, running it does not die", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(Amplitude.layerConfig({
          apiKey: Config.redacted("KEY"),
          flushQueueSize: Config.succeed(-1)
        })))).pipe(withEnvironment({ KEY: key }))
        assertNames(error as InvalidConfig, "flushQueueSize")
      }))
  })

  describe("deliver: false", () => {
    const build = (durability: EventStorage.Service["durability"]) =>
      Layer.build(Layer.provide(
        Amplitude.layerStorage({ apiKey: "key", deliver: false }),
        Layer.provide(
          Layer.effect(EventStorage, Effect.map(EventStorage, (storage) => ({ ...storage, durability }))),
          EventStorage.layerMemory
        )
      ))

    it.scoped("needs a shared storage", () =>
      Effect.gen(function*() {
        yield* build("shared")
        for (const durability of ["exclusive", "process"] as const) {
          const error = yield* Effect.flip(build(durability))
          assertNames(error, "deliver")
          assert.include(error.message, "shared")
        }
      }))
  })
})

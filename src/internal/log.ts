/**
 * The log of a client. A fiber of its own writes the lines to the `AmplitudeLogger`, so that nobody waits for a logger.
 * Frequent lines are logged in bursts: one line at once, then at most one a minute with the count.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Runtime from "effect/Runtime"
import type { AmplitudeConfig } from "../AmplitudeConfig.js"
import type { AmplitudeLogger } from "../AmplitudeLogger.js"
import type { Reason } from "../DeliveryReport.js"
import { apiKeyOf } from "./apiKey.js"
import { addTypes, maxTypes, ofTypes, typeOf, withoutValues } from "./eventWords.js"
import { redact } from "./redaction.js"
import * as TaskQueue from "./taskQueue.js"

/** Effect's own logger. */
export const effect: AmplitudeLogger.Service = {
  log: (level, message, annotations) => Effect.annotateLogs(Effect.logWithLevel(level, message), annotations),
  minimumLevel: FiberRef.get(FiberRef.currentMinimumLogLevel)
}

/** A logger that writes nothing. */
export const none: AmplitudeLogger.Service = { log: () => Effect.void }

export interface Line {
  readonly level: LogLevel.LogLevel
  /** The module of the library that the line is about. */
  readonly module: string
  readonly message: string
  readonly annotations?: Readonly<Record<string, unknown>> | undefined
}

/** A line that waits for the logger. It keeps the setting `logLevel` of the time when it was made. */
interface Queued extends Line {
  readonly logLevel: LogLevel.LogLevel | undefined
}

/** A request with its answer. */
export interface Sent {
  readonly events: number
  /** Bytes of the uncompressed body. */
  readonly bytes: number
  /** The HTTP status, or 0 without a whole answer. */
  readonly status: number
  /** How many requests have carried the first event. */
  readonly attempt: number
  /** The body of the answer, or the reason why there is none. */
  readonly answer: string
  /** The key of the request, which the answer can repeat. The settings can have another key meanwhile. */
  readonly apiKey: string
}

/** Events that are dropped or retried for the same cause. */
export interface Affected {
  readonly count: number
  /** The HTTP status, or 0 without an answer. */
  readonly code: number
  /** The message of the report. */
  readonly message: string
  /** The events as objects. They are read only if the line needs them, and before the call returns. */
  readonly events: Iterable<unknown>
}

export interface Log {
  readonly write: (line: Line) => void
  /**
   * Logs that something of a kind happened `count` times. Later lines of the burst use the first `line` of the kind.
   */
  readonly burst: (kind: string, count: number, line: (count: number) => Line) => void
  /** Whether accepted events are logged. The caller decodes the JSON of an event only then. */
  readonly isDebug: () => boolean
  /** Logs an accepted event by its JSON. */
  readonly accepted: (json: string) => void
  readonly sent: (sent: Sent) => void
  readonly dropped: (module: string, reason: Reason, affected: Affected) => void
  readonly retried: (module: string, affected: Affected) => void
  /**
   * Writes the remaining lines and stops the timers. It does not wait for a logger that suspends. A burst that begins
   * later writes its first line only.
   */
  readonly end: Effect.Effect<void>
}

/** `1 event`, `2 events`. */
export const counted = (count: number, one: string, many: string = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** `once`, `2 times`. */
export const times = (count: number): string => count === 1 ? "once" : `${count} times`

/** A cause as text. An error from user code may throw when it is read. */
export const causeText = (cause: Cause.Cause<unknown>): string =>
  Option.getOrElse(
    Option.liftThrowable((cause: Cause.Cause<unknown>) => Cause.pretty(cause))(cause),
    () => "an error that cannot be read"
  )

/** The most lines that wait for a logger. */
const maxLines = 10_000

/** The most kinds of bursts at a time, and the most kinds of one reason. */
const maxBursts = 200
const maxCauses = 20

/** The longest answer in a line, in UTF-16 units. */
const maxAnswerLength = 1000

/** The most events that are read to name their types in a line. */
const maxRead = 100

interface Burst {
  /** The count since the last line. */
  unwritten: number
  readonly line: (count: number, types: ReadonlySet<string>) => Line
  /** The types of the events since the last line, as far as they were read. */
  readonly types: Set<string>
  readonly timer: Fiber.RuntimeFiber<void> | undefined
}

interface State {
  readonly settings: () => AmplitudeConfig.Settings
  readonly lines: TaskQueue.TaskQueue<Queued>
  readonly bursts: Map<string, Burst>
  readonly fork: (effect: Effect.Effect<void>) => Fiber.RuntimeFiber<void>
  /** The minimum level of the logger, for settings without `logLevel`. */
  readonly loggerLevel: LogLevel.LogLevel
  /** The minimum level of the program. */
  readonly programLevel: LogLevel.LogLevel
  hasEnded: boolean
}

export const make = (logger: AmplitudeLogger.Service, config: AmplitudeConfig.Service): Effect.Effect<Log> =>
  Effect.gen(function*() {
    const runtime = yield* Effect.runtime<never>()
    const fork = Runtime.runFork(runtime)
    const state: State = {
      settings: () => config.unsafeSettings(),
      lines: yield* makeLines(logger, config),
      bursts: new Map(),
      fork: (effect) => fork(Effect.interruptible(effect)),
      loggerLevel: yield* minimumOf(logger),
      programLevel: yield* FiberRef.get(FiberRef.currentMinimumLogLevel),
      hasEnded: false
    }
    return {
      write: (line) => write(state, line),
      burst: (kind, count, line) => addToBurst(state, kind, count, line),
      isDebug: () => isDebug(state),
      accepted: (json) => write(state, acceptedLine(json)),
      sent: (sent) => {
        if (isWritten(state, LogLevel.Debug)) write(state, sentLine(sent))
      },
      dropped: (module, reason, affected) =>
        addAffected(state, `dropped ${reason}`, reason, affected, (count, cause) => ({
          level: reason === "InvalidApiKey" ? LogLevel.Error : LogLevel.Warning,
          module,
          message: `${counted(count, "event")} dropped: ${reason} (${reasons[reason]}): ${cause}` +
            (reason === "InvalidApiKey" ? `. ${zoneHint(state.settings())}` : ""),
          annotations: { reason }
        })),
      retried: (module, affected) =>
        addAffected(state, "retried", undefined, affected, (count, cause) => ({
          level: LogLevel.Warning,
          module,
          message:
            `${counted(count, "retry", "retries")}: ${count === 1 ? "the event is" : "events are"} sent again: ` +
            cause
        })),
      end: Effect.suspend(() => end(state))
    }
  })

/** The `minimumLevel` of a logger. Default: every level. */
const minimumOf = (logger: AmplitudeLogger.Service): Effect.Effect<LogLevel.LogLevel> =>
  Effect.catchAllCause(
    Effect.suspend(() => logger.minimumLevel ?? Effect.succeed(LogLevel.All)),
    () => Effect.succeed(LogLevel.All)
  )

/** The queue of lines for the logger. The API key is removed from every line. */
const makeLines = (
  logger: AmplitudeLogger.Service,
  config: AmplitudeConfig.Service
): Effect.Effect<TaskQueue.TaskQueue<Queued>> => {
  let lost = 0
  const log = ({ annotations, level, logLevel, message, module }: Queued): Effect.Effect<void> =>
    Effect.suspend(() => {
      const key = apiKeyOf(config.unsafeSettings())
      const withoutKey = (text: unknown): unknown => Predicate.isString(text) ? redact(text, key) : text
      const logged = logger.log(
        level,
        withoutKey(message) as string,
        { package: "effect-amplitude", module, ...Record.map(annotations ?? {}, withoutKey) }
      )
      return logLevel === undefined ? logged : Effect.locally(logged, FiberRef.currentMinimumLogLevel, logLevel)
    })
  return TaskQueue.make<Queued>({
    execute: (line) => {
      if (lost === 0) return log(line)
      const count = lost
      lost = 0
      return Effect.zipRight(
        Effect.exit(log({
          logLevel: line.logLevel,
          level: LogLevel.Warning,
          module: "log",
          message: `${counted(count, "line")} of the log dropped: the logger is too slow`
        })),
        log(line)
      )
    },
    capacity: () => maxLines,
    onDropped: () => {
      lost++
    }
  })
}

const isWritten = ({ loggerLevel, settings }: State, level: LogLevel.LogLevel): boolean =>
  LogLevel.greaterThanEqual(level, settings().logLevel ?? loggerLevel)

const write = (state: State, line: Line): void => {
  if (isWritten(state, line.level)) state.lines.offer({ ...line, logLevel: state.settings().logLevel })
}

// this runs for each event: comparing numbers is cheaper than `LogLevel.lessThan`
const isDebug = ({ loggerLevel, programLevel, settings }: State): boolean =>
  (settings().logLevel?.ordinal ?? Math.max(loggerLevel.ordinal, programLevel.ordinal)) <= LogLevel.Debug.ordinal

const acceptedLine = (json: string): Line => {
  const type = typeOf(Option.getOrUndefined(Option.liftThrowable(JSON.parse)(json)))
  return {
    level: LogLevel.Debug,
    module: "intake",
    message: `accepted an event of type ${type}`,
    annotations: { event: json }
  }
}

const sentLine = ({ answer, apiKey, attempt, bytes, events, status }: Sent): Line => ({
  level: LogLevel.Debug,
  module: "pipeline",
  message: `sent ${counted(events, "event")}`,
  annotations: { bytes, status, attempt, answer: redact(answer, apiKey, maxAnswerLength) }
})

// -- bursts ------------------------------------------------------------------------------------------------------------

/** Writes the count since the last line. The result says whether the count was more than zero. */
const writeRest = (state: State, burst: Burst): boolean => {
  const count = burst.unwritten
  if (count === 0) return false
  burst.unwritten = 0
  write(state, burst.line(count, burst.types))
  burst.types.clear()
  return true
}

/** Writes a line each minute. The burst is over after a minute without anything to write. */
const watch = (state: State, kind: string): Effect.Effect<void> =>
  Effect.zipRight(
    Effect.sleep("1 minute"),
    Effect.suspend(() => {
      const burst = state.bursts.get(kind)
      if (burst !== undefined && writeRest(state, burst)) return watch(state, kind)
      state.bursts.delete(kind)
      return Effect.void
    })
  )

const begin = (
  state: State,
  kind: string,
  count: number,
  line: Burst["line"],
  types: ReadonlySet<string> = new Set()
): void => {
  write(state, line(count, types))
  state.bursts.set(kind, {
    unwritten: 0,
    line,
    types: new Set(),
    timer: state.hasEnded ? undefined : state.fork(watch(state, kind))
  })
}

const otherKinds = "other kinds"

const addToBurst = (state: State, kind: string, count: number, line: (count: number) => Line): void => {
  const burst = state.bursts.get(kind)
  if (burst !== undefined) burst.unwritten += count
  else if (state.bursts.size < maxBursts) begin(state, kind, count, line)
  else if (state.bursts.has(otherKinds)) state.bursts.get(otherKinds)!.unwritten++
  else {
    const { level, message, module } = line(count)
    begin(state, otherKinds, 1, (count) => ({
      level,
      module,
      message: `${counted(count, "line")} of other kinds, the first one: ${message}`
    }))
  }
}

const end = (state: State): Effect.Effect<void> => {
  state.hasEnded = true
  const timers = Array.from(state.bursts.values()).flatMap((burst) => {
    writeRest(state, burst)
    return burst.timer === undefined ? [] : [burst.timer]
  })
  state.bursts.clear()
  return Effect.zipRight(Fiber.interruptAll(timers), state.lines.whileProgress)
}

// -- events that are dropped or retried --------------------------------------------------------------------------------

/** The reasons of reports in words. */
const reasons: { readonly [R in Reason]: string } = {
  Rejected: "the service refuses it",
  InvalidApiKey: "the service does not know the API key",
  Silenced: "the project silences its device",
  QuotaExceeded: "its user or device is over the daily quota",
  PayloadTooLarge: "too large for a request",
  RetriesExhausted: "no retries are left",
  BufferFull: "the overflow policy dropped it",
  Invalid: "the service would refuse it",
  Storage: "the event storage did not take it",
  Closed: "the client is shut down",
  Plugin: "a plugin dropped it or failed",
  OptedOut: "the client is opted out",
  Shutdown: "it was still waiting when the client was shut down"
}

const zoneHint = ({ serverUrl, serverZone }: AmplitudeConfig.Settings): string => {
  const other = serverZone === "US" ? "EU" : "US"
  return serverUrl === undefined
    ? `The key was sent to the ${serverZone} zone: a project in the ${other} needs serverZone "${other}"`
    : "The key was sent to serverUrl: a key is known in one zone only, US or EU"
}

/** The reasons whose messages this package writes. They hold no id and no value. */
const ownMessages: ReadonlySet<Reason | undefined> = new Set<Reason>([
  "BufferFull",
  "Invalid",
  "Closed",
  "Plugin",
  "OptedOut",
  "Shutdown"
])

/** The kind of a burst. Numbers are replaced, since they differ between events with the same cause. */
const kindOf = (what: string, message: string): string => `${what}: ${message.replace(/\d+/g, "0")}`

const addAffected = (
  state: State,
  what: string,
  reason: Reason | undefined,
  { code, count, events, message }: Affected,
  line: (count: number, cause: string) => Line
): void => {
  const kind = kindOf(what, message)
  const known = state.bursts.get(kind) ?? state.bursts.get(what)
  if (known !== undefined) {
    if (known.types.size <= maxTypes && known.unwritten < maxRead) addTypes(known.types, events, 1)
    known.unwritten += count
    return
  }
  const types = new Set<string>()
  const text = ownMessages.has(reason) ? message : withoutValues(message, events)
  addTypes(types, events, maxRead)
  const cause = code === 0 || text === `HTTP ${code}` ? text : `HTTP ${code}, ${text}`
  const isOne = Array.from(state.bursts.keys()).filter((kind) => kind.startsWith(`${what}: `)).length < maxCauses
  begin(
    state,
    isOne ? kind : what,
    count,
    (count, types) => {
      const { annotations, ...rest } = line(count, isOne ? cause : `several causes, the first one: ${cause}`)
      return {
        ...rest,
        message: rest.message + ofTypes(types),
        annotations: { ...annotations, ...(code === 0 ? undefined : { code }) }
      }
    },
    types
  )
}

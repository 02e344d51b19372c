/**
 * Decides what an answer of the service means for each event of a request. It is one table, and its rows are tried from
 * the top. `delivery.ts` acts on the outcome.
 *
 * The decision is pure and never throws. An answer that cannot be decided is retried. The time is proportional to the
 * sizes of the answer and the request.
 */
import * as Cause from "effect/Cause"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { TransportError } from "../../AmplitudeError.js"
import type { Reason } from "../../DeliveryReport.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Transport } from "../../Transport.js"
import * as Utf8 from "../event/utf8.js"
import { redact } from "../redaction.js"

/** The answer to a request, or the error if there was no whole answer. */
export type Answer = Transport.Answer | TransportError

/** Why an event is dropped. */
export interface Dropped {
  readonly reason: Reason
  readonly message: string
}

/** The outcome of a request for its events. */
export type Outcome =
  /** All are delivered. */
  | { readonly _tag: "Delivered"; readonly message: string }
  /** All are dropped. */
  | { readonly _tag: "Dropped" } & Dropped
  /**
   * Named events are dropped or paused, and the others are sent again at once. Indices are positions in the request.
   */
  | {
    readonly _tag: "Named"
    readonly dropped: ReadonlyMap<number, Dropped>
    /** The text of the service. A retry is counted for each paused event. */
    readonly message: string
    readonly paused: ReadonlySet<number>
    /** The duration of the pause, in milliseconds. */
    readonly pause: number
  }
  /** At least one event is refused, and the answer does not name it: the batch is bisected. */
  | { readonly _tag: "Refused"; readonly message: string }
  /** The request is too large: the batch is halved. */
  | { readonly _tag: "TooLarge"; readonly message: string }
  /** The endpoint is unavailable: all events wait, and a retry is counted for each. */
  | {
    readonly _tag: "Retry"
    readonly message: string
    /** The delay in milliseconds. `step` is the delay of the retry schedule. */
    readonly wait: (step: number) => number
  }

export interface Context {
  /** The API key of the request. The service can repeat it, and no message may hold it. */
  readonly apiKey: string
  /** Milliseconds since the epoch, for a `Retry-After` that is a date. */
  readonly now: number
  readonly useBatch: boolean
  /** The events of the request. */
  readonly events: ReadonlyArray<Pick<EventStorage.EncodedEvent, "buffer" | "start" | "end">>
}

/** The longest `Retry-After`, in milliseconds. */
const maxRetryAfter = 5 * 60_000

/** The shortest pause of a throttled user or device, in milliseconds (HTTP V2 API and Batch API, 429). */
const throttlePause = (useBatch: boolean): number => useBatch ? 15_000 : 30_000

const deliveredMessage = "Event tracked successfully."

const undecided: Outcome = { _tag: "Retry", message: "the answer could not be read", wait: identity }

export const decide = (answer: Answer, context: Context): Outcome =>
  Either.getOrElse(Either.try(() => decideReadable(answer, context)), () => undecided)

const decideReadable = (answer: Answer, context: Context): Outcome => {
  if ("_tag" in answer) {
    if (!Predicate.isString(answer.message)) return undecided
    return { _tag: "Retry", message: redact(answer.message, context.apiKey, maxMessageLength), wait: identity }
  }
  const { status } = answer
  if (!Number.isInteger(status)) return undecided
  if (status >= 200 && status < 300) return { _tag: "Delivered", message: deliveredMessage }
  const body = parse(answer.body)
  const text = messageOf(answer, body)
  const message = redact(text, context.apiKey, maxMessageLength)
  if (/^invalid api key/i.test(text) && status === 400) return { _tag: "Dropped", reason: "InvalidApiKey", message }
  if (status === 400) return decideBadRequest(answer, body, message, context)
  if (status === 403 || status === 422) return { _tag: "Refused", message }
  if (status === 413) return { _tag: "TooLarge", message }
  if (status === 429) return decideThrottled(answer, body, message, context)
  if (status >= 400 && status < 500 && status !== 408) return { _tag: "Dropped", reason: "Rejected", message }
  const retryAfter = retryAfterOf(answer, context.now)
  return { _tag: "Retry", message, wait: (step) => Math.max(step, retryAfter ?? 0) }
}

/**
 * The answer of a request from its exit. A transport of the user can die, fail with another error, or give a value that
 * is not an answer. Each of these counts as no answer.
 */
export const fromExit = (exit: Exit.Exit<unknown, unknown>): Answer =>
  Exit.match(exit, {
    onSuccess: readAnswer,
    onFailure: (cause) =>
      Either.match(Cause.failureOrCause(cause), {
        onLeft: readError,
        onRight: (defect) => new TransportError({ message: "the transport died", cause: Cause.squash(defect) })
      })
  })

const readAnswer = (answer: unknown): Answer =>
  Either.getOrElse(
    Either.try((): Answer => {
      const { body, headers, status } = answer as Transport.Answer
      return Predicate.isNumber(status) && Predicate.isString(body) && Predicate.isObject(headers)
        ? { status, headers, body }
        : new TransportError({ message: "the transport gave no answer of its type" })
    }),
    (cause) => new TransportError({ message: "the transport gave an answer that cannot be read", cause })
  )

const readError = (error: unknown): TransportError =>
  Option.getOrElse(
    Option.liftThrowable((error: unknown) =>
      error instanceof TransportError && Predicate.isString(error.message) ? error : undefined
    )(error).pipe(Option.flatMapNullable(identity)),
    () => new TransportError({ message: `the transport failed: ${describe(error)}`, cause: error })
  )

/** The message of an error, which can be any value. */
const describe = (error: unknown): string =>
  Option.getOrElse(
    Option.liftThrowable((error: unknown) => {
      if (Predicate.isString(error)) return error
      return Predicate.isRecord(error) && Predicate.isString(error.message) ? error.message : undefined
    })(error).pipe(Option.flatMapNullable(identity)),
    () => "no reason given"
  )

const decideBadRequest = (answer: Transport.Answer, body: Body, message: string, context: Context): Outcome => {
  if (Predicate.isString(body.missing_field) && body.missing_field !== "") {
    return {
      _tag: "Dropped",
      reason: "Rejected",
      message: redact(`${message}: ${body.missing_field}`, context.apiKey, maxMessageLength)
    }
  }
  const silencedDevices = namesIn(body.silenced_devices)
  const silenced = union(
    indicesIn(body.silenced_events, context),
    matching(context, ({ device_id }) => silencedDevices.has(device_id), silencedDevices)
  )
  const rejected = indicesOfFields(
    context,
    body.events_with_invalid_fields,
    body.events_with_missing_fields,
    body.events_with_invalid_id_lengths
  )
  const dropped = new Map<number, Dropped>()
  for (const index of rejected) dropped.set(index, { reason: "Rejected", message })
  for (const index of silenced) dropped.set(index, { reason: "Silenced", message })
  return named(answer, context, message, dropped, throttledIn(body, context)) ?? { _tag: "Refused", message }
}

const decideThrottled = (answer: Transport.Answer, body: Body, message: string, context: Context): Outcome => {
  const overQuota = namesIn(body.exceeded_daily_quota_users, body.exceeded_daily_quota_devices)
  const dropped = new Map<number, Dropped>()
  for (const index of matching(context, either(overQuota), overQuota)) {
    dropped.set(index, { reason: "QuotaExceeded", message })
  }
  const retryAfter = retryAfterOf(answer, context.now)
  return named(answer, context, message, dropped, throttledIn(body, context)) ??
    { _tag: "Retry", message, wait: (step) => retryAfter === undefined || retryAfter === 0 ? step : retryAfter }
}

/** The outcome that names events, where it names any of this request. An event that is dropped does not wait. */
const named = (
  answer: Transport.Answer,
  context: Context,
  message: string,
  dropped: ReadonlyMap<number, Dropped>,
  throttled: ReadonlySet<number>
): Outcome | undefined => {
  const paused = new Set(Array.from(throttled).filter((index) => !dropped.has(index)))
  if (dropped.size === 0 && paused.size === 0) return undefined
  const pause = Math.max(throttlePause(context.useBatch), retryAfterOf(answer, context.now) ?? 0)
  return { _tag: "Named", message, dropped, paused, pause }
}

const throttledIn = (body: Body, context: Context): ReadonlySet<number> => {
  const throttled = namesIn(body.throttled_users, body.throttled_devices)
  return union(indicesIn(body.throttled_events, context), matching(context, either(throttled), throttled))
}

// -- reading an answer: its body can be empty, no JSON, or lack every field --------------------------------------------

type Body = Readonly<Record<string, unknown>>

const parse = (text: string): Body => {
  const json: unknown = Option.getOrUndefined(Option.liftThrowable(JSON.parse)(text))
  return Predicate.isReadonlyRecord(json) ? json : {}
}

/** The longest text that a report holds, in UTF-16 units: a proxy can answer with any page. */
export const maxMessageLength = 500

const messageOf = (answer: Transport.Answer, body: Body): string => {
  const text = Predicate.isString(body.error) ? body.error : answer.body.trim()
  return text === "" ? `HTTP ${answer.status}` : text
}

/** The header of an answer whose headers may be of any type: some transports give numbers, or a list of values. */
const headerOf = Option.liftThrowable((answer: Transport.Answer, wanted: string): string | undefined => {
  const name = Object.keys(answer.headers).find((name) => name.toLowerCase() === wanted)
  const value: unknown = name === undefined ? undefined : answer.headers[name]
  const first: unknown = Array.isArray(value) ? value[0] : value
  return Predicate.isNumber(first) ? String(first) : Predicate.isString(first) ? first.trim() : undefined
})

const retryAfterOf = (answer: Transport.Answer, now: number): number | undefined => {
  const value = Option.getOrUndefined(headerOf(answer, "retry-after"))
  if (value === undefined || value === "") return undefined
  const millis = /^\d+(\.\d+)?$/.test(value)
    ? Number(value) * 1000
    // an HTTP date (RFC 9110, 5.6.7) begins with the name of its day; `Date.parse` alone takes almost anything
    : /^(mon|tue|wed|thu|fri|sat|sun)/i.test(value)
    ? Date.parse(value) - now
    : NaN
  return Number.isNaN(millis) ? undefined : Math.min(Math.max(millis, 0), maxRetryAfter)
}

const isIndex = (index: unknown, { events }: Context): index is number =>
  Number.isInteger(index) && (index as number) >= 0 && (index as number) < events.length

const addIndices = (indices: Set<number>, value: unknown, context: Context): void => {
  if (!Array.isArray(value)) return
  for (const index of value as ReadonlyArray<unknown>) {
    if (isIndex(index, context)) indices.add(index)
  }
}

const indicesIn = (value: unknown, context: Context): ReadonlySet<number> => {
  const indices = new Set<number>()
  addIndices(indices, value, context)
  return indices
}

/** The indices of lists of the form `{ field: [indices] }`. There can be any number of fields. */
const indicesOfFields = (context: Context, ...lists: ReadonlyArray<unknown>): ReadonlySet<number> => {
  const indices = new Set<number>()
  for (const list of lists) {
    if (!Predicate.isReadonlyRecord(list)) continue
    for (const field of Object.keys(list)) addIndices(indices, list[field], context)
  }
  return indices
}

/** The names of a list, or the keys of an object of counts. */
const namesIn = (...values: ReadonlyArray<unknown>): ReadonlySet<unknown> =>
  new Set(
    values.flatMap((value) =>
      Array.isArray(value)
        ? value as ReadonlyArray<unknown>
        : Predicate.isReadonlyRecord(value)
        ? Object.keys(value)
        : []
    )
  )

interface Ids {
  readonly user_id?: unknown
  readonly device_id?: unknown
}

const either = (names: ReadonlySet<unknown>) => ({ device_id, user_id }: Ids): boolean =>
  names.has(user_id) || names.has(device_id)

/** The events whose ids match. Without names there is nothing to match, and no event is decoded. */
const matching = (
  context: Context,
  matches: (ids: Ids) => boolean,
  names: ReadonlySet<unknown>
): ReadonlySet<number> => {
  const indices = new Set<number>()
  if (names.size === 0) return indices
  context.events.forEach(({ buffer, end, start }, index) => {
    if (matches(parse(Utf8.decodeRange(buffer, start, end)))) indices.add(index)
  })
  return indices
}

const union = (one: ReadonlySet<number>, other: ReadonlySet<number>): ReadonlySet<number> =>
  one.size === 0 ? other : other.size === 0 ? one : new Set([...one, ...other])

/**
 * What an answer of the service means for each event of a request: the whole table, pure, its rows tried from the top.
 * The pipeline carries out what is decided here.
 */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { TransportError } from "../../AmplitudeError.js"
import type { Reason } from "../../DeliveryReport.js"
import type { Transport } from "../../Transport.js"

/** The answer to a request, or why there was no whole one. */
export type Answer = Transport.Answer | TransportError

/** Why an event is given up. */
export interface GivenUp {
  readonly reason: Reason
  readonly message: string
}

/** What becomes of the events of a request. */
export type Outcome =
  /** All are taken. */
  | { readonly _tag: "Delivered"; readonly message: string }
  /** All are given up. */
  | { readonly _tag: "Dropped" } & GivenUp
  /** Named ones are given up or wait, the rest is sent again at once. Indices are those of the request. */
  | {
    readonly _tag: "Named"
    readonly dropped: ReadonlyMap<number, GivenUp>
    /** A retry is counted for each, with this text of the service. */
    readonly message: string
    readonly paused: ReadonlySet<number>
    /** How long they wait, in milliseconds. */
    readonly pause: number
  }
  /** One of them at least is refused, which one is not said: bisect. */
  | { readonly _tag: "Refused"; readonly message: string }
  /** Too large: halve. */
  | { readonly _tag: "TooLarge"; readonly message: string }
  /** The endpoint is in trouble: all wait, and a retry is counted for each. */
  | {
    readonly _tag: "Retry"
    readonly message: string
    /** How long the endpoint waits, in milliseconds, where the retry schedule's step is `step`. */
    readonly wait: (step: number) => number
  }

export interface Context {
  /** The key of the request: the service echoes it, and no message may hold it. */
  readonly apiKey: string
  /** Milliseconds since the epoch, for a `Retry-After` that is a date. */
  readonly now: number
  readonly useBatch: boolean
  /** The JSON of each event of the request. */
  readonly events: ReadonlyArray<{ readonly json: string }>
}

/** The longest that a `Retry-After` is obeyed, in milliseconds. */
const maxRetryAfter = 5 * 60_000

/** How long a throttled user or device waits at least, in milliseconds (HTTP V2 API and Batch API, 429). */
const throttlePause = (useBatch: boolean): number => useBatch ? 15_000 : 30_000

const deliveredMessage = "Event tracked successfully."

export const decide = (answer: Answer, context: Context): Outcome => {
  if ("_tag" in answer) return { _tag: "Retry", message: scrub(answer.message, context), wait: (step) => step }
  const { status } = answer
  if (status >= 200 && status < 300) return { _tag: "Delivered", message: deliveredMessage }
  const body = parse(answer.body)
  const text = messageOf(answer, body)
  const message = scrub(text, context)
  if (/^invalid api key/i.test(text) && status === 400) return { _tag: "Dropped", reason: "InvalidApiKey", message }
  if (status === 400) return decideBadRequest(answer, body, message, context)
  if (status === 403 || status === 422) return { _tag: "Refused", message }
  if (status === 413) return { _tag: "TooLarge", message }
  if (status === 429) return decideThrottled(answer, body, message, context)
  if (status >= 400 && status < 500 && status !== 408) return { _tag: "Dropped", reason: "Rejected", message }
  const retryAfter = retryAfterOf(answer, context.now)
  return { _tag: "Retry", message, wait: (step) => Math.max(step, retryAfter ?? 0) }
}

const decideBadRequest = (answer: Transport.Answer, body: Body, message: string, context: Context): Outcome => {
  if (Predicate.isString(body.missing_field) && body.missing_field !== "") {
    return { _tag: "Dropped", reason: "Rejected", message: scrub(`${message}: ${body.missing_field}`, context) }
  }
  const silencedDevices = namesIn(body.silenced_devices)
  const silenced = union(
    indicesIn(body.silenced_events, context),
    matching(context, ({ device_id }) => silencedDevices.has(device_id), silencedDevices)
  )
  const rejected = union(
    indicesOfFields(body.events_with_invalid_fields, context),
    indicesOfFields(body.events_with_missing_fields, context),
    indicesOfFields(body.events_with_invalid_id_lengths, context)
  )
  const dropped = new Map<number, GivenUp>()
  for (const index of rejected) dropped.set(index, { reason: "Rejected", message })
  for (const index of silenced) dropped.set(index, { reason: "Silenced", message })
  return named(answer, context, message, dropped, throttledIn(body, context)) ?? { _tag: "Refused", message }
}

const decideThrottled = (answer: Transport.Answer, body: Body, message: string, context: Context): Outcome => {
  const overQuota = namesIn(body.exceeded_daily_quota_users, body.exceeded_daily_quota_devices)
  const dropped = new Map<number, GivenUp>()
  for (const index of matching(context, either(overQuota), overQuota)) {
    dropped.set(index, { reason: "QuotaExceeded", message })
  }
  const retryAfter = retryAfterOf(answer, context.now)
  return named(answer, context, message, dropped, throttledIn(body, context)) ??
    { _tag: "Retry", message, wait: (step) => retryAfter === undefined || retryAfter === 0 ? step : retryAfter }
}

/** The outcome that names events, if it names any of this request. An event that is dropped does not wait as well. */
const named = (
  answer: Transport.Answer,
  context: Context,
  message: string,
  dropped: ReadonlyMap<number, GivenUp>,
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

// -- reading a body, which can be empty, no JSON, or lack every field --------------------------------------------------

type Body = Readonly<Record<string, unknown>>

const parse = (text: string): Body => {
  const json: unknown = Option.getOrUndefined(Option.liftThrowable(JSON.parse)(text))
  return Predicate.isReadonlyRecord(json) ? json : {}
}

/** The longest text that a report holds, in UTF-16 units: a proxy's error page can be anything. */
const maxMessageLength = 500

/** The key is taken out, in each form in which it can be written, before the text is cut, so that no part of it is left at the end. */
const scrub = (text: string, { apiKey }: Context): string =>
  [apiKey, JSON.stringify(apiKey).slice(1, -1), encodeURIComponent(apiKey)]
    .reduce((scrubbed, form) => scrubbed.replaceAll(form, "<redacted>"), text)
    .slice(0, maxMessageLength)

const messageOf = (answer: Transport.Answer, body: Body): string => {
  const text = Predicate.isString(body.error) ? body.error : answer.body.trim()
  return text === "" ? `HTTP ${answer.status}` : text
}

const retryAfterOf = (answer: Transport.Answer, now: number): number | undefined => {
  const name = Object.keys(answer.headers).find((name) => name.toLowerCase() === "retry-after")
  const value = name === undefined ? undefined : answer.headers[name]?.trim()
  if (value === undefined || value === "") return undefined
  const millis = /^\d+(\.\d+)?$/.test(value)
    ? Number(value) * 1000
    // an HTTP date (RFC 9110, 5.6.7) begins with the name of its day; `Date.parse` alone takes almost anything
    : /^(mon|tue|wed|thu|fri|sat|sun)/i.test(value)
    ? Date.parse(value) - now
    : NaN
  return Number.isNaN(millis) ? undefined : Math.min(Math.max(millis, 0), maxRetryAfter)
}

const indicesIn = (value: unknown, context: Context): ReadonlySet<number> =>
  new Set(
    (Array.isArray(value) ? value as ReadonlyArray<unknown> : []).filter((index): index is number =>
      Number.isInteger(index) && (index as number) >= 0 && (index as number) < context.events.length
    )
  )

/** `{ field: [indices] }` */
const indicesOfFields = (value: unknown, context: Context): ReadonlySet<number> =>
  union(...Object.values(Predicate.isReadonlyRecord(value) ? value : {}).map((indices) => indicesIn(indices, context)))

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
): ReadonlySet<number> =>
  names.size === 0
    ? new Set()
    : new Set(context.events.flatMap(({ json }, index) => matches(JSON.parse(json) as Ids) ? [index] : []))

const union = (...sets: ReadonlyArray<ReadonlySet<number>>): ReadonlySet<number> =>
  new Set(sets.flatMap((set) => Array.from(set)))

/**
 * What the ingestion service does with one upload, as a pure function: a state and a request go in, the answer, the
 * events that are kept and the next state come out. `DevServer` puts it behind a socket.
 */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import { pipe } from "effect/Function"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { DevServer } from "../../DevServer.js"

type JsonObject = { readonly [key: string]: unknown }

/** The answer of the service. */
export interface Answer {
  readonly status: number
  readonly body: JsonObject
}

/** A body that was read: a JSON object, or the `error` text of what is wrong with it. */
export type Body = Either.Either<JsonObject, string>

/** One upload as it came over the wire. */
export interface Request {
  readonly path: string
  readonly body: Body
  /** The length of the body, uncompressed. */
  readonly bytes: number
  readonly remoteAddress: Option.Option<string>
  readonly now: number
  /** The number of its first event; those that follow count on. */
  readonly firstEvent?: number
}

/** Which keys are valid (any, when absent), and whether rates and quotas are enforced. */
export interface Options {
  readonly apiKeys?: ReadonlyArray<string> | undefined
  readonly rateLimit: boolean
}

/** What the service remembers from one upload to the next. */
export interface State {
  readonly projects: HashMap.HashMap<string, Project>
}

/** What the service remembers of one API key: deduplication, rates and quotas are per key. */
interface Project {
  /** When an `insert_id` of a device was first kept, and the number of that event. */
  readonly seen: HashMap.HashMap<string, readonly [at: number, event: number]>
  /** What each user and device has sent to each endpoint. */
  readonly traffic: HashMap.HashMap<string, Traffic>
}

/** What comes of one upload. A refused one keeps nothing and leaves the state as it was. */
export interface Outcome {
  readonly answer: Answer
  readonly kept: ReadonlyArray<DevServer.KeptEvent>
  readonly state: State
  /** One for every event of the upload, in order. */
  readonly verdicts: ReadonlyArray<Judgement>
}

/** Why an event is at fault itself. */
export interface Reason {
  readonly path: string
  readonly given?: unknown
  readonly wanted: string
  readonly fix: string
  readonly doc: string
}

/** What the service changed in an event. */
export interface Alteration {
  readonly path: string
  readonly what: string
}

/** What becomes of one event. */
export type Judgement =
  | { readonly verdict: "kept"; readonly kept: DevServer.KeptEvent; readonly alterations: ReadonlyArray<Alteration> }
  | { readonly verdict: "duplicate"; readonly of: number }
  | { readonly verdict: "fault"; readonly reasons: ReadonlyArray<Reason> }
  | { readonly verdict: "refused"; readonly because: string }

/** The state of a service that has seen nothing. */
export const initial: State = { projects: HashMap.empty() }

const newProject: Project = { seen: HashMap.empty(), traffic: HashMap.empty() }

/** Forgets one API key. */
export const forget = (state: State, apiKey: string): State => ({ projects: HashMap.remove(state.projects, apiKey) })

/** Reads the text of a body. Amplitude HTTP V2 API, 400: the texts of `error`. */
export const readBody = (text: string): Body =>
  text === "" ?
    Either.left("Missing request body") :
    pipe(
      Either.try({ try: (): unknown => JSON.parse(text), catch: () => malformedBody }),
      Either.filterOrLeft(isJsonObject, () => malformedBody)
    )

/** What `error` says of a body that cannot be read. */
export const malformedBody = "Invalid JSON request body"

/** How many events a body holds, valid or not. */
export const eventCount = (body: Body): number =>
  Either.match(body, {
    onLeft: () => 0,
    onRight: ({ events }) => Array.isArray(events) ? events.length : 0
  })

/** The API key of a body, when it is text. */
export const apiKeyOf = (body: Body): string => {
  const key = Either.isRight(body) ? body.right.api_key : undefined
  return Predicate.isString(key) ? key : ""
}

/** The events of a body, valid or not. */
export const eventsOf = (body: Body): ReadonlyArray<unknown> => {
  const events = Either.isRight(body) ? body.right.events : undefined
  return Array.isArray(events) ? events : []
}

/** Takes one upload. */
export const ingest = (options: Options): (state: State, request: Request) => Outcome => (state, request) => {
  const apiKey = apiKeyOf(request.body)
  const project = Option.getOrElse(HashMap.get(state.projects, apiKey), () => newProject)
  return pipe(
    Either.gen(function*() {
      const endpoint = yield* endpointAt(request.path)
      yield* checkBytes(endpoint, request.bytes)
      const upload = yield* readUpload(request.body, options)
      yield* checkCount(endpoint, upload.events)
      yield* checkEvents(endpoint, upload)
      const traffic = options.rateLimit ?
        yield* meter(endpoint, project.traffic, upload.events, request) :
        project.traffic
      const [seen, verdicts] = judge(project.seen, upload.events, request)
      return {
        answer: accepted(upload.events, request),
        kept: verdicts.flatMap((judgement) => judgement.verdict === "kept" ? [judgement.kept] : []),
        state: { projects: HashMap.set(state.projects, apiKey, { seen, traffic }) },
        verdicts
      }
    }),
    Either.getOrElse((answer): Outcome => ({ answer, kept: [], state, verdicts: judgeRefused(answer, request) }))
  )
}

/** What one user or device has sent to one endpoint lately. */
export interface Usage {
  readonly path: string
  readonly id: string
  readonly eventsPerSecond: number
  readonly eventsPerDay: number
}

/** What the users of one API key have sent lately. */
export const usage = (state: State, apiKey: string, now: number): ReadonlyArray<Usage> =>
  Option.match(HashMap.get(state.projects, apiKey), {
    onNone: () => [],
    onSome: ({ traffic }) =>
      Arr.fromIterable(traffic).flatMap(([key, { quota, rate }]) => {
        const [path = "", field, ...id] = key.split(" ")
        return field === "user_id" ?
          [{
            path,
            id: id.join(" "),
            eventsPerSecond: Math.ceil(total(tallied(rate, rateWindow, now, 0)) * 1000 / rateWindow.spanMillis),
            eventsPerDay: total(tallied(quota, quotaWindow, now, 0))
          }] :
          []
      })
  })

// Verdicts

const judgeRefused = (answer: Answer, request: Request): ReadonlyArray<Judgement> => {
  const events = eventsOf(request.body)
  const minIdLength = pipe(
    Either.flatMap(request.body, ({ options }) => readMinIdLength(options)),
    Either.getOrElse(() => defaultMinIdLength)
  )
  const reasons = events.map((event) => reasonsOf(event, minIdLength))
  const because = becauseOf(answer, request, reasons)
  return reasons.map((reasons): Judgement =>
    reasons.length > 0 ? { verdict: "fault", reasons } : { verdict: "refused", because }
  )
}

const becauseOf = (
  { body, status }: Answer,
  request: Request,
  reasons: ReadonlyArray<ReadonlyArray<Reason>>
): string => {
  const endpoint = endpoints.get(request.path)
  if (endpoint === undefined) {
    return `No API of Amplitude takes events at ${request.path}: send to /2/httpapi or /batch`
  }
  if (status === 413) {
    return request.bytes > endpoint.maxBytes ?
      `The request has ${request.bytes} bytes: ${request.path} takes at most ${endpoint.maxBytes}` :
      `The request has ${reasons.length} events: ${request.path} takes at most ${endpoint.maxEvents}`
  }
  if (status === 429) {
    return `Users or devices of the request sent too much: ${request.path} takes ${endpoint.eventsPerSecond} ` +
      `events a second of each, as an average over 30 seconds`
  }
  const index = reasons.findIndex((reasons) => reasons.length > 0)
  const reason = reasons[index]?.[0]
  // The key itself is never shown.
  const error = String(body.error).replace(/^Invalid API key: .*/s, "Invalid API key")
  return reason === undefined ?
    `${error}${Predicate.isString(body.missing_field) ? `: ${body.missing_field}` : ""}` :
    `Event ${index + 1} of the request is at fault (${reason.path}): the service refuses all of them`
}

const keysOfEvent = "HTTP V2 API, Keys for the event argument"

const reasonsOf = (event: unknown, minIdLength: number): ReadonlyArray<Reason> => {
  if (!isJsonObject(event)) {
    return [{
      path: "",
      given: event,
      wanted: "a JSON object",
      fix: "Send each event as an object with an event_type",
      doc: keysOfEvent
    }]
  }
  return [
    ...faultsOf(event, 0, minIdLength).map(({ field, kind }) => reasonOf(event, field, kind, minIdLength)),
    ...idFields.filter((field) => isRefusedId(event[field])).map((field): Reason => ({
      path: field,
      given: event[field],
      wanted: "an id of one user or device",
      fix: `Leave ${field} out until the id is known`,
      doc: "Invalid user_id or device_id"
    }))
  ]
}

const reasonOf = (event: JsonObject, field: string, kind: Fault["kind"], minIdLength: number): Reason => {
  if (kind === "missing") {
    return {
      path: field,
      wanted: field === "event_type" ? "a text" : "user_id or device_id",
      fix: field === "event_type" ? "Add the name of the event" : "Add user_id, device_id or both",
      doc: "events_with_missing_fields"
    }
  }
  const given = event[field]
  if (kind === "short") {
    return {
      path: field,
      given,
      wanted: `at least ${minIdLength} characters`,
      fix: "Send a longer id, or set options.min_id_length of the request",
      doc: "events_with_invalid_id_lengths"
    }
  }
  const wanted = isWrong(field, given) ? fieldChecks.get(field)?.wanted : undefined
  return {
    path: field,
    given,
    wanted: wanted ?? `at most ${maxDepth} levels of objects and arrays`,
    fix: wanted === undefined ? `Send ${field} with fewer levels` : `Send ${field} as ${wanted}, or leave it out`,
    doc: "events_with_invalid_fields"
  }
}

// Answers

const accepted = (events: ReadonlyArray<JsonObject>, request: Request): Answer => ({
  status: 200,
  body: {
    code: 200,
    // Amplitude HTTP V2 API, deduplication: an event that was ignored for its `insert_id` is counted all the same.
    events_ingested: events.length,
    payload_size_bytes: request.bytes,
    server_upload_time: request.now
  }
})

const refusal = (code: number, error: string, details: JsonObject = {}): Answer => ({
  status: code,
  body: { code, error, ...details }
})

/** The answer to whatever is no endpoint. */
export const invalidPath: Answer = refusal(400, "Invalid request path")

const payloadTooLarge = refusal(413, "Payload too large")

// Not documented: "or another text"
const invalidOptions = refusal(400, "Invalid options")

const missingField = (field: string): Answer => refusal(400, "Request missing required field", { missing_field: field })

// Endpoints

interface Endpoint {
  readonly maxBytes: number
  readonly maxEvents: number
  /** Of one user or device. */
  readonly eventsPerSecond: number
  /** Of one user or device. */
  readonly dailyQuota: number
  /** Whether a 400 lists every event at fault, or only the first one of each field. */
  readonly listsEveryFault: boolean
}

// Amplitude HTTP V2 API and Batch Event Upload API, limits
const endpoints: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
  ["/2/httpapi", {
    maxBytes: 1_000_000,
    maxEvents: 1999,
    eventsPerSecond: 30,
    dailyQuota: Number.POSITIVE_INFINITY,
    listsEveryFault: false
  }],
  ["/batch", {
    maxBytes: 20_000_000,
    maxEvents: 2000,
    eventsPerSecond: 1000,
    dailyQuota: 500_000,
    listsEveryFault: true
  }],
  // Amplitude Identify API: 1800 updates of one user in an hour are not refused, so no rate is measured.
  ...Arr.map(["/identify", "/groupidentify"], (path): [string, Endpoint] => [path, {
    maxBytes: 1_000_000,
    maxEvents: 1999,
    eventsPerSecond: Number.POSITIVE_INFINITY,
    dailyQuota: Number.POSITIVE_INFINITY,
    listsEveryFault: false
  }])
])

const endpointAt = (path: string): Either.Either<Endpoint, Answer> =>
  Either.fromNullable(endpoints.get(path), () => invalidPath)

const checkBytes = (endpoint: Endpoint, bytes: number): Either.Either<void, Answer> =>
  bytes > endpoint.maxBytes ? Either.left(payloadTooLarge) : Either.void

const checkCount = (endpoint: Endpoint, events: ReadonlyArray<unknown>): Either.Either<void, Answer> =>
  events.length > endpoint.maxEvents ? Either.left(payloadTooLarge) : Either.void

// The request

interface Upload {
  readonly events: ReadonlyArray<JsonObject>
  readonly minIdLength: number
}

const defaultMinIdLength = 5

const isJsonObject = (value: unknown): value is JsonObject => Predicate.isRecord(value)

const readUpload = (body: Body, options: Options): Either.Either<Upload, Answer> =>
  Either.gen(function*() {
    const json = yield* Either.mapLeft(body, (error) => refusal(400, error))
    yield* json.api_key === undefined ? Either.left(missingField("api_key")) : Either.void
    const events = yield* readEvents(json.events)
    yield* checkApiKey(json.api_key, options.apiKeys)
    const minIdLength = yield* readMinIdLength(json.options)
    return { events, minIdLength }
  })

const readEvents = (events: unknown): Either.Either<ReadonlyArray<JsonObject>, Answer> => {
  if (!Array.isArray(events) || events.length === 0) {
    return Either.left(missingField("events"))
  }
  return events.every(isJsonObject) ? Either.right(events) : Either.left(refusal(400, "Invalid event JSON"))
}

const checkApiKey = (apiKey: unknown, valid: Options["apiKeys"]): Either.Either<void, Answer> => {
  if (!Predicate.isString(apiKey) || apiKey.trim() === "") {
    return Either.left(refusal(400, "Invalid API key"))
  }
  return valid === undefined || valid.includes(apiKey) ?
    Either.void :
    Either.left(refusal(400, `Invalid API key: ${apiKey}`))
}

const readMinIdLength = (options: unknown): Either.Either<number, Answer> => {
  const given = options ?? {}
  if (!isJsonObject(given)) {
    return Either.left(invalidOptions)
  }
  const length = given.min_id_length ?? defaultMinIdLength
  return isInteger(length) && length >= 0 ? Either.right(length) : Either.left(invalidOptions)
}

// Events, field by field

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)

const isNonBlank = (value: unknown): boolean => Predicate.isString(value) && value.trim() !== ""

const isGroupName = (value: unknown): boolean =>
  Array.isArray(value) ? value.every(Predicate.isString) : Predicate.isString(value)

const isGroups = (value: unknown): boolean => isJsonObject(value) && Object.values(value).every(isGroupName)

interface FieldCheck {
  readonly check: Predicate.Predicate<unknown>
  readonly wanted: string
}

const fieldsOf = (
  names: string,
  check: Predicate.Predicate<unknown>,
  wanted: string
): ReadonlyArray<readonly [string, FieldCheck]> => Arr.map(names.split(" "), (name) => [name, { check, wanted }])

// Amplitude HTTP V2 API, keys for the event argument. What is not here is taken as it is.
const fieldChecks: ReadonlyMap<string, FieldCheck> = new Map([
  ...fieldsOf("event_type", isNonBlank, "a text that is not blank"),
  ...fieldsOf("user_id device_id insert_id", Predicate.isString, "a text"),
  ...fieldsOf("time event_id session_id quantity", isInteger, "an integer"),
  ...fieldsOf("event_properties user_properties group_properties plan", isJsonObject, "an object"),
  ...fieldsOf("groups", isGroups, "an object of texts or arrays of texts"),
  ...fieldsOf("$skip_user_properties_sync", Predicate.isBoolean, "true or false"),
  ...fieldsOf("app_version platform os_name os_version", Predicate.isString, "a text"),
  ...fieldsOf("device_brand device_manufacturer device_model carrier", Predicate.isString, "a text"),
  ...fieldsOf("country region city dma language ip user_agent", Predicate.isString, "a text"),
  ...fieldsOf("idfa idfv adid android_id android_app_set_id", Predicate.isString, "a text"),
  ...fieldsOf("productId revenueType currency", Predicate.isString, "a text"),
  ...fieldsOf("price revenue location_lat location_lng", Number.isFinite, "a number")
])

const maxDepth = 40

/** Whether a value nests deeper than `limit`, where an object or array is one level and what it holds is the next. */
const isDeeperThan = (value: unknown, limit: number): boolean => {
  if (typeof value !== "object" || value === null) {
    return false
  }
  if (limit === 0) {
    return true
  }
  for (const key in value) {
    const inner = (value as JsonObject)[key]
    if (typeof inner === "object" && isDeeperThan(inner, limit - 1)) {
      return true
    }
  }
  return false
}

const isWrong = (field: string, value: unknown): boolean => fieldChecks.get(field)?.check(value) === false

const isInvalid = (field: string, value: unknown): boolean => isWrong(field, value) || isDeeperThan(value, maxDepth)

const idFields = ["user_id", "device_id"] as const

// Ids that the service refuses, whatever `min_id_length` is; seen to be case-insensitive
const refusedIds: ReadonlySet<string> = new Set([
  "anonymous",
  "nil",
  "none",
  "null",
  "n/a",
  "na",
  "undefined",
  "unknown",
  "",
  "00000000-0000-0000-0000-000000000000",
  "{}",
  "lmy47d",
  "0",
  "-1"
])

const isRefusedId = (id: unknown): boolean => Predicate.isString(id) && refusedIds.has(id.toLowerCase())

const isShortId = (id: unknown, minIdLength: number): boolean =>
  Predicate.isString(id) && id.length < minIdLength && !isRefusedId(id)

// Amplitude HTTP V2 API, 400; that of the lengths is undocumented
const faultKinds = [
  { kind: "missing", key: "events_with_missing_fields", error: "Request missing required field" },
  { kind: "invalid", key: "events_with_invalid_fields", error: "Invalid field values on some events" },
  { kind: "short", key: "events_with_invalid_id_lengths", error: "Invalid id length for user_id or device_id" }
] as const

interface Fault {
  readonly index: number
  readonly kind: typeof faultKinds[number]["kind"]
  readonly field: string
}

const missingFields = (event: JsonObject): ReadonlyArray<string> => [
  ...(event.event_type === undefined ? ["event_type"] : []),
  // A group identify is about a group, and needs no user.
  ...(event.event_type !== "$groupidentify" && idFields.every((field) => event[field] === undefined) ? idFields : [])
]

const noFaults: ReadonlyArray<Fault> = []

const faultsOf = (event: JsonObject, index: number, minIdLength: number): ReadonlyArray<Fault> => {
  const faults: Array<Fault> = []
  const add = (kind: Fault["kind"], field: string) => faults.push({ index, kind, field })
  if (event.event_type === undefined || (event.user_id === undefined && event.device_id === undefined)) {
    missingFields(event).forEach((field) => add("missing", field))
  }
  for (const field in event) {
    if (isInvalid(field, event[field])) {
      add("invalid", field)
    }
  }
  for (const field of idFields) {
    if (isShortId(event[field], minIdLength)) {
      add("short", field)
    }
  }
  return faults.length === 0 ? noFaults : faults
}

const checkEvents = (endpoint: Endpoint, { events, minIdLength }: Upload): Either.Either<void, Answer> => {
  const faults = events.flatMap((event, index) => faultsOf(event, index, minIdLength))
  const kinds = faultKinds.filter(({ kind }) => faults.some((fault) => fault.kind === kind))
  return Arr.match(kinds, {
    onEmpty: () => checkRefusedIds(events),
    // Of several kinds of fault, the text names the first.
    onNonEmpty: (kinds) =>
      Either.left(refusal(
        400,
        kinds[0].error,
        Object.fromEntries(kinds.map(({ key, kind }) => [
          key,
          indicesByField(endpoint, faults.filter((fault) => fault.kind === kind))
        ]))
      ))
  })
}

/** Unlike for every other fault of an event, the service does not say which one it is. */
const checkRefusedIds = (events: ReadonlyArray<JsonObject>): Either.Either<void, Answer> =>
  events.some((event) => idFields.some((field) => isRefusedId(event[field]))) ?
    Either.left(refusal(400, "Invalid user_id or device_id")) :
    Either.void

const indicesByField = (endpoint: Endpoint, faults: ReadonlyArray<Fault>): JsonObject =>
  Object.fromEntries(Arr.map(Arr.fromIterable(new Set(faults.map(({ field }) => field))), (name) => {
    const indices = faults.filter(({ field }) => field === name).map(({ index }) => index)
    return [name, endpoint.listsEveryFault ? indices : indices.slice(0, 1)]
  }))

// Rates and quotas

/** How many events came in each slot of time, by the start of the slot. */
type Tally = ReadonlyArray<readonly [slot: number, events: number]>

interface TimeWindow {
  readonly spanMillis: number
  readonly slotMillis: number
}

interface Traffic {
  readonly rate: Tally
  readonly quota: Tally
}

/** What one user or device has sent, this upload included. */
interface Reading {
  readonly key: string
  readonly id: string
  readonly traffic: Traffic
  readonly eventsPerSecond: number
  readonly eventsPerDay: number
}

// Both endpoints measure the rate "as an average over a recent time window"; Batch says that it is 30 seconds.
const rateWindow: TimeWindow = { spanMillis: 30_000, slotMillis: 1000 }

// Amplitude Batch Event Upload API, 429: 24 hours, "measured as a rolling window of 1-hour interval"
const quotaWindow: TimeWindow = { spanMillis: 24 * 60 * 60 * 1000, slotMillis: 60 * 60 * 1000 }

const tallied = (tally: Tally, window: TimeWindow, now: number, events: number): Tally => {
  const slot = now - now % window.slotMillis
  const recent = tally.filter(([start]) => start > slot - window.spanMillis)
  return Option.match(Arr.last(recent), {
    onNone: () => [[slot, events]],
    onSome: ([start, before]) =>
      start === slot ? [...recent.slice(0, -1), [slot, before + events]] : [...recent, [slot, events]]
  })
}

const total = (tally: Tally): number => tally.reduce((sum, [, events]) => sum + events, 0)

const countIds = (events: ReadonlyArray<JsonObject>, field: string): ReadonlyMap<string, number> =>
  events.reduce((counts, event) => {
    const id = event[field]
    return Predicate.isString(id) ? counts.set(id, (counts.get(id) ?? 0) + 1) : counts
  }, new Map<string, number>())

const readings = (
  before: Project["traffic"],
  events: ReadonlyArray<JsonObject>,
  field: typeof idFields[number],
  { now, path }: Request
): ReadonlyArray<Reading> =>
  Arr.map(Arr.fromIterable(countIds(events, field)), ([id, count]) => {
    const key = `${path} ${field} ${id}`
    const previous = Option.getOrElse(HashMap.get(before, key), (): Traffic => ({ rate: [], quota: [] }))
    const rate = tallied(previous.rate, rateWindow, now, count)
    const quota = tallied(previous.quota, quotaWindow, now, count)
    return {
      key,
      id,
      traffic: { rate, quota },
      eventsPerSecond: Math.ceil(total(rate) * 1000 / rateWindow.spanMillis),
      eventsPerDay: total(quota)
    }
  })

const meter = (
  endpoint: Endpoint,
  before: Project["traffic"],
  events: ReadonlyArray<JsonObject>,
  request: Request
): Either.Either<Project["traffic"], Answer> => {
  const users = readings(before, events, "user_id", request)
  const devices = readings(before, events, "device_id", request)
  const all = [...users, ...devices]
  return all.some((reading) => isTooFast(endpoint, reading) || isOverQuota(endpoint, reading)) ?
    Either.left(tooManyRequests(endpoint, events, users, devices)) :
    Either.right(HashMap.mutate(before, (after) => {
      all.forEach(({ key, traffic }) => HashMap.set(after, key, traffic))
    }))
}

const isTooFast = (endpoint: Endpoint, reading: Reading): boolean => reading.eventsPerSecond > endpoint.eventsPerSecond

const isOverQuota = (endpoint: Endpoint, reading: Reading): boolean => reading.eventsPerDay > endpoint.dailyQuota

const tooManyRequests = (
  endpoint: Endpoint,
  events: ReadonlyArray<JsonObject>,
  users: ReadonlyArray<Reading>,
  devices: ReadonlyArray<Reading>
): Answer => {
  const throttled = (of: ReadonlyArray<Reading>): { readonly [id: string]: number } =>
    Object.fromEntries(
      of.filter((reading) => isTooFast(endpoint, reading)).map(({ eventsPerSecond, id }) => [id, eventsPerSecond])
    )
  const overQuota = (of: ReadonlyArray<Reading>): { readonly [id: string]: number } =>
    Object.fromEntries(
      of.filter((reading) => isOverQuota(endpoint, reading)).map(({ eventsPerDay, id }) => [id, eventsPerDay])
    )
  const throttledUsers = throttled(users)
  const throttledDevices = throttled(devices)
  const isThrottled = (ids: object, id: unknown): boolean => Predicate.isString(id) && Object.hasOwn(ids, id)
  return refusal(429, "Too many requests for some devices and users", {
    eps_threshold: endpoint.eventsPerSecond,
    throttled_devices: throttledDevices,
    throttled_users: throttledUsers,
    throttled_events: events.flatMap((event, index) =>
      isThrottled(throttledUsers, event.user_id) || isThrottled(throttledDevices, event.device_id) ? [index] : []
    ),
    exceeded_daily_quota_users: overQuota(users),
    exceeded_daily_quota_devices: overQuota(devices)
  })
}

// What is kept

const maxStringLength = 1024
const maxGroupTypes = 5
const maxGroupValues = 10

const keep = (
  event: JsonObject,
  { now, remoteAddress }: Request,
  alterations: Array<Alteration>
): DevServer.KeptEvent => {
  const kept = { ...cut(event, "", alterations) as { [field: string]: unknown } }
  if (isJsonObject(event.groups)) {
    kept.groups = trackedGroups(kept.groups as JsonObject, alterations)
  }
  if (Predicate.isString(event.user_id) && event.device_id === undefined) {
    kept.device_id = deriveDevice(event.user_id)
  }
  if (event.ip === "$remote" && Option.isSome(remoteAddress)) {
    kept.ip = remoteAddress.value
  }
  kept.time = isInteger(event.time) ? event.time : now
  kept.server_upload_time = now
  return kept as DevServer.KeptEvent
}

/** The service makes a device of its own for a user who has none; which one is not documented. */
const deriveDevice = (userId: string): string => truncateString(`derived:${userId}`)

const truncateString = (text: string): string =>
  text.length <= maxStringLength ?
    text :
    // Half of a surrogate pair is no character.
    text.slice(0, isHighSurrogate(text.charCodeAt(maxStringLength - 1)) ? maxStringLength - 1 : maxStringLength)

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

const isTooLong = (value: unknown): boolean => {
  if (typeof value === "string") {
    return value.length > maxStringLength
  }
  if (typeof value === "object" && value !== null) {
    for (const key in value) {
      if (isTooLong((value as JsonObject)[key])) {
        return true
      }
    }
  }
  return false
}

/** The same value with its long strings cut; itself, when there are none. */
const cut = (value: unknown, path: string, alterations: Array<Alteration>): unknown => {
  if (!isTooLong(value)) {
    return value
  }
  if (Predicate.isString(value)) {
    const kept = truncateString(value)
    alterations.push({ path, what: `cut from ${value.length} to ${kept.length} characters` })
    return kept
  }
  return Array.isArray(value) ?
    value.map((inner, index) => cut(inner, `${path}[${index}]`, alterations)) :
    Object.fromEntries(
      Object.entries(value as JsonObject).map(([key, inner]) => [
        key,
        cut(inner, path === "" ? key : `${path}.${key}`, alterations)
      ])
    )
}

/** The first types and values; the service does not track the rest. */
const trackedGroups = (groups: JsonObject, alterations: Array<Alteration>): JsonObject => {
  const types = Object.entries(groups)
  const [, tracked] = Arr.mapAccum(
    types.slice(0, maxGroupTypes),
    maxGroupValues,
    (room, [type, value]) => {
      const names = Arr.ensure(value).slice(0, room)
      return [room - names.length, {
        type,
        value: Array.isArray(value) ? names : names[0],
        count: names.length,
        left: Arr.ensure(value).length - names.length
      }]
    }
  )
  tracked.filter(({ left }) => left > 0).forEach(({ left, type }) => {
    alterations.push({ path: `groups.${type}`, what: `${left} names beyond ${maxGroupValues} of an event left out` })
  })
  types.slice(maxGroupTypes).forEach(([type]) => {
    alterations.push({ path: `groups.${type}`, what: `left out: an event has at most ${maxGroupTypes} types of group` })
  })
  return Object.fromEntries(tracked.filter(({ count }) => count > 0).map(({ type, value }) => [type, value]))
}

const dedupeMillis = 7 * 24 * 60 * 60 * 1000

/** Amplitude HTTP V2 API, deduplication: the same `insert_id` on the same device within 7 days is ignored. */
const judge = (
  seen: Project["seen"],
  events: ReadonlyArray<JsonObject>,
  request: Request
): readonly [Project["seen"], ReadonlyArray<Judgement>] => {
  const verdicts: Array<Judgement> = []
  const { firstEvent = 0, now } = request
  const after = HashMap.mutate(seen, (table) => {
    events.forEach((event, index) => {
      const alterations: Array<Alteration> = []
      const kept = keep(event, request, alterations)
      const key = kept.insert_id === undefined ? undefined : JSON.stringify([kept.device_id, kept.insert_id])
      const first = key === undefined ? undefined : Option.getOrUndefined(HashMap.get(table, key))
      if (first !== undefined && now - first[0] < dedupeMillis) {
        verdicts.push({ verdict: "duplicate", of: first[1] })
      } else {
        verdicts.push({ verdict: "kept", kept, alterations })
        if (key !== undefined) {
          HashMap.set(table, key, [now, firstEvent + index])
        }
      }
    })
  })
  return [after, verdicts]
}

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
}

/** Which keys are valid (any, when absent), and whether rates and quotas are enforced. */
export interface Options {
  readonly apiKeys?: ReadonlyArray<string> | undefined
  readonly rateLimit: boolean
}

/** What the service remembers from one upload to the next. */
export interface State {
  /** When an `insert_id` of a device was first kept. */
  readonly seen: HashMap.HashMap<string, number>
  /** What each user and device has sent to each endpoint. */
  readonly traffic: HashMap.HashMap<string, Traffic>
}

/** What comes of one upload. A refused one keeps nothing and leaves the state as it was. */
export interface Outcome {
  readonly answer: Answer
  readonly kept: ReadonlyArray<DevServer.KeptEvent>
  readonly state: State
}

/** The state of a service that has seen nothing. */
export const initial: State = { seen: HashMap.empty(), traffic: HashMap.empty() }

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

/** Takes one upload. */
export const ingest = (options: Options): (state: State, request: Request) => Outcome => (state, request) =>
  pipe(
    Either.gen(function*() {
      const endpoint = yield* endpointAt(request.path)
      yield* checkBytes(endpoint, request.bytes)
      const upload = yield* readUpload(request.body, options)
      yield* checkCount(endpoint, upload.events)
      yield* checkEvents(endpoint, upload)
      const traffic = options.rateLimit ?
        yield* meter(endpoint, state.traffic, upload.events, request) :
        state.traffic
      const [seen, kept] = dedupe(state.seen, Arr.map(upload.events, (event) => keep(event, request)), request.now)
      return { answer: accepted(upload.events, request), kept, state: { seen, traffic } }
    }),
    Either.getOrElse((answer): Outcome => ({ answer, kept: [], state }))
  )

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
const endpoints: ReadonlyMap<string, Endpoint> = new Map([
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
  }]
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

const fieldsOf = (
  names: string,
  check: Predicate.Predicate<unknown>
): ReadonlyArray<readonly [string, Predicate.Predicate<unknown>]> =>
  Arr.map(names.split(" "), (name) => [name, check] as const)

// Amplitude HTTP V2 API, keys for the event argument. What is not here is taken as it is.
const fieldChecks: ReadonlyMap<string, Predicate.Predicate<unknown>> = new Map([
  ...fieldsOf("event_type", isNonBlank),
  ...fieldsOf("user_id device_id insert_id", Predicate.isString),
  ...fieldsOf("time event_id session_id quantity", isInteger),
  ...fieldsOf("event_properties user_properties group_properties plan", isJsonObject),
  ...fieldsOf("groups", isGroups),
  ...fieldsOf("$skip_user_properties_sync", Predicate.isBoolean),
  ...fieldsOf("app_version platform os_name os_version", Predicate.isString),
  ...fieldsOf("device_brand device_manufacturer device_model carrier", Predicate.isString),
  ...fieldsOf("country region city dma language ip user_agent", Predicate.isString),
  ...fieldsOf("idfa idfv adid android_id android_app_set_id", Predicate.isString),
  ...fieldsOf("productId revenueType currency", Predicate.isString),
  ...fieldsOf("price revenue location_lat location_lng", Number.isFinite)
])

const maxDepth = 40

/** Whether a value nests deeper than `limit`, where an object or array is one level and what it holds is the next. */
const isDeeperThan = (value: unknown, limit: number): boolean =>
  (Array.isArray(value) || isJsonObject(value)) &&
  (limit === 0 || Object.values(value).some((inner) => isDeeperThan(inner, limit - 1)))

const isInvalid = (field: string, value: unknown): boolean =>
  fieldChecks.get(field)?.(value) === false || isDeeperThan(value, maxDepth)

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

const faultsOf = (event: JsonObject, index: number, minIdLength: number): ReadonlyArray<Fault> => {
  const faults = (kind: Fault["kind"], fields: ReadonlyArray<string>): ReadonlyArray<Fault> =>
    Arr.map(fields, (field) => ({ index, kind, field }))
  return [
    ...faults("missing", missingFields(event)),
    ...faults("invalid", Object.keys(event).filter((field) => isInvalid(field, event[field]))),
    ...faults("short", idFields.filter((field) => isShortId(event[field], minIdLength)))
  ]
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
  before: State["traffic"],
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
  before: State["traffic"],
  events: ReadonlyArray<JsonObject>,
  request: Request
): Either.Either<State["traffic"], Answer> => {
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

const keep = (event: JsonObject, { now, remoteAddress }: Request): DevServer.KeptEvent => ({
  ...Object.fromEntries(Object.entries(event).map(([field, value]) => [field, truncate(value)])),
  ...(isJsonObject(event.groups) ? { groups: truncate(trackedGroups(event.groups)) } : {}),
  ...(Predicate.isString(event.user_id) && event.device_id === undefined ?
    { device_id: deriveDevice(event.user_id) } :
    {}),
  ...(event.ip === "$remote" && Option.isSome(remoteAddress) ? { ip: remoteAddress.value } : {}),
  time: isInteger(event.time) ? event.time : now,
  server_upload_time: now
} as DevServer.KeptEvent)

/** The service makes a device of its own for a user who has none; which one is not documented. */
const deriveDevice = (userId: string): string => truncateString(`derived:${userId}`)

const truncateString = (text: string): string =>
  text.length <= maxStringLength ?
    text :
    // Half of a surrogate pair is no character.
    text.slice(0, isHighSurrogate(text.charCodeAt(maxStringLength - 1)) ? maxStringLength - 1 : maxStringLength)

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

const truncate = (value: unknown): unknown =>
  Predicate.isString(value) ?
    truncateString(value) :
    Array.isArray(value) ?
    value.map(truncate) :
    isJsonObject(value) ?
    Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, truncate(inner)])) :
    value

/** The first types and values; the service does not track the rest. */
const trackedGroups = (groups: JsonObject): JsonObject => {
  const [, tracked] = Arr.mapAccum(
    Object.entries(groups).slice(0, maxGroupTypes),
    maxGroupValues,
    (room, [type, value]) => {
      const names = Arr.ensure(value).slice(0, room)
      return [room - names.length, { type, value: Array.isArray(value) ? names : names[0], count: names.length }]
    }
  )
  return Object.fromEntries(tracked.filter(({ count }) => count > 0).map(({ type, value }) => [type, value]))
}

const dedupeMillis = 7 * 24 * 60 * 60 * 1000

/** Amplitude HTTP V2 API, deduplication: the same `insert_id` on the same device within 7 days is ignored. */
const dedupe = (
  seen: State["seen"],
  events: ReadonlyArray<DevServer.KeptEvent>,
  now: number
): readonly [State["seen"], ReadonlyArray<DevServer.KeptEvent>] => {
  const kept: Array<DevServer.KeptEvent> = []
  const after = HashMap.mutate(seen, (table) => {
    for (const event of events) {
      const key = dedupeKey(event)
      if (!Option.exists(Option.flatMap(key, (key) => HashMap.get(table, key)), (at) => now - at < dedupeMillis)) {
        kept.push(event)
        Option.map(key, (key) => HashMap.set(table, key, now))
      }
    }
  })
  return [after, kept]
}

const dedupeKey = (event: DevServer.KeptEvent): Option.Option<string> =>
  Option.map(Option.fromNullable(event.insert_id), (insertId) => JSON.stringify([event.device_id, insertId]))

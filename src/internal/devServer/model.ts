/** The JSON of the server's own routes. Times are milliseconds since the epoch, durations are milliseconds. */
import * as Schema from "effect/Schema"

/** Any JSON object. */
export const JsonObject: Schema.Record$<typeof Schema.String, typeof Schema.Unknown> = Schema.Record({
  key: Schema.String,
  value: Schema.Unknown
})

/** Of a schema that refuses unknown fields: a misspelt one would be ignored, and select or match too much. */
export const known = { parseOptions: { onExcessProperty: "error" } } as const

/** The verdict of the service about an event. */
export class Verdict extends Schema.Literal("kept", "fault", "refused", "duplicate", "injected") {}

/** One fault of an event. `path` is a dotted path, and `doc` the name of the rule in Amplitude's documentation. */
export class Reason extends Schema.Struct({
  path: Schema.String,
  given: Schema.optionalWith(Schema.Unknown, { exact: true }),
  wanted: Schema.String,
  fix: Schema.String,
  doc: Schema.String
}) {}

/** A change of the service in an event that it kept. */
export class Alteration extends Schema.Struct({ path: Schema.String, what: Schema.String }) {}

/** How an event differs from the tracking plan. */
export class Violation extends Schema.Struct({ path: Schema.String, wanted: Schema.String }) {}

/** An event as it arrived, with its verdict. `project` is the first four characters of the API key, or empty. */
export class ReceivedEvent extends Schema.Struct({
  id: Schema.String,
  project: Schema.String,
  receivedAt: Schema.Number,
  request: Schema.String,
  library: Schema.String,
  verdict: Verdict,
  reasons: Schema.Array(Reason),
  because: Schema.optionalWith(Schema.String, { exact: true }),
  of: Schema.optionalWith(Schema.String, { exact: true }),
  alterations: Schema.Array(Alteration),
  violations: Schema.Array(Violation),
  event: JsonObject
}) {}

/** `GET /api/events`, newest first. `dropped` is the number of events that the server does not hold any more. */
export class EventPage extends Schema.Struct({
  events: Schema.Array(ReceivedEvent),
  cursor: Schema.optionalWith(Schema.String, { exact: true }),
  dropped: Schema.Number
}) {}

/** A property that an event changed. */
export class Change extends Schema.Struct({
  property: Schema.String,
  before: Schema.optionalWith(Schema.Unknown, { exact: true }),
  after: Schema.optionalWith(Schema.Unknown, { exact: true })
}) {}

/** An upload. */
export class RequestSummary extends Schema.Struct({
  id: Schema.String,
  project: Schema.String,
  receivedAt: Schema.Number,
  path: Schema.String,
  status: Schema.Number,
  events: Schema.Number,
  bytes: Schema.Number,
  library: Schema.String
}) {}

/** `GET /api/events/:id` */
export class EventDetail extends Schema.Struct({
  event: ReceivedEvent,
  request: Schema.optionalWith(RequestSummary, { exact: true }),
  previous: Schema.optionalWith(Schema.Struct({ id: Schema.String, receivedAt: Schema.Number }), { exact: true }),
  changes: Schema.Array(Change)
}) {}

/** A user. `id` is the `user_id`, or the `device_id` of a user without one. */
export class UserSummary extends Schema.Struct({
  id: Schema.String,
  events: Schema.Number,
  notKept: Schema.Number,
  firstSeen: Schema.Number,
  lastSeen: Schema.Number,
  revenue: Schema.Number
}) {}

/** `GET /api/users`, the last seen first. */
export class UserList extends Schema.Struct({ users: Schema.Array(UserSummary) }) {}

/** A property of a user or group, with the event that set it. */
export class Property extends Schema.Struct({
  name: Schema.String,
  value: Schema.Unknown,
  event: Schema.String,
  at: Schema.Number
}) {}

/** The events of a session. The events without a session are one entry without `id`. */
export class Session extends Schema.Struct({
  id: Schema.optionalWith(Schema.Number, { exact: true }),
  events: Schema.Array(ReceivedEvent)
}) {}

/** `GET /api/users/:id` */
export class UserDetail extends Schema.Struct({
  ...UserSummary.fields,
  properties: Schema.Array(Property),
  sessions: Schema.Array(Session)
}) {}

/** A group that an event named. */
export class GroupSummary extends Schema.Struct({
  type: Schema.String,
  name: Schema.String,
  events: Schema.Number
}) {}

/** `GET /api/groups` */
export class GroupList extends Schema.Struct({ groups: Schema.Array(GroupSummary) }) {}

/** `GET /api/groups/:type/:name` */
export class GroupDetail extends Schema.Struct({
  ...GroupSummary.fields,
  properties: Schema.Array(Property)
}) {}

/** `GET /api/requests`, newest first. */
export class RequestList extends Schema.Struct({
  requests: Schema.Array(RequestSummary),
  dropped: Schema.Number
}) {}

/**
 * `GET /api/requests/:id`. `advice` says what an SDK should do, and `resends` are the later requests with the same
 * events.
 */
export class RequestDetail extends Schema.Struct({
  ...RequestSummary.fields,
  headers: Schema.Record({ key: Schema.String, value: Schema.String }),
  body: Schema.String,
  answer: Schema.Struct({
    status: Schema.Number,
    headers: Schema.Record({ key: Schema.String, value: Schema.String }),
    body: Schema.String
  }),
  advice: Schema.String,
  resends: Schema.Array(Schema.String),
  curl: Schema.String,
  eventIds: Schema.Array(Schema.String)
}) {}

const counts = {
  kept: Schema.Number,
  fault: Schema.Number,
  refused: Schema.Number,
  duplicate: Schema.Number,
  injected: Schema.Number
}

/** How near a user is to a limit of the service. */
export class Limit extends Schema.Struct({
  user: Schema.String,
  limit: Schema.String,
  used: Schema.Number,
  of: Schema.Number
}) {}

/**
 * `GET /api/stats`. `seconds` holds the seconds of the last five minutes with events, each with its start `at`. `last`
 * is the id of the newest event or request that is counted.
 */
export class Stats extends Schema.Struct({
  last: Schema.String,
  verdicts: Schema.Struct(counts),
  types: Schema.Record({ key: Schema.String, value: Schema.Number }),
  libraries: Schema.Record({ key: Schema.String, value: Schema.Number }),
  seconds: Schema.Array(Schema.Struct({ ...counts, at: Schema.Number })),
  limits: Schema.Array(Limit)
}) {}

/** An observed property. `share` is the share of the events of its type that have the property, from 0 to 1. */
export class ObservedProperty extends Schema.Struct({
  name: Schema.String,
  types: Schema.Array(Schema.String),
  share: Schema.Number,
  examples: Schema.Array(Schema.Unknown),
  firstSeen: Schema.Number,
  lastSeen: Schema.Number
}) {}

/** An observed event type. */
export class ObservedEvent extends Schema.Struct({
  type: Schema.String,
  count: Schema.Number,
  firstSeen: Schema.Number,
  lastSeen: Schema.Number,
  properties: Schema.Array(ObservedProperty),
  violations: Schema.Array(Schema.Struct({ ...Violation.fields, count: Schema.Number }))
}) {}

/** `GET /api/plan` */
export class ObservedPlan extends Schema.Struct({ events: Schema.Array(ObservedEvent) }) {}

/** The headers of an answer, as HTTP allows them. */
const AnswerHeaders = Schema.Record({ key: Schema.String, value: Schema.String }).pipe(
  Schema.filter(
    (headers) =>
      Object.entries(headers)
        .filter(([name, value]) => !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
        .map(([name]) => ({ path: [name], message: "HTTP allows no such header" })),
    { jsonSchema: {} }
  )
)

/** The answer of a fault. */
export class FaultAnswer extends Schema.Struct({
  status: Schema.Int.pipe(Schema.between(200, 599)),
  body: Schema.optional(Schema.Unknown),
  headers: Schema.optional(AnswerHeaders),
  delayMs: Schema.optional(Schema.NonNegative)
}).annotations(known) {}

/**
 * `POST /api/faults`. Without `times`, `share`, `user` and `forMs` the fault answers every request until it is stopped.
 */
export class Fault extends Schema.Struct({
  answer: Schema.Union(FaultAnswer, Schema.Literal("reset", "timeout")),
  times: Schema.optional(Schema.Int.pipe(Schema.positive())),
  share: Schema.optional(Schema.Number.pipe(Schema.between(0, 1))),
  user: Schema.optional(Schema.String),
  forMs: Schema.optional(Schema.Positive)
}).annotations(known) {}

/** A fault, and how often it fired. */
export class ArmedFault extends Schema.Struct({
  ...Fault.fields,
  id: Schema.String,
  fired: Schema.Number,
  armed: Schema.Boolean
}) {}

/** An event that a fault refused, with the times of its returns, in order. */
export class Delivery extends Schema.Struct({
  insertId: Schema.String,
  event: Schema.String,
  refusedAt: Schema.Number,
  returns: Schema.Array(Schema.Struct({ at: Schema.Number, event: Schema.String }))
}) {}

/** The answer of `/api/faults` for every method. */
export class FaultList extends Schema.Struct({
  faults: Schema.Array(ArmedFault),
  deliveries: Schema.Array(Delivery)
}) {}

/** `POST /api/expect`. `where` holds fields, by name or dotted path, and the values that they must have. */
export class Matcher extends Schema.Struct({
  type: Schema.optional(Schema.String),
  user: Schema.optional(Schema.String),
  where: Schema.optional(JsonObject),
  count: Schema.optional(Schema.Int.pipe(Schema.positive())),
  within: Schema.optional(Schema.NonNegative),
  none: Schema.optional(Schema.Boolean),
  noneAtFault: Schema.optional(Schema.Boolean)
}).annotations(known) {}

/** The events that a matcher expected. */
export class Expected extends Schema.Struct({ matches: Schema.Array(ReceivedEvent) }) {}

/** A field that is not as expected. */
export class Difference extends Schema.Struct({
  path: Schema.String,
  given: Schema.optionalWith(Schema.Unknown, { exact: true }),
  wanted: Schema.optionalWith(Schema.Unknown, { exact: true })
}) {}

/** The event with the fewest differences from a matcher. */
export class NearestMiss extends Schema.Struct({
  event: ReceivedEvent,
  differences: Schema.Array(Difference)
}) {}

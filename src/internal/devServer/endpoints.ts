/** The endpoints of the service and their limits. */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Answers from "./answers.js"

/** The limits of one endpoint. */
export interface Endpoint {
  readonly maxBytes: number
  readonly maxEvents: number
  /** The most events a second of one user or device. */
  readonly eventsPerSecond: number
  /** The most events a day of one user or device. */
  readonly dailyQuota: number
  /** Whether a 400 lists every event at fault, or only the first one of each field. */
  readonly listsEveryFault: boolean
}

/** The endpoints by their paths. Amplitude HTTP V2 API and Batch Event Upload API, limits. */
export const endpoints: ReadonlyMap<string, Endpoint> = new Map<string, Endpoint>([
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
  // Amplitude Identify API: it does not refuse more than 1800 updates of a user in an hour
  ...Arr.map(["/identify", "/groupidentify"], (path): [string, Endpoint] => [path, {
    maxBytes: 1_000_000,
    maxEvents: 1999,
    eventsPerSecond: Number.POSITIVE_INFINITY,
    dailyQuota: Number.POSITIVE_INFINITY,
    listsEveryFault: false
  }])
])

/** The endpoint at a path. */
export const endpointAt = (path: string): Either.Either<Endpoint, Answers.Answer> =>
  Either.fromNullable(endpoints.get(path), () => Answers.invalidPath)

/** Refuses a body with too many bytes. */
export const checkBytes = (endpoint: Endpoint, bytes: number): Either.Either<void, Answers.Answer> =>
  bytes > endpoint.maxBytes ? Either.left(Answers.payloadTooLarge) : Either.void

/** Refuses an upload with too many events. */
export const checkCount = (endpoint: Endpoint, events: ReadonlyArray<unknown>): Either.Either<void, Answers.Answer> =>
  events.length > endpoint.maxEvents ? Either.left(Answers.payloadTooLarge) : Either.void

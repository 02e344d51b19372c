/**
 * Reads and steers a running `DevServer` over HTTP, from any test runner: plain promises, nothing of Effect needed.
 *
 * @since 0.1.0
 */
import type * as Model from "./internal/devServer/model.js"

/**
 * An event as it arrived, with its verdict.
 *
 * @since 0.1.0
 * @category models
 */
export type ReceivedEvent = typeof Model.ReceivedEvent.Type

/**
 * What is expected: `count` (the default is 1) kept events of a `type` and `user`, with the values of `where` by name
 * or dotted path. `within` is how long to wait, in milliseconds; the default is 5000.
 *
 * @since 0.1.0
 * @category models
 */
export type Matcher = typeof Model.Matcher.Type

/**
 * How requests are answered in place of the service.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault = typeof Model.Fault.Type

/**
 * Which events to read.
 *
 * @since 0.1.0
 * @category models
 */
export interface Filter {
  readonly type?: string | undefined
  readonly user?: string | undefined
  readonly verdict?: ReceivedEvent["verdict"] | undefined
  readonly library?: string | undefined
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined
  /** Free text. */
  readonly q?: string | undefined
  /** The default is 1000, which is the most. */
  readonly limit?: number | undefined
}

/**
 * Which project, and the token of the server if it has one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The API key of the project. The default is all projects. */
  readonly project?: string | undefined
  readonly token?: string | undefined
}

/**
 * A connection to a server. A promise is rejected with an `Error` that says why.
 *
 * @since 0.1.0
 * @category models
 */
export interface Client {
  /** Waits until the events are there. Rejects with the nearest miss when they do not come in time. */
  readonly expect: (matcher: Matcher) => Promise<ReadonlyArray<ReceivedEvent>>
  /** Waits `within` milliseconds, and rejects as soon as such an event comes. */
  readonly expectNone: (matcher: Matcher) => Promise<void>
  /** The events that arrived, newest first. */
  readonly events: (filter?: Filter) => Promise<ReadonlyArray<ReceivedEvent>>
  /** Answers the requests that come as the fault says. */
  readonly inject: (fault: Fault) => Promise<void>
  /** Forgets the project, or all. */
  readonly clear: () => Promise<void>
}

interface Failure {
  readonly message?: string
  readonly error?: string
  readonly nearest?: typeof Model.NearestMiss.Type
}

const explain = (status: number, { error, message, nearest }: Failure): string =>
  [
    message ?? error ?? `The server answered ${status}`,
    ...(nearest === undefined ? [] : [
      `The nearest is event ${nearest.event.id}:`,
      ...nearest.differences.map(({ given, path, wanted }) =>
        `  ${path}: got ${JSON.stringify(given)}, wanted ${JSON.stringify(wanted)}`
      ),
      ...nearest.event.reasons.map(({ fix, path, wanted }) => `  ${path} must be ${wanted}. ${fix}`)
    ])
  ].join("\n")

/**
 * Connects to the server at a URL. Nothing is sent before the first call.
 *
 * @example
 * ```ts
 * import { connect } from "effect-amplitude/DevServerClient"
 *
 * export const checkPlayed = async (): Promise<void> => {
 *   const amplitude = connect("http://127.0.0.1:8267", { project: "test-1" })
 *   await amplitude.clear()
 *   // ... what is tested sends its events to http://127.0.0.1:8267/2/httpapi ...
 *   await amplitude.expect({ type: "Song Played", where: { "event_properties.title": "Hey Jude" } })
 * }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const connect = (url: string, { project, token }: Options = {}): Client => {
  const call = <A>(method: string, path: string, body?: unknown, query: object = {}): Promise<A> => {
    const address = new URL(path, url)
    Object.entries({ project, ...query }).forEach(([name, value]) => {
      if (value !== undefined) {
        address.searchParams.set(name, String(value))
      }
    })
    return fetch(address, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    }).then((response) =>
      response.ok ?
        response.json() as Promise<A> :
        response.json().then(
          (failure: Failure) => Promise.reject(new Error(explain(response.status, failure))),
          () => Promise.reject(new Error(explain(response.status, {})))
        )
    )
  }
  return {
    expect: (matcher) =>
      call<{ readonly matches: ReadonlyArray<ReceivedEvent> }>("POST", "/api/expect", matcher)
        .then(({ matches }) => matches),
    expectNone: (matcher) => call("POST", "/api/expect", { ...matcher, none: true }).then(() => {}),
    events: (filter = {}) =>
      call<typeof Model.EventPage.Type>("GET", "/api/events", undefined, { limit: 1000, ...filter })
        .then(({ events }) => events),
    inject: (fault) => call("POST", "/api/faults", fault).then(() => {}),
    clear: () => call("POST", "/api/clear", {}).then(() => {})
  }
}

/**
 * A client of a running `DevServer` over HTTP, for any test runner. It has plain promises, and its caller needs no
 * Effect.
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
 * The expected events: `count` (default 1) kept events with this `type` and `user`, and with the values of `where` by
 * name or dotted path. `within` is the longest wait in milliseconds, default 5000. With `noneAtFault`, an event at fault
 * (of the `user`, if it is given) fails the expectation at once; alone, it expects no other event.
 *
 * @since 0.1.0
 * @category models
 */
export type Matcher = typeof Model.Matcher.Type

/**
 * A fault that answers requests in place of the server: an answer, `"reset"` or `"timeout"`. `delayMs` of an answer is
 * in milliseconds. By default the fault answers every request. `times` limits how often it answers, `share` (0 to 1) is
 * the share of requests, `user` the user whose requests it answers, `forMs` how long it lasts in milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault = typeof Model.Fault.Type

/**
 * The filter of the events to read.
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
  /** Text that the event must contain. */
  readonly q?: string | undefined
  /** The most events to read. Default 1000, which is also the maximum. */
  readonly limit?: number | undefined
}

/**
 * The project, and the token if the server has one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The API key of the project. Default: all projects. */
  readonly project?: string | undefined
  /** The `token` of the server. Default none. */
  readonly token?: string | undefined
}

/**
 * A connection to a server. A promise is rejected with an `Error` that says why.
 *
 * @since 0.1.0
 * @category models
 */
export interface Client {
  /** Waits for the events, and resolves with them. Rejects with the nearest miss if they do not arrive in time. */
  readonly expect: (matcher: Matcher) => Promise<ReadonlyArray<ReceivedEvent>>
  /** Waits `within` milliseconds, and rejects as soon as such an event arrives. */
  readonly expectNone: (matcher: Matcher) => Promise<void>
  /** The events that arrived, newest first. */
  readonly events: (filter?: Filter) => Promise<ReadonlyArray<ReceivedEvent>>
  /** Answers the next requests as the fault says. */
  readonly inject: (fault: Fault) => Promise<void>
  /** Forgets everything of the project, or of all projects. */
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
 *   // ... the program under test sends its events to http://127.0.0.1:8267/2/httpapi ...
 *   await amplitude.expect({ type: "Song Played", where: { "event_properties.title": "Hey Jude" } })
 * }
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const connect = (url: string, { project, token }: Options = {}): Client => {
  const request = (method: string, path: string, body: unknown, query: object): Promise<Response> => {
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
    }).catch((cause: unknown) => Promise.reject(new Error(`No DevServer answers at ${address.origin}`, { cause })))
  }
  const call = <A>(method: string, path: string, body?: unknown, query: object = {}): Promise<A> =>
    // what is thrown, for example for a URL that is none, rejects the promise as well
    Promise.resolve().then(() => request(method, path, body, query)).then((response) =>
      response.ok ?
        response.json() as Promise<A> :
        response.json().then(
          (failure: Failure) => Promise.reject(new Error(explain(response.status, failure))),
          () => Promise.reject(new Error(explain(response.status, {})))
        )
    )
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

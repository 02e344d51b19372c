/**
 * A local server for Amplitude's HTTP V2 API (`POST /2/httpapi`) and Batch API (`POST /batch`). It validates, limits,
 * deduplicates and answers as Amplitude does. It keeps the events that it ingests, and gives them at `GET /events`. Any
 * Amplitude SDK can use it as its server URL.
 *
 * @since 0.1.0
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServer from "@effect/platform/HttpServer"
import { ServeError } from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import { constTrue } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as Http from "node:http"
import * as Answers from "./internal/devServer/answers.js"
import type * as Api from "./internal/devServer/api.js"
import * as Assets from "./internal/devServer/assets.js"
import * as Body from "./internal/devServer/body.js"
import { arrivals, expect } from "./internal/devServer/changes.js"
import * as Guard from "./internal/devServer/guard.js"
import * as KeptFile from "./internal/devServer/keptFile.js"
import type * as Model from "./internal/devServer/model.js"
import * as RequestBody from "./internal/devServer/requestBody.js"
import * as Routes from "./internal/devServer/routes.js"
import { type InPlace, Store, type Upload } from "./internal/devServer/store.js"
import { violations } from "./internal/devServer/violations.js"

/**
 * A running server, as a service.
 *
 * @since 0.1.0
 * @category tags
 */
export class DevServer extends Context.Tag("effect-amplitude/DevServer")<DevServer, DevServer.Service>() {
  /**
   * Starts a server that runs until the scope closes. It fails with `ServeError` if it cannot listen on the port, or
   * cannot use the `file`.
   *
   * @example
   * ```ts
   * import { DevServer } from "effect-amplitude/DevServer"
   * import { Console, Effect } from "effect"
   *
   * // Two servers in one program. The second one has a single project.
   * export const program = Effect.gen(function*() {
   *   const open = yield* DevServer.make()
   *   const strict = yield* DevServer.make({ apiKeys: ["0123456789abcdef"] })
   *   yield* Console.log(open.urlV2, strict.urlBatch)
   * }).pipe(Effect.scoped)
   * ```
   *
   * @since 0.1.0
   * @category constructors
   */
  static readonly make: (options?: DevServer.Options) => Effect.Effect<DevServer.Service, ServeError, Scope.Scope> = (
    options
  ) => make(options ?? {})

  /**
   * A server for the life of the layer.
   *
   * @example
   * ```ts
   * import { DevServer } from "effect-amplitude/DevServer"
   * import { Console, Effect, Option } from "effect"
   *
   * // The first request fails, the second one is taken.
   * const DevServerLive = DevServer.layer({
   *   intercept: ({ index }) => index === 0 ? Option.some({ status: 503 }) : Option.none()
   * })
   *
   * export const program = Effect.gen(function*() {
   *   const server = yield* DevServer
   *   // ... send to server.urlV2 ...
   *   yield* Console.log(yield* server.events)
   * }).pipe(Effect.provide(DevServerLive))
   * ```
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: (options?: DevServer.Options) => Layer.Layer<DevServer, ServeError> = (options) =>
    Layer.scoped(DevServer, DevServer.make(options))

  /**
   * The events that were ingested, in order.
   *
   * @since 0.1.0
   * @category accessors
   */
  static readonly events: Effect.Effect<ReadonlyArray<DevServer.KeptEvent>, never, DevServer> = Effect.flatMap(
    DevServer,
    (server) => server.events
  )

  /**
   * The uploads that arrived, in order.
   *
   * @since 0.1.0
   * @category accessors
   */
  static readonly requests: Effect.Effect<ReadonlyArray<DevServer.ReceivedRequest>, never, DevServer> = Effect.flatMap(
    DevServer,
    (server) => server.requests
  )

  /**
   * Forgets all events, requests, faults, `insert_id`s, rates and quotas.
   *
   * @since 0.1.0
   * @category accessors
   */
  static readonly clear: Effect.Effect<void, never, DevServer> = Effect.flatMap(DevServer, (server) => server.clear)
}

/**
 * @since 0.1.0
 */
export declare namespace DevServer {
  /**
   * A running server.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Where the server listens, for example `http://127.0.0.1:8123`. */
    readonly url: string
    /** The server URL for an SDK that uses the HTTP V2 API. */
    readonly urlV2: string
    /** The server URL for an SDK that uses the Batch API. */
    readonly urlBatch: string
    /** The events that were ingested, in order, each `insert_id` of a device once. */
    readonly events: Effect.Effect<ReadonlyArray<KeptEvent>>
    /** The uploads (every `POST`) that arrived, in order, with the status of their answers. */
    readonly requests: Effect.Effect<ReadonlyArray<ReceivedRequest>>
    /** Every event that arrived, in order, with its verdict. */
    readonly received: Effect.Effect<ReadonlyArray<ReceivedEvent>>
    /**
     * The user with this `user_id`, or the user without `user_id` with this `device_id`. Users of several projects with
     * the same id are one.
     */
    readonly user: (id: string) => Effect.Effect<Option.Option<User>>
    /** Answers the next requests of all projects as the fault says. */
    readonly inject: (fault: Fault) => Effect.Effect<void>
    /** Waits for events of any project. Fails with the nearest miss when `within` is over. */
    readonly expect: (matcher: Matcher) => Effect.Effect<ReadonlyArray<ReceivedEvent>, ExpectationFailed>
    /** The events that arrive from now on, with their verdicts. It ends when the server stops. */
    readonly stream: Stream.Stream<ReceivedEvent>
    /** Forgets everything: events, requests, faults, `insert_id`s, rates and quotas. */
    readonly clear: Effect.Effect<void>
  }

  /**
   * The options of a server. None is required.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Options {
    /** The port to listen on. Default 0: any free port. */
    readonly port?: number | undefined
    /** The address to listen on. Default `127.0.0.1`, which only this machine can reach. */
    readonly host?: string | undefined
    /** The API keys of the projects that exist. Default: every key that is not blank. */
    readonly apiKeys?: ReadonlyArray<string> | undefined
    /**
     * Whether a user or device that sends too much gets a 429. Default true. The rate is an average over 30 seconds:
     * the limit of the HTTP V2 API is 900 events in that time, and the limit of the Batch API 30,000.
     */
    readonly rateLimit?: boolean | undefined
    /** The most events that the server holds. Beyond it the oldest event is dropped. Default 10,000. */
    readonly maxEvents?: number | undefined
    /** The tracking plan: the JSON Schema of the properties, by event type. Kept events are checked against it. */
    readonly plan?: { readonly [eventType: string]: unknown } | undefined
    /**
     * A file that keeps the events across restarts, for one server at a time. Only its owner can read it. The server
     * rewrites it when it holds twice as much as the server. A file with other content, or one that cannot be read or
     * written, is a `ServeError`.
     */
    readonly file?: string | undefined
    /** Further names that a `Host` header may have. */
    readonly allowHost?: ReadonlyArray<string> | undefined
    /** Other origins whose pages may read the events, for example `http://localhost:3000`. */
    readonly allowOrigin?: ReadonlyArray<string> | undefined
    /** The token that every route except ingestion asks for. Without a token, other machines can only send events. */
    readonly token?: string | undefined
    /** Answers a request in place of the server. Such a request is not validated, and its events are not ingested. */
    readonly intercept?: ((request: InterceptedRequest) => Option.Option<Answer>) | undefined
  }

  /**
   * An event as it arrived, with its verdict.
   *
   * @since 0.1.0
   * @category models
   */
  export type ReceivedEvent = typeof Model.ReceivedEvent.Type

  /**
   * A user: each property with the event that set it, and the events by session.
   *
   * @since 0.1.0
   * @category models
   */
  export type User = typeof Model.UserDetail.Type

  /**
   * A fault that answers requests in place of the server: an answer, `"reset"` or `"timeout"`. `delayMs` of an answer is
   * in milliseconds. By default the fault answers every request. `times` limits how often it answers, `share` (0 to 1)
   * is the share of requests, `user` the user whose requests it answers, `forMs` how long it lasts in milliseconds.
   *
   * @since 0.1.0
   * @category models
   */
  export type Fault = typeof Model.Fault.Type

  /**
   * The expected events: `count` (default 1) kept events with this `type` and `user`, and with the values of `where` by
   * name or dotted path. `within` is the longest wait in milliseconds, default 5000. With `none`, no such event may
   * arrive in that time. With `noneAtFault`, an event at fault (of the `user`, if it is given) fails the expectation at
   * once; alone, it expects no other event.
   *
   * @since 0.1.0
   * @category models
   */
  export type Matcher = typeof Model.Matcher.Type

  /**
   * The expected events did not arrive in time, or an unexpected event arrived.
   *
   * @since 0.1.0
   * @category errors
   */
  export type ExpectationFailed = Api.ExpectationFailed

  /**
   * An upload that arrived, with the status of its answer.
   *
   * @since 0.1.0
   * @category models
   */
  export interface ReceivedRequest extends Upload {
    readonly status: number
  }

  /**
   * An upload that is not answered yet, for `intercept`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface InterceptedRequest extends Upload {
    /** How many requests came before this one since the start or the last `clear`. */
    readonly index: number
    /** The body after decompression. */
    readonly body: string
  }

  /**
   * The fields of every upload.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Upload {
    readonly path: string
    /** How many events the upload holds, valid or not. 0 if the body cannot be read. */
    readonly events: number
    /** The length of the body after decompression. */
    readonly bytes: number
    readonly contentEncoding?: string
    /** Milliseconds since the epoch. */
    readonly receivedAt: number
  }

  /**
   * The answer to an intercepted request. A `body` that is not a string is sent as JSON. Without `body` the answer is
   * empty.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Answer {
    readonly status: number
    readonly body?: unknown
    readonly headers?: { readonly [name: string]: string } | undefined
  }

  /**
   * An event as Amplitude keeps it. Long strings and surplus groups are cut, `ip: "$remote"` is replaced, and a missing
   * `time` or `device_id` is filled in.
   *
   * @since 0.1.0
   * @category models
   */
  export interface KeptEvent {
    readonly event_type: string
    readonly user_id?: string
    readonly device_id?: string
    readonly insert_id?: string
    readonly time: number
    readonly server_upload_time: number
    readonly [field: string]: any
  }
}

interface Settings extends Guard.Options {
  readonly options: DevServer.Options
  readonly url: string
}

const maxSubscribers = 32

const make = (options: DevServer.Options): Effect.Effect<DevServer.Service, ServeError, Scope.Scope> =>
  Effect.gen(function*() {
    const { allowHost = [], allowOrigin = [], host = "127.0.0.1", maxEvents = 10_000, token } = options
    const store = new Store({
      apiKeys: options.apiKeys,
      rateLimit: options.rateLimit ?? true,
      maxEvents,
      violations: violations(options.plan)
    })
    // ends after the server, so that the stream has every event
    yield* Effect.addFinalizer(() => Effect.sync(() => store.end()))
    // the file is opened after the server listens, since a server whose port is taken must not touch it, and it is
    // closed after the server
    const ofFile = yield* Effect.flatMap(Effect.scope, (scope) => Scope.fork(scope, ExecutionStrategy.sequential))
    const server = yield* listen(options)
    const runtime = yield* Effect.runtime()
    const file = yield* KeptFile.open(options.file, store, (error) => {
      Runtime.runFork(runtime)(warn(error))
    }).pipe(
      Scope.extend(ofFile),
      Effect.mapError((cause) => new ServeError({ cause }))
    )
    const url = urlOf(server.address)
    const settings: Settings = { options, url, host, allowHost, allowOrigin, token }
    const routes = yield* Routes.make({ store, url, maxSubscribers, onClear: file.rewrite })
    yield* HttpServer.serveEffect(Effect.interruptible(app(store, file, routes, settings))).pipe(
      Effect.provideService(HttpServer.HttpServer, server),
      HttpMiddleware.withTracerDisabledWhenEffect(constTrue)
    )
    return {
      url,
      urlV2: `${url}/2/httpapi`,
      urlBatch: `${url}/batch`,
      events: Effect.sync(() => store.kept()),
      received: Effect.sync(() => store.received()),
      requests: Effect.sync(() => store.uploads()),
      user: (id) => Effect.sync(() => store.user(id, undefined)),
      inject: (fault) => Effect.map(Clock.currentTimeMillis, (now) => store.arm(fault, undefined, now)),
      expect: (matcher) => expect(store, matcher, undefined),
      stream: arrivals(store),
      clear: Effect.sync(() => {
        store.clear(undefined)
        file.rewrite()
      })
    }
  })

const warn = (error: KeptFile.KeptFileError): Effect.Effect<void> =>
  Effect.logWarning(`${error.message}. What arrives is not kept across restarts`).pipe(
    Effect.annotateLogs({ package: "effect-amplitude", module: "DevServer" })
  )

// The socket

const listen = (
  { host = "127.0.0.1", port = 0 }: DevServer.Options
): Effect.Effect<HttpServer.HttpServer, ServeError, Scope.Scope> =>
  Effect.gen(function*() {
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      return yield* new ServeError({ cause: new RangeError(`port: expected a number from 0 to 65535, got ${port}`) })
    }
    const node = Http.createServer()
    const server = yield* NodeHttpServer.make(() => node, { host, port })
    yield* Effect.addFinalizer(() => close(node))
    return server
  })

/** Node's own `close` waits for open connections, and keep-alive connections stay open for long. */
const close = (node: Http.Server): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    node.close(() => resume(Effect.void))
    node.closeAllConnections()
  })

const urlOf = (address: HttpServer.Address): string => {
  if (address._tag === "UnixAddress") {
    return HttpServer.formatAddress(address)
  }
  const host = address.hostname === "0.0.0.0" ? "127.0.0.1" : address.hostname
  return `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`
}

// The routes

type App = HttpApp.Default<never, Scope.Scope>

const app = (store: Store, file: KeptFile.KeptFile, routes: Routes.Routes, settings: Settings): App => {
  const ingestion = HttpMiddleware.cors()(upload(store, file, settings.options))
  const own = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request): App => {
    const path = pathOf(request.url)
    const isRead = request.method === "GET" || request.method === "HEAD"
    if (isRead && Assets.isAsset(path)) {
      return Assets.respond(path, settings.token === undefined ? undefined : tokenOf(request))
    }
    const answer = path.startsWith("/api/") || (isRead && path === "/events") ?
      routes :
      request.method === "POST" ?
      upload(store, file, settings.options) :
      respond(Answers.invalidPath)
    return Effect.map(answer, guarded)
  })
  const readable = HttpMiddleware.cors({
    allowedOrigins: (origin) => Guard.isAllowedOrigin(origin, settings)
  })(own)
  return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request): App => {
    const path = pathOf(request.url)
    const refusal = Guard.check({
      method: request.method,
      path,
      token: tokenOf(request),
      headers: request.headers,
      remoteAddress: request.remoteAddress
    }, settings)
    if (Option.isSome(refusal)) {
      const { message, status } = refusal.value
      return Effect.map(respond({ status, body: { code: status, error: message } }), guarded)
    }
    if (Guard.isIngestion(request.method, path)) {
      return ingestion
    }
    return Guard.isAllowedOrigin(request.headers["origin"], settings) ? readable : own
  })
}

const guarded: (response: HttpServerResponse.HttpServerResponse) => HttpServerResponse.HttpServerResponse =
  HttpServerResponse.setHeaders(Guard.headers)

const tokenOf = ({ headers, url }: HttpServerRequest.HttpServerRequest): string | undefined =>
  /^Bearer (.+)$/i.exec(headers["authorization"] ?? "")?.[1] ??
    new URLSearchParams(url.split("?")[1]).get("token") ??
    Assets.tokenOfCookie(headers["cookie"] ?? "")

const upload = (store: Store, file: KeptFile.KeptFile, options: DevServer.Options): App =>
  Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const path = pathOf(request.url)
    const payload = yield* Effect.either(Body.read(request, path))
    if (payload._tag === "Left") {
      const status = payload.left === "TooSlow" ? 408 : 400
      return yield* respond({ status, headers: { connection: "close" } })
    }
    const now = yield* Clock.currentTimeMillis
    const received = { ...payload.right, path, headers: request.headers, remoteAddress: request.remoteAddress, now }
    const intercepted = intercept(store, options, received)
    const receive = (inPlace: InPlace | undefined): DevServer.Answer => {
      const answer = store.receive(received, inPlace)
      file.append(received, inPlace)
      return answer
    }
    if (Option.isSome(intercepted)) {
      return yield* respond(receive({ answer: intercepted.value, because: "intercept answered its request" }))
    }
    const fired = store.fire(received, yield* Random.next)
    if (fired !== undefined) {
      return yield* inject(receive, fired, request)
    }
    const answer = receive(undefined)
    return yield* respond(Body.isForm(path) && answer.status === 200 ? { status: 200, body: "success" } : answer)
  })

const intercept = (store: Store, options: DevServer.Options, upload: Upload): Option.Option<DevServer.Answer> => {
  if (options.intercept === undefined) {
    return Option.none()
  }
  const contentEncoding = upload.headers["content-encoding"]
  return options.intercept({
    path: upload.path,
    events: RequestBody.eventCount(upload.body),
    bytes: upload.bytes,
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    receivedAt: upload.now,
    index: store.requestIndex,
    body: upload.text
  })
}

/** Answers as a fault says. A request that is reset, or never answered, is recorded with status 0. */
const inject = (
  receive: (inPlace: InPlace) => DevServer.Answer,
  { fault: { answer }, id }: { readonly fault: DevServer.Fault; readonly id: string },
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const because = answer === "reset" ?
    `Connection reset by ${id}` :
    answer === "timeout" ?
    `Left without an answer by ${id}` :
    `Answered ${answer.status} by ${id}`
  if (answer === "reset" || answer === "timeout") {
    receive({ answer: { status: 0 }, because })
    return answer === "timeout" ?
      Effect.never :
      Effect.zipRight(
        Effect.sync(() => void NodeHttpServerRequest.toIncomingMessage(request).socket.destroy()),
        Effect.never
      )
  }
  const { delayMs = 0, ...rest } = answer
  // The events are recorded before the delay: a client that gives up meanwhile has sent them as well.
  const given = receive({ answer: rest, because })
  return Effect.zipRight(Effect.sleep(delayMs), respond(given))
}

const pathOf = (url: string): string => url.replace(/[?#].*$/, "")

const respond = ({ body, headers, status }: DevServer.Answer): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const options = { status, ...(headers === undefined ? {} : { headers }) }
  return body === undefined ?
    Effect.succeed(HttpServerResponse.empty(options)) :
    Predicate.isString(body) ?
    Effect.succeed(HttpServerResponse.text(body, options)) :
    json(body, options)
}

const json = (
  body: unknown,
  options?: HttpServerResponse.Options.WithContentType
): Effect.Effect<HttpServerResponse.HttpServerResponse> => Effect.orDie(HttpServerResponse.json(body, options))

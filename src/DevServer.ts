/**
 * A local ingestion server that speaks Amplitude's HTTP V2 (`POST /2/httpapi`) and Batch (`POST /batch`) as the real
 * one does: validation, limits, the bodies of its refusals, deduplication. It keeps what it ingests and answers it at
 * `GET /events`. Any SDK can point at it with its server URL.
 *
 * @since 0.1.0
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import type { RequestError, ServeError } from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { constTrue } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Http from "node:http"
import * as Zlib from "node:zlib"
import * as Ingestion from "./internal/devServer/ingestion.js"

/**
 * The running server.
 *
 * @since 0.1.0
 * @category tags
 */
export class DevServer extends Context.Tag("effect-amplitude/DevServer")<DevServer, DevServer.Service>() {
  /**
   * Starts a server that runs until the scope closes.
   *
   * @example
   * ```ts
   * import { DevServer } from "effect-amplitude/DevServer"
   * import { Console, Effect } from "effect"
   *
   * // Two servers in one program: the second one knows a single project.
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
   * What was ingested, in order.
   *
   * @since 0.1.0
   * @category accessors
   */
  static readonly events: Effect.Effect<ReadonlyArray<DevServer.KeptEvent>, never, DevServer> = Effect.flatMap(
    DevServer,
    (server) => server.events
  )

  /**
   * The uploads that came in, in order.
   *
   * @since 0.1.0
   * @category accessors
   */
  static readonly requests: Effect.Effect<ReadonlyArray<DevServer.ReceivedRequest>, never, DevServer> = Effect.flatMap(
    DevServer,
    (server) => server.requests
  )

  /**
   * Forgets everything.
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
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Where the server listens, for example `http://127.0.0.1:8123`. */
    readonly url: string
    /** The server URL of an SDK that speaks HTTP V2. */
    readonly urlV2: string
    /** The server URL of an SDK that speaks Batch. */
    readonly urlBatch: string
    /** What was ingested, in order, each `insert_id` of a device once. */
    readonly events: Effect.Effect<ReadonlyArray<KeptEvent>>
    /** The uploads (every `POST`) that came in, in order, with how they were answered. */
    readonly requests: Effect.Effect<ReadonlyArray<ReceivedRequest>>
    /** Forgets everything: events, requests, `insert_id`s, rates and quotas. */
    readonly clear: Effect.Effect<void>
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Options {
    /** The port to listen on. The default is 0: one that is free. */
    readonly port?: number | undefined
    /** The address to listen on. The default is `127.0.0.1`: this machine alone can reach it. */
    readonly host?: string | undefined
    /** The keys of the projects that exist. By default every key that is not blank is valid. */
    readonly apiKeys?: ReadonlyArray<string> | undefined
    /**
     * Whether a user or device that sends too much is refused with a 429. The default is true. The rate is an average
     * over 30 seconds, so it takes 900 events to exceed that of HTTP V2, and 30,000 to exceed that of Batch.
     */
    readonly rateLimit?: boolean | undefined
    /** Answers a request in place of the service. Such a request is not validated and ingests nothing. */
    readonly intercept?: ((request: InterceptedRequest) => Option.Option<Answer>) | undefined
  }

  /**
   * An upload that came in and how it was answered.
   *
   * @since 0.1.0
   * @category models
   */
  export interface ReceivedRequest extends Upload {
    readonly status: number
  }

  /**
   * An upload that waits for its answer.
   *
   * @since 0.1.0
   * @category models
   */
  export interface InterceptedRequest extends Upload {
    /** How many requests came before it, since the start or the last `clear`. */
    readonly index: number
    /** The body as it was sent, uncompressed. */
    readonly body: string
  }

  /**
   * What can be seen of an upload from outside.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Upload {
    readonly path: string
    /** How many events it holds, valid or not; 0 when it cannot be read. */
    readonly events: number
    /** The length of the body, uncompressed. */
    readonly bytes: number
    readonly contentEncoding?: string
    /** Milliseconds since the epoch. */
    readonly receivedAt: number
  }

  /**
   * The answer to an intercepted request. A `body` that is no string is sent as JSON; without one nothing is sent.
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
   * An event as the service keeps it: what was sent, long strings and surplus groups cut, `ip: "$remote"` replaced, and
   * `time` and `device_id` filled in.
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

/** Everything the server remembers. */
interface Memory {
  readonly ingestion: Ingestion.State
  readonly events: Chunk.Chunk<DevServer.KeptEvent>
  readonly requests: Chunk.Chunk<DevServer.ReceivedRequest>
}

const nothing: Memory = { ingestion: Ingestion.initial, events: Chunk.empty(), requests: Chunk.empty() }

const make = (options: DevServer.Options): Effect.Effect<DevServer.Service, ServeError, Scope.Scope> =>
  Effect.gen(function*() {
    const memory = yield* Ref.make(nothing)
    const server = yield* listen(options)
    yield* HttpServer.serveEffect(routes(memory, receiver(options)), HttpMiddleware.cors()).pipe(
      Effect.provideService(HttpServer.HttpServer, server),
      HttpMiddleware.withTracerDisabledWhenEffect(constTrue)
    )
    const url = urlOf(server.address)
    return {
      url,
      urlV2: `${url}/2/httpapi`,
      urlBatch: `${url}/batch`,
      events: Effect.map(Ref.get(memory), ({ events }) => Chunk.toReadonlyArray(events)),
      requests: Effect.map(Ref.get(memory), ({ requests }) => Chunk.toReadonlyArray(requests)),
      clear: Ref.set(memory, nothing)
    }
  })

// The socket

const listen = (
  { host = "127.0.0.1", port = 0 }: DevServer.Options
): Effect.Effect<HttpServer.HttpServer, ServeError, Scope.Scope> =>
  Effect.gen(function*() {
    const node = Http.createServer()
    const server = yield* NodeHttpServer.make(() => node, { host, port })
    yield* Effect.addFinalizer(() => close(node))
    return server
  })

/** Node's own `close` waits until the clients have gone, and those with a keep-alive connection are in no hurry. */
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

const routes = (memory: Ref.Ref<Memory>, receive: Receive) =>
  HttpRouter.empty.pipe(
    HttpRouter.get("/events", Effect.flatMap(Ref.get(memory), ({ events }) => json(Chunk.toReadonlyArray(events)))),
    HttpRouter.post("*", upload(memory, receive)),
    Effect.catchTag("RouteNotFound", () => respond(Ingestion.invalidPath))
  )

const upload = (memory: Ref.Ref<Memory>, receive: Receive) =>
  Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const payload = yield* readPayload(request)
    const now = yield* Clock.currentTimeMillis
    const answer = yield* Ref.modify(memory, receive(request, payload, now))
    return yield* respond(answer)
  })

type Receive = (
  request: HttpServerRequest.HttpServerRequest,
  payload: Payload,
  now: number
) => (memory: Memory) => [DevServer.Answer, Memory]

const receiver = (
  { apiKeys, intercept = () => Option.none(), rateLimit = true }: DevServer.Options
): Receive => {
  const ingest = Ingestion.ingest({ apiKeys, rateLimit })
  return (request, payload, now) => (memory) => {
    const received = describe(request, payload, now)
    const index = Chunk.size(memory.requests)
    const { answer, kept, state } = Option.match(intercept({ ...received, index, body: payload.text }), {
      onSome: (answer) => ({ answer, kept: [], state: memory.ingestion }),
      onNone: () =>
        ingest(memory.ingestion, {
          path: received.path,
          body: payload.body,
          bytes: payload.bytes,
          remoteAddress: request.remoteAddress,
          now
        })
    })
    return [answer, {
      ingestion: state,
      events: Chunk.appendAll(memory.events, Chunk.fromIterable(kept)),
      requests: Chunk.append(memory.requests, { ...received, status: answer.status })
    }]
  }
}

const describe = (
  request: HttpServerRequest.HttpServerRequest,
  payload: Payload,
  now: number
): DevServer.Upload => {
  const contentEncoding = request.headers["content-encoding"]
  return {
    path: pathOf(request.url),
    events: Ingestion.eventCount(payload.body),
    bytes: payload.bytes,
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    receivedAt: now
  }
}

const pathOf = (url: string): string => url.replace(/[?#].*$/, "")

// Bodies

interface Payload {
  readonly text: string
  /** The length of `text` in bytes. */
  readonly bytes: number
  readonly body: Ingestion.Body
}

/** The whole body, over the limit too: an answer sent while the client still writes may never be read. */
const readPayload = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Payload, RequestError> =>
  Stream.runCollect(request.stream).pipe(
    Effect.map((chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks))),
    Effect.flatMap((bytes) =>
      isGzip(request.headers["content-encoding"]) ?
        Effect.match(gunzip(bytes), { onFailure: () => unreadable(bytes), onSuccess: payloadOf }) :
        Effect.succeed(payloadOf(bytes))
    )
  )

const payloadOf = (bytes: Buffer): Payload => {
  const text = bytes.toString("utf8")
  return { text, bytes: bytes.length, body: Ingestion.readBody(text) }
}

const unreadable = (bytes: Buffer): Payload => ({
  text: bytes.toString("utf8"),
  bytes: bytes.length,
  body: Either.left(Ingestion.malformedBody)
})

const isGzip = (contentEncoding: string | undefined): boolean => /^(x-)?gzip$/i.test(contentEncoding ?? "")

const gunzip = (bytes: Buffer): Effect.Effect<Buffer, Error> =>
  Effect.async((resume) =>
    Zlib.gunzip(bytes, (error, result) => resume(error === null ? Effect.succeed(result) : Effect.fail(error)))
  )

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

/**
 * An HTTP middleware for servers of `@effect/platform`. Every event that is tracked while a request is handled gets the
 * address, the user agent and the language of that request.
 *
 * @since 0.1.0
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { Amplitude } from "./Amplitude.js"
import type { AmplitudeConfig } from "./AmplitudeConfig.js"
import * as EventOptions from "./internal/event/eventOptions.js"

/**
 * The options of the middleware.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<E = never, R = never> {
  /**
   * Gives the fields for all events of a request, such as `user_id`. They win over the fields that the middleware reads
   * from the request; `undefined` removes such a field (`ip: undefined`). It runs before the handler. If it fails or
   * dies, the request goes on without these fields, and a warning is logged.
   */
  readonly eventOptions?:
    | ((
      request: HttpServerRequest.HttpServerRequest
    ) => Effect.Effect<AmplitudeConfig.Defaults, E, R> | AmplitudeConfig.Defaults)
    | undefined
  /**
   * How many of your own proxies a request passes; `true` means one. `ip` is then the address that the outermost of
   * these proxies wrote into `x-forwarded-for`, or into `forwarded` if that header is missing. Addresses to the left of
   * it are not trusted, since the sender can write them. Default false: `ip` is the address of the connection.
   */
  readonly trustForwarded?: boolean | number | undefined
}

/**
 * Makes the middleware. It reads `ip`, `user_agent` and `language` (the first tag of `accept-language`) from each
 * request, and adds the fields of `eventOptions`. The fields of an event, and `withEventOptions` inside a handler, win
 * over these.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * import { HttpMiddleware, HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
 * import { Amplitude } from "effect-amplitude"
 * import * as AmplitudeMiddleware from "effect-amplitude/AmplitudeMiddleware"
 * import { Effect } from "effect"
 *
 * const analytics = AmplitudeMiddleware.make({
 *   eventOptions: (request) => ({ user_id: request.headers["x-user-id"] }),
 *   trustForwarded: 1
 * })
 *
 * const ServerLive = HttpRouter.empty.pipe(
 *   HttpRouter.get("/", Effect.zipRight(Amplitude.track("Page Viewed"), HttpServerResponse.text("Hello"))),
 *   HttpServer.serve((httpApp) => analytics(HttpMiddleware.logger(httpApp)))
 * )
 */
export const make: <E = never, R = never>(
  options?: Options<E, R>
) => <E2, R2>(httpApp: HttpApp.Default<E2, R2>) => HttpApp.Default<E2, R | R2> =
  <E, R>(options: Options<E, R> = {}) => <E2, R2>(httpApp: HttpApp.Default<E2, R2>) =>
    Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      (request) =>
        Effect.flatMap(given(request, options), (defaults) =>
          Amplitude.withEventOptions(Effect.zipRight(keepOptionsForStream, httpApp), {
            ...readRequest(request, hopsOf(options.trustForwarded)),
            ...defaults
          }))
    )

/**
 * Most servers run the stream of an answer outside of the middleware, so that the stream sets the event options itself.
 * The handler of an inner middleware runs first: the options of that middleware are then set last, and win.
 */
const keepOptionsForStream: Effect.Effect<void> = Effect.flatMap(
  FiberRef.get(EventOptions.eventOptions),
  (options) =>
    FiberRef.update(HttpApp.currentPreResponseHandlers, (outer) =>
      Option.some((request, response) => {
        const own = setStreamOptions(response, options)
        return Option.isSome(outer) ? outer.value(request, own) : Effect.succeed(own)
      }))
)

const setStreamOptions = (
  response: HttpServerResponse.HttpServerResponse,
  options: AmplitudeConfig.Defaults | undefined
): HttpServerResponse.HttpServerResponse => {
  const { body } = response
  if (body._tag !== "Stream") return response
  const stream = Stream.unwrapScoped(
    Effect.as(Effect.locallyScoped(EventOptions.eventOptions, options), body.stream)
  )
  return HttpServerResponse.setBody(response, HttpBody.stream(stream, body.contentType, body.contentLength))
}

/** Runs the user's function. It stays interruptible in an uninterruptible region, so that it ends with its request. */
const given = <E, R>(
  request: HttpServerRequest.HttpServerRequest,
  { eventOptions }: Options<E, R>
): Effect.Effect<AmplitudeConfig.Defaults, never, R> =>
  eventOptions === undefined
    ? Effect.succeed({})
    : Effect.suspend(() => {
      const result = eventOptions(request)
      return Effect.isEffect(result) ? result : Effect.succeed(result)
    }).pipe(
      Effect.interruptible,
      Effect.map(withoutMissing),
      Effect.catchAllCause((cause) =>
        Effect.logWarning("the event options of a request are missing: the function that gives them failed", cause)
          .pipe(Effect.annotateLogs({ package: "effect-amplitude", module: "AmplitudeMiddleware" }), Effect.as({}))
      )
    )

/** Drops null and empty values: an empty header as an id would make every event of the request invalid. */
const withoutMissing = (options: object): AmplitudeConfig.Defaults =>
  Predicate.isRecord(options)
    ? Object.fromEntries(Object.entries(options).filter(([_, value]) => value !== null && value !== ""))
    : {}

const readRequest = (
  request: HttpServerRequest.HttpServerRequest,
  hops: number
): AmplitudeConfig.Defaults => ({
  ip: addressOf(hops === 0 ? undefined : forwarded(request, hops), request),
  user_agent: request.headers["user-agent"] || undefined,
  language: languageOf(request.headers["accept-language"] ?? "")
})

const hopsOf = (trustForwarded: boolean | number | undefined): number =>
  trustForwarded === true
    ? 1
    : typeof trustForwarded === "number" && trustForwarded >= 1
    ? Math.floor(trustForwarded)
    : 0

/** A forwarded address that cannot be read gives no address: the connection's address is that of a proxy. */
const addressOf = (
  forwarded: string | undefined,
  request: HttpServerRequest.HttpServerRequest
): string | undefined => parseAddress(forwarded ?? Option.getOrElse(request.remoteAddress, () => ""))

/** The address that the outermost trusted proxy saw. Each proxy adds the address of its own sender on the right. */
const forwarded = ({ headers }: HttpServerRequest.HttpServerRequest, hops: number): string | undefined => {
  const list = headers["x-forwarded-for"] !== undefined
    ? headers["x-forwarded-for"].split(",").map((address) => address.trim()).filter((address) => address !== "")
    : (headers["forwarded"]?.match(/(?:[^,"]|"[^"]*")+/g) ?? []).map(forOf)
  return list[Math.max(0, list.length - hops)]
}

/** The `for` of one element of a `forwarded` header (RFC 7239), or an empty string. */
const forOf = (element: string): string => {
  const [_, quoted, token] = /(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s"]*))/i.exec(element) ?? []
  return quoted ?? token ?? ""
}

/** The address without port, brackets and zone. An IPv4 address that is mapped to IPv6 becomes IPv4. */
const parseAddress = (text: string): string | undefined => {
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  const [address = ""] = bare.split("%")
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address
  return isIpv4(mapped) || isIpv6(mapped) ? mapped : undefined
}

const isIpv4 = (text: string): boolean =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) && text.split(".").every((part) => Number(part) <= 255)

const isIpv6 = (text: string): boolean => /^[\da-f:.]{2,45}$/i.test(text) && URL.canParse(`http://[${text}]`)

const languageOf = (acceptLanguage: string): string | undefined =>
  /^\s*([a-z\d]+(?:-[a-z\d]+)*)\s*(?:[,;]|$)/i.exec(acceptLanguage)?.[1]

/**
 * An HTTP middleware for the servers of `@effect/platform`: every event that is tracked while a request is handled gets
 * what the request says of its sender.
 *
 * @since 0.1.0
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { Amplitude } from "./Amplitude.js"
import type { AmplitudeConfig } from "./AmplitudeConfig.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options<E = never, R = never> {
  /**
   * The ids of a request, and whatever else its events are to have: over what the request says by itself, where
   * `undefined` leaves a field out (`ip: undefined` for none). It runs before the handler, which waits for it. If it
   * fails or dies, the request goes on without, and the log says so.
   */
  readonly eventOptions?:
    | ((
      request: HttpServerRequest.HttpServerRequest
    ) => Effect.Effect<AmplitudeConfig.Defaults, E, R> | AmplitudeConfig.Defaults)
    | undefined
  /**
   * How many proxies of yours stand before the server, `true` for one. The address is then the one that the outermost
   * of them wrote into `x-forwarded-for` (or `forwarded`, where that is missing): what stands left of it is the
   * sender's own claim. Default false: the address of the connection.
   */
  readonly trustForwarded?: boolean | number | undefined
}

/**
 * The middleware: `ip`, `user_agent` and `language` (the first tag of `accept-language`) from each request, and what
 * `eventOptions` gives for it. An event's own fields, and those of a `withEventOptions` in a handler, win over these.
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
          Amplitude.withEventOptions(httpApp, { ...readRequest(request, hopsOf(options.trustForwarded)), ...defaults }))
    )

/** What the user's function gives. It can be interrupted with the request, within which everything else cannot. */
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

/** An empty header is no id: like `null` it would make every event of the request invalid. */
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

/** Without a forwarded address it is the connection's; one that cannot be read is not replaced by that of a proxy. */
const addressOf = (
  forwarded: string | undefined,
  request: HttpServerRequest.HttpServerRequest
): string | undefined => parseAddress(forwarded ?? Option.getOrElse(request.remoteAddress, () => ""))

/** The address that the outermost trusted proxy saw: each one adds, on the right, where it got the request from. */
const forwarded = ({ headers }: HttpServerRequest.HttpServerRequest, hops: number): string | undefined => {
  const list = headers["x-forwarded-for"] !== undefined
    ? headers["x-forwarded-for"].split(",").map((address) => address.trim()).filter((address) => address !== "")
    : (headers["forwarded"]?.match(/(?:[^,"]|"[^"]*")+/g) ?? []).map(forOf)
  return list[Math.max(0, list.length - hops)]
}

/** The `for` of one element of a `forwarded` header (RFC 7239), empty where it has none. */
const forOf = (element: string): string => {
  const [_, quoted, token] = /(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s"]*))/i.exec(element) ?? []
  return quoted ?? token ?? ""
}

/** The bare address: without a port, brackets and a zone; IPv4 also where the socket speaks IPv6. */
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

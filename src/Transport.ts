/**
 * One request, one answer: how a body reaches the service. What the answer means is decided elsewhere; an answer of any
 * status is a success here, as long as it arrived whole.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type { TransportError } from "./AmplitudeError.js"
import { incomplete, notSent, readingOnce, redirected } from "./internal/transport/exchange.js"
import * as Fetch from "./internal/transport/fetch.js"

/**
 * @since 0.1.0
 * @category tags
 */
export class Transport extends Context.Tag("effect-amplitude/Transport")<Transport, Transport.Service>() {
  /**
   * Sends over the `HttpClient` that is provided. Redirects are not followed, the requests are not traced.
   *
   * @since 0.1.0
   */
  static readonly layerHttp: Layer.Layer<Transport, never, HttpClient.HttpClient> = Layer.effect(
    Transport,
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const init = yield* Effect.serviceOption(FetchHttpClient.RequestInit)
      const requestInit = { ...(init._tag === "Some" ? init.value : {}), redirect: "manual" as const }
      return {
        send: readingOnce((request) =>
          Effect.suspend(() => {
            let sent = request.url
            const noting = HttpClient.mapRequest(client, (request) => {
              sent = request.url
              return request
            })
            return Effect.flatMap(noting.execute(toHttpRequest(request)), (response) => toAnswer(sent, response))
          }).pipe(
            Effect.mapError(toTransportError),
            Effect.provideService(FetchHttpClient.RequestInit, requestInit),
            Effect.withTracerEnabled(false)
          )
        )
      }
    })
  )

  /**
   * Sends over the platform's own `fetch`, or over that of `FetchHttpClient.Fetch` where it is provided. Redirects are
   * not followed.
   *
   * @since 0.1.0
   */
  static readonly layerFetch: Layer.Layer<Transport> = Layer.succeed(Transport, Fetch.transport)
}

/**
 * @since 0.1.0
 */
export declare namespace Transport {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Request {
    readonly url: string
    /**
     * The JSON of the body, as text or in bytes; where there is a `contentEncoding`, its bytes in that. A transport that is
     * none of this package's is given text where there is none.
     */
    readonly body: string | Uint8Array
    readonly contentEncoding?: "gzip" | undefined
  }

  /**
   * An answer that arrived whole. The names of the headers are in lower case.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Answer {
    readonly status: number
    readonly headers: Readonly<Record<string, string | undefined>>
    readonly body: string
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    readonly send: (request: Request) => Effect.Effect<Answer, TransportError>
    /** The most bytes of a body that holds more than one event, where that is less than the service takes. */
    readonly maxBodyBytes?: number | undefined
  }
}

const toHttpRequest = ({ body, contentEncoding, url }: Transport.Request): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.post(url, {
    body: Predicate.isString(body)
      ? HttpBody.text(body, "application/json")
      : HttpBody.uint8Array(body, "application/json"),
    headers: contentEncoding === undefined ? {} : { "content-encoding": contentEncoding }
  })

const toAnswer = (
  url: string,
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<Transport.Answer, HttpClientError.ResponseError | TransportError> =>
  // a client that follows redirects hides them behind the last answer, and a page of a proxy is no success
  response.request.url === url && response.status > 0
    ? Effect.map(response.text, (body) => ({ status: response.status, headers: response.headers, body }))
    : Effect.fail(redirected())

/** The platform's errors hold the request, and with it the key: only what lies beneath them is kept. */
const toTransportError = (error: HttpClientError.HttpClientError | TransportError): TransportError => {
  switch (error._tag) {
    case "TransportError":
      return error
    case "RequestError":
      return notSent(error.cause)
    case "ResponseError":
      return incomplete(error.cause)
  }
}

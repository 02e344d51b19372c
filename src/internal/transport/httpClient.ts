/** The transport over any `HttpClient` of @effect/platform. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import type { TransportError } from "../../AmplitudeError.js"
import type { Transport } from "../../Transport.js"
import { incomplete, notSent, redirected } from "./errors.js"
import { readStream } from "./responseBody.js"

export const make: Effect.Effect<Transport.Service, never, HttpClient.HttpClient> = Effect.gen(function*() {
  const client = yield* HttpClient.HttpClient
  const init = yield* Effect.serviceOption(FetchHttpClient.RequestInit)
  const requestInit = { ...(init._tag === "Some" ? init.value : {}), redirect: "manual" as const }
  return {
    send: (request) =>
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
  }
})

const toHttpRequest = ({ body, headers, url }: Transport.Request): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.post(url, { body: HttpBody.uint8Array(body, headers["content-type"]), headers })

const toAnswer = (
  url: string,
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<Transport.Answer, HttpClientError.ResponseError | TransportError> =>
  // a client that follows redirects gives the last answer, which can be the login page of a proxy
  response.request.url === url && response.status > 0
    ? Effect.map(
      Effect.catchIf(readStream(response.stream), isEmptyBody, () => Effect.succeed("")),
      (body) => ({ status: response.status, headers: response.headers, body })
    )
    : Effect.fail(redirected())

/** Reading an answer without a body fails, since it has no stream. */
const isEmptyBody = (error: HttpClientError.ResponseError | TransportError): boolean =>
  error._tag === "ResponseError" && error.reason === "EmptyBody"

/** Keeps only the cause of an error: the errors of the platform hold the request, and with it the API key. */
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

/**
 * The transport over the platform's `fetch`. It calls `fetch` directly, since an `HttpClient` costs more. It uses the
 * `Fetch` and `RequestInit` of `FetchHttpClient` if they are provided.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { TransportError } from "../../AmplitudeError.js"
import type { Transport } from "../../Transport.js"
import { async } from "./async.js"
import { incomplete, notSent, redirected } from "./errors.js"
import { readWebStream } from "./responseBody.js"

export const transport: Transport.Service = {
  send: (request) =>
    Effect.contextWithEffect((context: Context.Context<never>) => {
      const fetch = Option.getOrElse(Context.getOption(context, FetchHttpClient.Fetch), () => globalThis.fetch)
      const init = Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit))
      return async<Transport.Answer, TransportError>((done) => {
        const controller = new AbortController()
        void exchange(fetch, request, init, controller.signal).then(done)
        return () => controller.abort()
      })
    })
}

/** Sends a request. The promise never rejects. */
const exchange = (
  fetch: typeof globalThis.fetch,
  { body, headers, url }: Transport.Request,
  init: RequestInit | undefined,
  signal: AbortSignal
): Promise<Exit.Exit<Transport.Answer, TransportError>> => {
  let isAnswered = false
  // inside of `new Promise`, a `fetch` that throws rejects as well
  return new Promise<Response>((resolve) =>
    resolve(fetch(url, {
      ...init,
      method: "POST",
      headers: headersOf(headers, init),
      body: body as BodyInit,
      // following a redirect would hide it behind the last answer
      redirect: "manual",
      signal
    }))
  ).then((response) => {
    isAnswered = true
    return readBody(response).then((body) => answerOf(response, body))
  }).catch((cause: unknown) => Exit.fail(isAnswered ? incomplete(cause) : notSent(cause)))
    .catch((defect: unknown) => Exit.die(defect))
}

/** Reads the body. A `fetch` of the user may give a response without a stream. */
const readBody = (response: Response): Promise<string | TransportError> =>
  response.body instanceof ReadableStream ? readWebStream(response.body) : response.text()

const headersOf = (own: Transport.Request["headers"], init: RequestInit | undefined): Headers => {
  const headers = new Headers(init?.headers)
  for (const [name, value] of Object.entries(own)) headers.set(name, value)
  return headers
}

/** The answer, or a failure for a redirect: some `fetch`es follow it all the same, and browsers hide its answer. */
const answerOf = (
  response: Response,
  body: string | TransportError
): Exit.Exit<Transport.Answer, TransportError> =>
  response.redirected || response.status === 0
    ? Exit.fail(redirected())
    : Predicate.isString(body)
    ? Exit.succeed({ status: response.status, headers: recordOf(response.headers), body })
    : Exit.fail(body)

const recordOf = (headers: Headers): Transport.Answer["headers"] => {
  const record: Record<string, string> = {}
  headers.forEach((value, name) => {
    record[name] = value
  })
  return record
}

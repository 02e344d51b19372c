/**
 * A request over the platform's `fetch` itself: an `HttpClient` in between costs all of delivery one part in twelve.
 * What can be said to `FetchHttpClient`, by its `Fetch` and its `RequestInit`, can be said here.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { TransportError } from "../../AmplitudeError.js"
import type { Transport } from "../../Transport.js"
import { incomplete, notSent, redirected, toSend, toText } from "./exchange.js"

const send = toSend((request, context, tell) => {
  const fetch = Option.getOrElse(Context.getOption(context, FetchHttpClient.Fetch), () => globalThis.fetch)
  const init = Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit))
  const controller = new AbortController()
  let isAnswered = false
  // one that throws rejects as well
  new Promise<Response>((resolve) =>
    resolve(fetch(request.url, {
      ...init,
      method: "POST",
      headers: headersOf(request, init),
      body: bodyOf(request) as BodyInit,
      // a client that followed one would hide it behind the last answer
      redirect: "manual",
      signal: controller.signal
    }))
  ).then((response) => {
    isAnswered = true
    return response.text().then((body) => answerOf(response, body))
  }).catch((cause: unknown) => Exit.fail(isAnswered ? incomplete(cause) : notSent(cause)))
    .then(tell, (defect: unknown) => tell(Exit.die(defect)))
  return () => controller.abort()
})

export const transport: Transport.Service = { send }

/** JSON is given as text: `fetch` can be anybody's, and that is what they expect to read. */
const bodyOf = ({ body, contentEncoding }: Transport.Request): string | Uint8Array =>
  contentEncoding === undefined ? toText(body) : body

const headersOf = ({ contentEncoding }: Transport.Request, init: RequestInit | undefined): Headers => {
  const headers = new Headers(init?.headers)
  headers.set("content-type", "application/json")
  if (contentEncoding !== undefined) headers.set("content-encoding", contentEncoding)
  return headers
}

/** A `fetch` that does not keep to `redirect` says so afterwards; a browser that does hides the answer. */
const answerOf = (response: Response, body: string): Exit.Exit<Transport.Answer, TransportError> =>
  response.redirected || response.status === 0
    ? Exit.fail(redirected())
    : Exit.succeed({ status: response.status, headers: recordOf(response.headers), body })

const recordOf = (headers: Headers): Transport.Answer["headers"] => {
  const record: Record<string, string> = {}
  headers.forEach((value, name) => {
    record[name] = value
  })
  return record
}

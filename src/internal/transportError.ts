/** What went wrong with a request, in words that give nothing of it away. */
import * as Predicate from "effect/Predicate"
import { TransportError } from "../AmplitudeError.js"

/** No answer began to arrive. */
export const notSent = (cause: unknown): TransportError =>
  new TransportError({
    reason: "Connection",
    message: `the request could not be sent: ${describe(cause)}`,
    cause
  })

/** An answer began to arrive, and broke off. */
export const incomplete = (cause: unknown): TransportError =>
  new TransportError({
    reason: "Incomplete",
    message: `the answer did not arrive whole: ${describe(cause)}`,
    cause
  })

/** Whatever came back is not what the service answered. */
export const redirected = (): TransportError =>
  new TransportError({ reason: "Connection", message: "the request was redirected" })

/** The innermost message of an error: `fetch failed` says less than the `ECONNREFUSED` that caused it. */
const describe = (error: unknown): string => {
  if (!Predicate.isRecord(error)) return "no reason given"
  if (error.cause !== undefined) return describe(error.cause)
  return Predicate.isString(error.message) && error.message !== ""
    ? error.message
    : String(error.code ?? "no reason given")
}

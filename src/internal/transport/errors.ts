/** The errors of the transports, with their messages. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { TransportError } from "../../AmplitudeError.js"

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

/** A redirected request: the answer is not one of the service. */
export const redirected = (): TransportError =>
  new TransportError({ reason: "Connection", message: "the request was redirected" })

/** An answer above the limit of bytes. The service sends small answers only. */
export const tooLong = (maxBytes: number): TransportError =>
  new TransportError({ reason: "Incomplete", message: `the answer has more than ${maxBytes} bytes` })

/** The most nested causes that are read. */
const maxCauses = 20

/** The message of the innermost cause: `fetch failed` says less than its cause `ECONNREFUSED`. */
const innermostMessage = (error: unknown): string | undefined => {
  let innermost = error
  for (let left = maxCauses; left > 0 && Predicate.isRecord(innermost) && innermost.cause !== undefined; left--) {
    innermost = innermost.cause
  }
  if (!Predicate.isRecord(innermost)) return undefined
  const { code, message } = innermost
  return Predicate.isString(message) && message !== "" ? message : Predicate.isNullable(code) ? undefined : String(code)
}

/** An error can be anything, and reading it can throw. */
const describe = (error: unknown): string =>
  Option.getOrUndefined(Option.liftThrowable(innermostMessage)(error)) ?? "no reason given"

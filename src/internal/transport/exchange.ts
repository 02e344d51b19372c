/**
 * A request on its way: how it is begun, what its body is given as, and the words for what goes wrong.
 *
 * One request and its answer need no fiber: an exchange is begun, tells its exit, and can be aborted. Transports of this
 * package can do that; of all others there is `send`. A fiber for each request costs all of delivery one part in twenty.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { TransportError } from "../../AmplitudeError.js"
import type { Transport } from "../../Transport.js"
import * as Utf8 from "../event/utf8.js"
import * as Mark from "../mark.js"

const begin = Mark.make<Begin>()

export type Tell = (exit: Exit.Exit<Transport.Answer, TransportError>) => void

/** Begins an exchange, and answers how to abort it: what it tells after that is for nobody. */
export type Begin = (request: Transport.Request, context: Context.Context<never>, tell: Tell) => () => void

type Send = Transport.Service["send"]

/** How a way to send begins, if it is one of this package. */
export const beginOf = (send: Send): Begin | undefined => begin.of(send)

/** A way to send that begins like this. The body of the request has to be read at once, and once. */
export const toSend = (beginning: Begin): Send => {
  const send: Send = (request) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(FiberRef.get(FiberRef.currentContext), (context) => {
        let abort = (): void => {}
        const answer = Effect.async<Transport.Answer, TransportError>((resume) => {
          abort = beginning(request, context, resume)
        })
        // not left to `Effect.async`: an interruption can come before what it would do then is known
        return Effect.catchAllCause(restore(answer), (cause) => {
          abort()
          return Exit.failCause(cause)
        })
      })
    )
  return readingOnce(begin.put(send, beginning))
}

/**
 * Which transports take a request whose body is made when it is read. Whatever runs for a request can keep what it was
 * given until the next major garbage collection, and a body is large. Only transports of this package, which read it
 * once and at once, are given one: to all others a request is plain data.
 */
const readsBodyOnce = Mark.make<true>()

/** Says that a way to send reads the body of its request once, before it is interrupted or done. */
export const readingOnce = (send: Send): Send => readsBodyOnce.put(send, true)

export const toText = (body: string | Uint8Array): string => typeof body === "string" ? body : Utf8.decode(body)

/** The request for a way to send. What is not ours gets text, as what is sent says that it is. */
export const requestFor = (send: Send, url: string, makeBody: () => string | Uint8Array): Transport.Request =>
  readsBodyOnce.of(send) === true
    ? {
      url,
      get body() {
        return makeBody()
      }
    }
    : { url, body: toText(makeBody()) }

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

/** So many causes of causes are looked at. */
const maxCauses = 20

/** The innermost message of an error: `fetch failed` says less than the `ECONNREFUSED` that caused it. */
const innermostMessage = (error: unknown): string | undefined => {
  let innermost = error
  for (let left = maxCauses; left > 0 && Predicate.isRecord(innermost) && innermost.cause !== undefined; left--) {
    innermost = innermost.cause
  }
  if (!Predicate.isRecord(innermost)) return undefined
  const { code, message } = innermost
  return Predicate.isString(message) && message !== "" ? message : Predicate.isNullable(code) ? undefined : String(code)
}

/** What an error says can be anything, and must not harm those who ask. */
const describe = (error: unknown): string =>
  Option.getOrUndefined(Option.liftThrowable(innermostMessage)(error)) ?? "no reason given"

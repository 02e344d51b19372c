/**
 * One request and its answer without a fiber: an exchange is begun, tells its exit, and can be aborted. Transports of
 * this package can do that; of all others there is `send`. A fiber for each request costs all of delivery one part in
 * twenty.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import type { TransportError } from "../AmplitudeError.js"
import type { Transport } from "../Transport.js"
import { readingOnce } from "./lateBody.js"
import * as Mark from "./mark.js"

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

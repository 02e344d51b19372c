/**
 * Which transports take a request whose body is made when it is read. Whatever runs for a request can keep what it was
 * given until the next major garbage collection, and a body is large. Only transports of this package, which read it
 * once and at once, are given one: to all others a request is plain data.
 */
import type { Transport } from "../Transport.js"
import * as Mark from "./mark.js"
import * as Utf8 from "./utf8.js"

const readsBodyOnce = Mark.make<true>()

type Send = Transport.Service["send"]

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

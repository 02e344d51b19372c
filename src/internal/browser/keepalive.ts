/**
 * Sends requests that outlive their page. A browser finishes a request with `keepalive` after the page is gone, if the
 * bodies of all such requests of the page fit into a budget.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Transport } from "../../Transport.js"
import { byteLength } from "../event/utf8.js"
import * as Fetch from "../transport/fetch.js"

/** The most bytes that the bodies of keepalive requests of a page hold at once (Fetch Standard). */
const maxBytesUnderWay = 65_536

/** The most bytes of one body. Other scripts of the page have the rest of the budget. */
export const maxBodyBytes = 59_000

export interface Keepalive {
  readonly transport: Transport.Service
  /** Sends a request of a page that is left. */
  readonly handOver: Transport.Service["send"]
  /** The most bytes of the next body that can outlive the page. */
  readonly unusedBytes: () => number
  /** The requests without an answer that outlive the page. */
  readonly underWay: () => Iterable<Transport.Request>
}

export const make = (): Keepalive => {
  const underWay = new Set<Transport.Request>()
  let bytesUnderWay = 0
  const unusedBytes = (): number => Math.min(maxBodyBytes, maxBytesUnderWay - bytesUnderWay)

  const outliving = (request: Transport.Request, bytes: number): Effect.Effect<void> =>
    Effect.sync(() => {
      underWay.add(request)
      bytesUnderWay += bytes
    })

  const done = (request: Transport.Request, bytes: number): Effect.Effect<void> =>
    Effect.sync(() => {
      underWay.delete(request)
      bytesUnderWay -= bytes
    })

  /** Sends a request, and runs `onFailure` before the request counts as failed. */
  const send = (request: Transport.Request, onFailure: Effect.Effect<void>): ReturnType<Transport.Service["send"]> =>
    Effect.flatMap(Effect.serviceOption(FetchHttpClient.RequestInit), (init) => {
      const bytes = byteLength(request.body)
      const keepalive = bytes <= unusedBytes()
      const answered = Effect.provideService(Fetch.transport.send(request), FetchHttpClient.RequestInit, {
        ...Option.getOrUndefined(init),
        keepalive
      })
      const sent = Effect.tapError(answered, () => onFailure)
      return keepalive
        ? Effect.acquireUseRelease(outliving(request, bytes), () => sent, () => done(request, bytes))
        : sent
    })

  return {
    unusedBytes,
    underWay: () => underWay,
    // a browser fails the requests of a page that is left, and finishes those with `keepalive` all the same. It does so in the
    // task of `pagehide`. A request fails one task later, so that a page that is left does not send its events again
    transport: { maxBodyBytes, send: (request) => send(request, Effect.sleep(0)) },
    handOver: (request) => send(request, Effect.void)
  }
}

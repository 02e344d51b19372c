/**
 * Sends requests that outlive their page. A browser finishes a request with `keepalive` after the page is gone, if the
 * bodies of all such requests of the page fit into a budget.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import type { Transport } from "../../Transport.js"
import { byteLength } from "../event/utf8.js"
import * as Fetch from "../transport/fetch.js"

/** The most bytes that the bodies of keepalive requests of a page hold at once (Fetch Standard). */
const maxBytesUnderWay = 65_536

/** The most bytes of one body. Other scripts of the page have the rest of the budget. */
export const maxBodyBytes = 59_000

type Answered = ReturnType<Transport.Service["send"]>

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
  /** Whether the last request failed. Other scripts of the page may hold the budget, so that the next one goes without it. */
  let hasFailed = false
  const unusedBytes = (): number => Math.min(maxBodyBytes, maxBytesUnderWay - bytesUnderWay)

  const setFailed = (failed: boolean): Effect.Effect<void> =>
    Effect.sync(() => {
      hasFailed = failed
    })

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

  /** Sends a request, with `keepalive` if that is wanted and the body fits. `watch` watches the answer. */
  const send = (request: Transport.Request, isWanted: boolean, watch: (answered: Answered) => Answered): Answered =>
    Effect.flatMap(Effect.serviceOption(FetchHttpClient.RequestInit), (init) => {
      const bytes = byteLength(request.body)
      const keepalive = isWanted && bytes <= unusedBytes()
      const answered = watch(Effect.provideService(Fetch.transport.send(request), FetchHttpClient.RequestInit, {
        ...Option.getOrUndefined(init),
        keepalive
      }))
      return keepalive
        ? Effect.acquireUseRelease(outliving(request, bytes), () => answered, () => done(request, bytes))
        : answered
    })

  /**
   * A browser fails the requests of a page that is left, and finishes those with `keepalive` all the same. It does so in the
   * task of `pagehide`. A request fails one task later, so that a page that is left does not send its events again.
   */
  const watchPage = (answered: Answered): Answered =>
    Effect.tapBoth(answered, {
      onFailure: () => Effect.zipRight(setFailed(true), Effect.sleep(0)),
      onSuccess: () => setFailed(false)
    })

  return {
    unusedBytes,
    underWay: () => underWay,
    transport: {
      maxBodyBytes,
      send: (request) => Effect.suspend(() => send(request, !hasFailed, watchPage))
    },
    handOver: (request) => send(request, true, identity)
  }
}

/**
 * Sends one request with a timeout, and records it with a span, metrics and a debug line. Every failure becomes an
 * answer. A tracer that throws changes nothing.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import { TransportError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Transport } from "../../Transport.js"
import { apiKeyOf } from "../apiKey.js"
import type { Log } from "../log.js"
import { causeText } from "../log.js"
import { redact } from "../redaction.js"
import { clockOf, monotonicOf } from "../time.js"
import * as Compression from "../transport/compression.js"
import type { Deadlines } from "../transport/deadlines.js"
import * as Metrics from "./metrics.js"
import * as Outcome from "./outcome.js"
import * as Request from "./request.js"

export interface Dependencies {
  readonly transport: Transport.Service
  readonly deadlines: Deadlines
  readonly log: Log
}

/** Sends events and gives the answer. It fails only by interruption. `attempt` counts from 1. */
export type Send = (
  settings: AmplitudeConfig.Settings,
  events: ReadonlyArray<EventStorage.EncodedEvent>,
  attempt: number
) => Effect.Effect<Outcome.Answer>

export const make = ({ deadlines, log, transport }: Dependencies): Send => (settings, events, attempt) =>
  Effect.flatMap(makeSpan, (span) =>
    Effect.withFiberRuntime((fiber) => {
      const clock = clockOf(fiber)
      const isTimed = fiber.getFiberRef(FiberRef.currentTracerTimingEnabled)
      const started = monotonicOf(clock)
      const count = events.length
      const request: Unsent = { events, bytes: 0 }
      const sent = post(transport, settings, request)
      const endSpan = (exit: Exit.Exit<unknown, unknown>, status: number): void => {
        if (span === undefined) return
        quietly(() => {
          span.attribute("amplitude.batch_size", count)
          span.attribute("amplitude.bytes", request.bytes)
          span.attribute("amplitude.status", status)
          span.attribute("amplitude.attempt", attempt)
        })
        quietly(() => span.end(isTimed ? clock.unsafeCurrentTimeNanos() : 0n, exit))
      }
      const onExit = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<Outcome.Answer> => {
        const answer = Outcome.fromExit(exit)
        const status = "status" in answer ? answer.status : 0
        Metrics.requested({ status, bytes: request.bytes, events: count, millis: monotonicOf(clock) - started })
        // without the answer, which can repeat the API key
        endSpan(Exit.void, status)
        log.sent({
          events: count,
          bytes: request.bytes,
          status,
          attempt,
          answer: "status" in answer ? answer.body : answer.message,
          apiKey: apiKeyOf(settings)
        })
        return Exit.succeed(answer)
      }
      return Effect.matchCauseEffect(
        deadlines.within(
          span === undefined ? sent : Effect.withParentSpan(sent, span),
          settings.requestTimeout,
          timeout
        ),
        {
          onSuccess: (answer) => onExit(Exit.succeed(answer)),
          onFailure: (cause): Exit.Exit<Outcome.Answer> => {
            if (Cause.isInterruptedOnly(cause)) {
              endSpan(Exit.failCause(cause), 0)
              return Exit.failCause(cause as Cause.Cause<never>)
            }
            if (!isTransportError(cause)) logDefect(log, cause, apiKeyOf(settings))
            return onExit(Exit.failCause(cause))
          }
        }
      )
    }))

const gzipped = { ...Request.headers, "content-encoding": "gzip" }

/**
 * The events of a request, until its body is made. Effects that wait for the answer refer to this, and some of them
 * stay in memory until a major garbage collection.
 */
interface Unsent {
  events: ReadonlyArray<EventStorage.EncodedEvent>
  /** The size of the body, once there is one. */
  bytes: number
}

const post = (
  transport: Transport.Service,
  settings: AmplitudeConfig.Settings,
  request: Unsent
): Effect.Effect<Transport.Answer, TransportError> =>
  Effect.suspend(() => {
    const body = Request.body(settings, request.events)
    request.events = []
    request.bytes = body.length
    return postBody(transport, settings, body)
  })

const postBody = (
  transport: Transport.Service,
  settings: AmplitudeConfig.Settings,
  body: Uint8Array
): Effect.Effect<Transport.Answer, TransportError> => {
  const url = Request.url(settings)
  return settings.compression === "none"
    ? transport.send({ url, headers: Request.headers, body })
    : Effect.flatMap(Compression.gzip(body), (compressed) =>
      transport.send(
        compressed === undefined
          ? { url, headers: Request.headers, body }
          : { url, headers: gzipped, body: compressed }
      ))
}

/** The span of a request is a root span, since a request holds events of many callers. */
const spanOptions: Tracer.SpanOptions = { root: true, kind: "client", captureStackTrace: false }

const makeSpan: Effect.Effect<Tracer.Span | undefined> = Effect.catchAllCause(
  Effect.makeSpan("amplitude.send", spanOptions),
  () => Effect.succeed(undefined)
)

/** Calls a tracer of the user, which may throw. */
const quietly = Option.liftThrowable((run: () => void) => run())

const timeout = (): TransportError =>
  new TransportError({ reason: "Timeout", message: "no whole answer within requestTimeout" })

const isTransportError = (cause: Cause.Cause<unknown>): boolean =>
  Option.exists(Cause.failureOption(cause), (failure) => failure instanceof TransportError)

/** Whether a transport of the user has a defect: it died, or failed with an error of another type. */
const logDefect = (log: Log, cause: Cause.Cause<unknown>, apiKey: string): void =>
  log.burst("transport", 1, () => ({
    level: LogLevel.Error,
    module: "Transport",
    message: "the transport died: its requests count as not answered",
    // the settings can have another key meanwhile
    annotations: { cause: redact(causeText(cause), apiKey) }
  }))

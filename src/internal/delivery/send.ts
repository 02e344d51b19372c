/**
 * One request and its answer, limited in time, and what is seen of it: a span, metrics, a line at debug level. Whatever
 * goes wrong is an answer. A tracer that throws changes nothing.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Tracer from "effect/Tracer"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import { TransportError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import type { Transport } from "../../Transport.js"
import type { Log } from "../log.js"
import { clockOf, monotonicOf } from "../time.js"
import * as Compression from "../transport/compression.js"
import type { Deadlines } from "../transport/deadlines.js"
import * as Metrics from "./metrics.js"
import type * as Outcome from "./outcome.js"
import * as Request from "./request.js"

export interface Dependencies {
  readonly transport: Transport.Service
  readonly deadlines: Deadlines
  readonly log: Log
}

/** Sends events, and gives the answer. Only an interruption makes it fail. `attempt` counts from 1. */
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
      let bytes = 0
      const sent = Effect.suspend(() => {
        const body = Request.body(settings, events)
        bytes = body.length
        return Effect.flatMap(post(transport, settings, body), checkAnswer)
      })
      const endSpan = (exit: Exit.Exit<unknown, unknown>, status: number): void => {
        if (span === undefined) return
        quietly(() => {
          span.attribute("amplitude.batch_size", events.length)
          span.attribute("amplitude.bytes", bytes)
          span.attribute("amplitude.status", status)
          span.attribute("amplitude.attempt", attempt)
        })
        quietly(() => span.end(isTimed ? clock.unsafeCurrentTimeNanos() : 0n, exit))
      }
      const onAnswer = (answer: Outcome.Answer): Exit.Exit<Outcome.Answer> => {
        const status = "status" in answer ? answer.status : 0
        Metrics.requested({ status, bytes, events: events.length, millis: monotonicOf(clock) - started })
        endSpan(Exit.succeed(answer), status)
        log.sent({
          events: events.length,
          bytes,
          status,
          attempt,
          answer: "status" in answer ? answer.body : answer.message
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
          onSuccess: onAnswer,
          onFailure: (cause): Exit.Exit<Outcome.Answer> => {
            if (!Cause.isInterruptedOnly(cause)) return onAnswer(toTransportError(log, cause))
            endSpan(Exit.failCause(cause), 0)
            return Exit.failCause(cause as Cause.Cause<never>)
          }
        }
      )
    }))

const gzipped = { ...Request.headers, "content-encoding": "gzip" }

const post = (
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

/** The span of a request is no child of the caller's. */
const spanOptions: Tracer.SpanOptions = { root: true, kind: "client", captureStackTrace: false }

const makeSpan: Effect.Effect<Tracer.Span | undefined> = Effect.catchAllCause(
  Effect.makeSpan("amplitude.send", spanOptions),
  () => Effect.succeed(undefined)
)

/** Runs what belongs to a tracer of the user's, which may throw. */
const quietly = Option.liftThrowable((run: () => void) => run())

const timeout = (): TransportError =>
  new TransportError({ reason: "Timeout", message: "no whole answer within requestTimeout" })

/** A transport of the user's may not keep to its type. */
const checkAnswer = (answer: Transport.Answer): Exit.Exit<Transport.Answer, TransportError> =>
  Predicate.isNumber(answer?.status) && Predicate.isString(answer.body) && Predicate.isObject(answer.headers)
    ? Exit.succeed(answer)
    : Exit.fail(new TransportError({ message: "the transport gave no answer of its type" }))

/** What a transport fails with. One that dies, or fails with something else, has a defect. */
const toTransportError = (log: Log, cause: Cause.Cause<unknown>): TransportError => {
  const failure = Cause.failureOption(cause)
  if (Option.isSome(failure) && failure.value instanceof TransportError) return failure.value
  log.burst("transport", 1, () => ({
    level: LogLevel.Error,
    module: "Transport",
    message: "the transport died: its requests count as not answered",
    annotations: { cause: Cause.pretty(cause) }
  }))
  return new TransportError({ message: "the transport died", cause: Cause.squash(cause) })
}

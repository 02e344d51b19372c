/**
 * The state of the endpoint: whether it is in trouble, until when it is left alone, and how large requests may be.
 *
 * There is one driver of the retry schedule. It steps on every answer that counts a retry for the endpoint and starts
 * again after any other; if the schedule ends, its last delay is repeated. While the endpoint is in trouble one request
 * at a time probes it.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import * as ScheduleIntervals from "effect/ScheduleIntervals"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { Limits } from "./batchLimits.js"

export interface Endpoint {
  /** When the next request may begin, with so many under way, in milliseconds since the epoch. */
  readonly opensAt: (underWay: number, concurrency: number) => number
  /** The endpoint is in trouble: steps the schedule and waits for what `wait` makes of the step. */
  readonly trouble: (
    schedule: Schedule.Schedule<unknown, AmplitudeConfig.RetryInput>,
    input: AmplitudeConfig.RetryInput,
    wait: (step: number) => number
  ) => Effect.Effect<void>
  /** The endpoint gave an answer that counts no retry for it. */
  readonly answered: () => void
  /** Whether the last answer counted a retry for the endpoint. */
  readonly inTrouble: () => boolean
  /** The limits of a request: the configured ones, or less where the endpoint has refused as much. */
  readonly limits: <L extends Limits>(configured: L) => L
  /** The endpoint refused a request of this size as too large: the limit that it met halves. */
  readonly shrink: (size: Limits, configured: Limits) => void
  /** The endpoint took a request: a halved limit doubles, up to the configured one. */
  readonly grow: (configured: Limits) => void
}

/** The delay where a schedule fails to give one, in milliseconds. */
const fallbackDelay = 1000

export const make = (): Endpoint => {
  /** The state of the schedule, from its first step on. */
  let driver: { readonly state: unknown } | undefined
  let lastDelay = fallbackDelay
  let until = 0
  let count = Infinity
  let bytes = Infinity

  const limits = <L extends Limits>(configured: L): L =>
    count >= configured.count && bytes >= configured.bytes
      ? configured
      : { ...configured, count: Math.min(count, configured.count), bytes: Math.min(bytes, configured.bytes) }

  return {
    opensAt: (underWay, concurrency) => underWay >= (driver === undefined ? concurrency : 1) ? Infinity : until,
    trouble: (schedule, input, wait) =>
      Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const state: unknown = driver === undefined ? schedule.initial : driver.state
        driver = { state }
        yield* schedule.step(now, input, state).pipe(
          Effect.map(([next, _, decision]) => {
            driver = { state: next }
            if (!ScheduleDecision.isDone(decision)) {
              lastDelay = Math.max(0, ScheduleIntervals.start(decision.intervals) - now)
            }
          }),
          // a schedule of the user's that dies leaves the last delay
          Effect.catchAllCause((cause) => Cause.isInterruptedOnly(cause) ? Effect.failCause(cause) : Effect.void)
        )
        // whole milliseconds, as clocks have them: a fraction of one could never be slept to its end
        until = Math.max(until, now + Math.ceil(wait(lastDelay)))
      }),
    answered: () => {
      driver = undefined
    },
    inTrouble: () => driver !== undefined,
    limits,
    shrink: (size, configured) => {
      const current = limits(configured)
      if (size.count / current.count >= size.bytes / current.bytes) count = Math.max(1, Math.floor(current.count / 2))
      else bytes = Math.max(1, Math.floor(current.bytes / 2))
    },
    grow: (configured) => {
      count = count * 2 >= configured.count ? Infinity : count * 2
      bytes = bytes * 2 >= configured.bytes ? Infinity : bytes * 2
    }
  }
}

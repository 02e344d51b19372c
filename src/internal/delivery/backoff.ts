/**
 * Waiting while the endpoint is unavailable.
 *
 * One driver runs the user's schedule. It steps on every answer that counts a retry for the endpoint, and starts again
 * after any other answer. Meanwhile one batch at a time is sent, to find out whether the endpoint is back.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"

/** Why the endpoint is unavailable, and how long it asks to be left alone. */
export interface Unavailable {
  readonly input: AmplitudeConfig.RetryInput
  /** The delay in milliseconds, where the schedule's is `scheduled`. */
  readonly delay: (scheduled: number) => number
}

export interface Backoff {
  /**
   * Completes when a batch may be sent, and counts it as under way until `done`. False where the endpoint is another one
   * by then: the batch is not counted.
   */
  readonly permit: Effect.Effect<boolean>
  /** A batch is no longer under way. */
  readonly done: () => void
  /** Runs `meanwhile`, steps the schedule, and completes when its delay is over. No batch may be sent before. */
  readonly unavailable: (
    schedule: UserSchedule,
    unavailable: Unavailable,
    meanwhile: Effect.Effect<void>
  ) => Effect.Effect<void>
  /** The endpoint gave an answer that counts no retry for it. */
  readonly available: () => void
  /** Whether the last answer counted a retry for the endpoint. */
  readonly isUnavailable: () => boolean
  /** Ends all waiting: there is another endpoint now. */
  readonly end: () => void
}

/** The delay where a schedule gives none, in milliseconds. */
const fallbackDelay = 1000

export const make = (): Backoff => {
  const changed = Effect.unsafeMakeLatch(false)
  const ended = Effect.unsafeMakeLatch(false)
  let hasEnded = false
  let driver: Schedule.ScheduleDriver<unknown, Unavailable> | undefined
  /** The last delay of the schedule itself. */
  let lastDelay = fallbackDelay
  let underWay = 0
  /** How many batches wait for their delay. */
  let delayed = 0

  /** The user's schedule. What the endpoint asks for changes the delay and nothing else. */
  const policyOf = (schedule: UserSchedule) =>
    schedule.pipe(
      Schedule.mapInput(({ input }: Unavailable) => input),
      Schedule.passthrough,
      Schedule.modifyDelay((unavailable, scheduled) => {
        lastDelay = Duration.toMillis(scheduled)
        return millis(unavailable.delay(lastDelay))
      })
    )

  const step = (schedule: UserSchedule, unavailable: Unavailable): Effect.Effect<unknown> =>
    Effect.suspend(() => driver === undefined ? Schedule.driver(policyOf(schedule)) : Effect.succeed(driver)).pipe(
      Effect.flatMap((current) => {
        driver = current
        return current.next(unavailable)
      }),
      // a schedule that is over, or dies, goes on with its last delay
      Effect.catchAllCause((cause): Effect.Effect<void> =>
        Cause.isInterruptedOnly(cause) ? Effect.interrupt : Effect.sleep(millis(unavailable.delay(lastDelay)))
      )
    )

  const permit: Effect.Effect<boolean> = Effect.suspend(() => {
    if (hasEnded) return Effect.succeed(false)
    if (delayed === 0 && (driver === undefined || underWay === 0)) {
      underWay++
      return Effect.succeed(true)
    }
    changed.unsafeClose()
    return Effect.zipRight(changed.await, permit)
  })

  return {
    permit,
    done: () => {
      underWay--
      changed.unsafeOpen()
    },
    unavailable: (schedule, unavailable, meanwhile) =>
      Effect.suspend(() => {
        delayed++
        return Effect.ensuring(
          Effect.zipRight(
            meanwhile,
            Effect.asVoid(Effect.interruptible(Effect.raceFirst(step(schedule, unavailable), ended.await)))
          ),
          Effect.sync(() => {
            delayed--
            changed.unsafeOpen()
          })
        )
      }),
    available: () => {
      driver = undefined
    },
    isUnavailable: () => driver !== undefined,
    end: () => {
      hasEnded = true
      ended.unsafeOpen()
      changed.unsafeOpen()
    }
  }
}

type UserSchedule = Schedule.Schedule<unknown, AmplitudeConfig.RetryInput>

/** Whole milliseconds, as clocks have them. */
const millis = (delay: number): Duration.Duration => Duration.millis(Math.ceil(delay))

/**
 * The backoff while the endpoint is unavailable.
 *
 * One driver runs the user's schedule. It steps on every answer that counts a retry for the endpoint, and starts again
 * after any other answer. After a change of the setting, the next step is the first one of the new schedule. Meanwhile one
 * batch at a time is sent, to find out whether the endpoint is back.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"

/** Why the endpoint is unavailable, and the delay that it asks for. */
export interface Unavailable {
  readonly input: AmplitudeConfig.RetryInput
  /** The delay in milliseconds. `scheduled` is the delay of the schedule. */
  readonly delay: (scheduled: number) => number
}

export interface Backoff {
  /**
   * Completes when a batch may be sent, and counts the batch until `done`. The result is false if the URL has changed
   * meanwhile, and the batch is not counted then.
   */
  readonly permit: Effect.Effect<boolean>
  /** Ends the counting of a batch. */
  readonly done: () => void
  /** Runs `meanwhile`, steps the schedule, and completes after its delay. No batch is sent during the delay. */
  readonly unavailable: (
    schedule: UserSchedule,
    unavailable: Unavailable,
    meanwhile: Effect.Effect<void>
  ) => Effect.Effect<void>
  /** Called when an answer counts no retry for the endpoint. */
  readonly available: () => void
  /** Whether the last answer counted a retry for the endpoint. */
  readonly isUnavailable: () => boolean
  /** Ends all waiting, because the URL has changed. */
  readonly end: () => void
}

/** The delay if a schedule ends at once, in milliseconds. */
const fallbackDelay = 1000

export const make = (): Backoff => {
  const changed = Effect.unsafeMakeLatch(false)
  const ended = Effect.unsafeMakeLatch(false)
  let hasEnded = false
  let running: Running | undefined
  /** The last delay of the schedule, without the delay that the endpoint asked for. */
  let lastDelay = fallbackDelay
  let underWay = 0
  /** How many batches wait for their delay. */
  let delayed = 0

  /** The user's schedule. The delay that the endpoint asks for changes no state of the schedule. */
  const policyOf = (schedule: UserSchedule) =>
    schedule.pipe(
      Schedule.mapInput(({ input }: Unavailable) => input),
      Schedule.passthrough,
      Schedule.modifyDelay((unavailable, scheduled) => {
        lastDelay = Duration.toMillis(scheduled)
        return millis(unavailable.delay(lastDelay))
      })
    )

  const start = (schedule: UserSchedule): Effect.Effect<Running> =>
    Effect.map(Schedule.driver(policyOf(schedule)), (driver) => {
      lastDelay = fallbackDelay
      running = { schedule, driver }
      return running
    })

  const step = (schedule: UserSchedule, unavailable: Unavailable): Effect.Effect<unknown> =>
    Effect.suspend(() => running?.schedule === schedule ? Effect.succeed(running) : start(schedule)).pipe(
      Effect.flatMap(({ driver }) => driver.next(unavailable)),
      // after the end or a defect of the schedule, its last delay is repeated
      Effect.catchAllCause((cause): Effect.Effect<void> =>
        Cause.isInterruptedOnly(cause) ? Effect.interrupt : Effect.sleep(millis(unavailable.delay(lastDelay)))
      )
    )

  const permit: Effect.Effect<boolean> = Effect.suspend(() => {
    if (hasEnded) return Effect.succeed(false)
    if (delayed === 0 && (running === undefined || underWay === 0)) {
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
      running = undefined
    },
    isUnavailable: () => running !== undefined,
    end: () => {
      hasEnded = true
      ended.unsafeOpen()
      changed.unsafeOpen()
    }
  }
}

type UserSchedule = Schedule.Schedule<unknown, AmplitudeConfig.RetryInput>

/** A schedule that runs. */
interface Running {
  readonly schedule: UserSchedule
  readonly driver: Schedule.ScheduleDriver<unknown, Unavailable>
}

/** Rounds up to whole milliseconds, the resolution of clocks. */
const millis = (delay: number): Duration.Duration => Duration.millis(Math.ceil(delay))

/**
 * How the rooms of this house log: through the user's `AmplitudeLogger`, never waiting for it, and in bursts where
 * something can happen thousands of times a minute: one line at once, then at most one a minute with the count.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import * as Runtime from "effect/Runtime"
import type { AmplitudeLogger } from "../AmplitudeLogger.js"
import * as Mark from "./mark.js"
import * as Worker from "./taskQueue.js"

/** From which level on the loggers of this package write anything: a line below it costs nothing, not even a fiber. */
const minimumLevel = Mark.make<Effect.Effect<LogLevel.LogLevel>>()

/** The lowest level that a logger writes, as it is where the client is built: any, where it is none of these. */
const minimumOf = ({ log }: AmplitudeLogger.Service): Effect.Effect<LogLevel.LogLevel> =>
  minimumLevel.of(log) ?? Effect.succeed(LogLevel.All)

/** Effect's own. */
export const effect: AmplitudeLogger.Service = {
  log: minimumLevel.put(
    (level, message, annotations) =>
      Effect.withFiberRuntime((fiber) =>
        LogLevel.lessThan(level, fiber.getFiberRef(FiberRef.currentMinimumLogLevel))
          ? Effect.void
          : Effect.annotateLogs(Effect.logWithLevel(level, message), annotations)
      ),
    FiberRef.get(FiberRef.currentMinimumLogLevel)
  )
}

/** Writes nothing. */
export const none: AmplitudeLogger.Service = {
  log: minimumLevel.put(() => Effect.void, Effect.succeed(LogLevel.None))
}

export interface Line {
  readonly level: LogLevel.LogLevel
  /** The part of the library that writes. */
  readonly module: string
  readonly message: string
  readonly annotations?: Readonly<Record<string, unknown>> | undefined
}

export interface Log {
  readonly write: (line: Line) => void
  /** Something of a kind happened, `count` times; `line` writes of all that happened since the last line. */
  readonly burst: (kind: string, count: number, line: (count: number) => Line) => void
  /** Writes what is not written yet, without waiting for a logger that waits, and leaves no timer behind. Bursts that begin later write their first line only. */
  readonly end: Effect.Effect<void>
}

interface Burst {
  unwritten: number
  line: (count: number) => Line
  readonly timer: Fiber.RuntimeFiber<void> | undefined
}

export const make = (logger: AmplitudeLogger.Service): Effect.Effect<Log> =>
  Effect.gen(function*() {
    const fork = Runtime.runFork(yield* Effect.runtime<never>())
    const minimum = yield* minimumOf(logger)
    const worker = yield* Worker.make()
    const bursts = new Map<string, Burst>()
    let ended = false

    const write = ({ annotations, level, message, module }: Line): void => {
      if (LogLevel.lessThan(level, minimum)) return
      worker.offer(
        Effect.suspend(() => logger.log(level, message, { package: "effect-amplitude", module, ...annotations }))
      )
    }

    /** Writes what came together, and says whether that was anything. */
    const writeRest = (burst: Burst): boolean => {
      const count = burst.unwritten
      if (count === 0) return false
      burst.unwritten = 0
      write(burst.line(count))
      return true
    }

    const watch = (kind: string): Effect.Effect<void> =>
      Effect.zipRight(
        Effect.sleep("1 minute"),
        Effect.suspend(() => {
          const burst = bursts.get(kind)
          if (burst !== undefined && writeRest(burst)) return watch(kind)
          bursts.delete(kind)
          return Effect.void
        })
      )

    return {
      write,
      burst: (kind, count, line) => {
        const burst = bursts.get(kind)
        if (burst === undefined) {
          write(line(count))
          bursts.set(kind, { unwritten: 0, line, timer: ended ? undefined : fork(Effect.interruptible(watch(kind))) })
        } else {
          burst.unwritten += count
          burst.line = line
        }
      },
      end: Effect.suspend(() => {
        ended = true
        const timers = Array.from(bursts.values()).flatMap((burst) => {
          writeRest(burst)
          return burst.timer === undefined ? [] : [burst.timer]
        })
        bursts.clear()
        return Effect.zipRight(Fiber.interruptAll(timers), worker.whileProgress)
      })
    }
  })

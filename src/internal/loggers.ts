/**
 * The loggers of this package, and from which level on they write anything: a line below it costs nothing, not even the
 * fiber in which it would be found out.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"
import type { AmplitudeLogger } from "../AmplitudeLogger.js"
import * as Mark from "./mark.js"

const minimumLevel = Mark.make<Effect.Effect<LogLevel.LogLevel>>()

/** The lowest level that a logger writes, as it is where the client is built: any, where it is none of these. */
export const minimumOf = ({ log }: AmplitudeLogger.Service): Effect.Effect<LogLevel.LogLevel> =>
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

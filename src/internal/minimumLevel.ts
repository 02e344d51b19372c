/**
 * From which level on a logger writes anything, where it says so: a line below it costs nothing, not even the fiber in
 * which it would be found out.
 */
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import type { AmplitudeLogger } from "../AmplitudeLogger.js"

const minimumLevel: unique symbol = Symbol.for("effect-amplitude/internal/minimumLevel/minimumLevel")

type Write = AmplitudeLogger.Service["log"]

/** Says of a way to log that lines below `level`, as it is where the client is built, are not written. */
export const writingFrom = (level: Effect.Effect<LogLevel.LogLevel>, write: Write): Write =>
  Object.assign(write, { [minimumLevel]: level })

/** The lowest level that is written: any, where the logger does not say. */
export const minimumOf = (write: Write): Effect.Effect<LogLevel.LogLevel> =>
  (write as { readonly [minimumLevel]?: Effect.Effect<LogLevel.LogLevel> })[minimumLevel] ??
    Effect.succeed(LogLevel.All)

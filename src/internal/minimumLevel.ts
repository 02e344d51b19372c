/**
 * From which level on a logger writes anything, where it says so: a line below it costs nothing, not even the fiber in
 * which it would be found out.
 */
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import type { AmplitudeLogger } from "../AmplitudeLogger.js"
import * as Mark from "./mark.js"

const minimumLevel = Mark.make<Effect.Effect<LogLevel.LogLevel>>()

type Write = AmplitudeLogger.Service["log"]

/** Says of a way to log that lines below `level`, as it is where the client is built, are not written. */
export const writingFrom = (level: Effect.Effect<LogLevel.LogLevel>, write: Write): Write =>
  minimumLevel.put(write, level)

/** The lowest level that is written: any, where the logger does not say. */
export const minimumOf = (write: Write): Effect.Effect<LogLevel.LogLevel> =>
  minimumLevel.of(write) ?? Effect.succeed(LogLevel.All)

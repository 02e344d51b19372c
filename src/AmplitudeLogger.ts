/**
 * Where the lines go that a client logs: debug for routine, warnings for retries and drops, errors for what needs a
 * person. No line holds the API key. None above debug holds an id or the value of a property.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import * as Log from "./internal/log.js"

/**
 * @since 0.1.0
 * @category tags
 */
export class AmplitudeLogger
  extends Context.Tag("effect-amplitude/AmplitudeLogger")<AmplitudeLogger, AmplitudeLogger.Service>()
{
  /**
   * Effect's own logger. Which lines it writes is decided by the setting `logLevel`, or else by the program's minimum
   * log level where the client is built.
   *
   * @since 0.1.0
   */
  static readonly layerEffect: Layer.Layer<AmplitudeLogger> = Layer.succeed(AmplitudeLogger, Log.effect)

  /**
   * Logs nothing.
   *
   * @since 0.1.0
   */
  static readonly layerNone: Layer.Layer<AmplitudeLogger> = Layer.succeed(AmplitudeLogger, Log.none)
}

/**
 * @since 0.1.0
 */
export declare namespace AmplitudeLogger {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Writes a line. Its annotations name the `package` and the `module` that it comes from. */
    readonly log: (
      level: LogLevel.LogLevel,
      message: string,
      annotations: Readonly<Record<string, unknown>>
    ) => Effect.Effect<void>
    /**
     * The least level that this logger writes, read when the client is built: the client makes no line below it. The
     * setting `logLevel` comes before it. Default: every line is made.
     */
    readonly minimumLevel?: Effect.Effect<LogLevel.LogLevel> | undefined
  }
}

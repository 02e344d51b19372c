/**
 * The logger of a client. Routine is logged at debug, retries and drops at warning, and faults that need a person at
 * error. No line holds the API key. No line above debug holds an id or the value of a property.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import * as Log from "./internal/log.js"

/**
 * The service that a client logs with.
 *
 * @since 0.1.0
 * @category tags
 */
export class AmplitudeLogger
  extends Context.Tag("effect-amplitude/AmplitudeLogger")<AmplitudeLogger, AmplitudeLogger.Service>()
{
  /**
   * Effect's own logger. The setting `logLevel` is its minimum level. Without the setting, it is the minimum log level
   * of the fiber that builds the client.
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
    /** Writes a line. The annotations hold the `package` and the `module` of the line. */
    readonly log: (
      level: LogLevel.LogLevel,
      message: string,
      annotations: Readonly<Record<string, unknown>>
    ) => Effect.Effect<void>
    /**
     * The minimum level of this logger, which the client reads when it is built. The client makes no line below it. The
     * setting `logLevel` replaces it. Default: the client makes every line.
     */
    readonly minimumLevel?: Effect.Effect<LogLevel.LogLevel> | undefined
  }
}

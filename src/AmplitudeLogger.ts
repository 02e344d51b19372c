/**
 * Where the lines that the SDK logs go: debug for routine, warnings for retries and drops, errors for what needs a
 * person. No line holds the API key; none above debug holds a property or an id of a user.
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
   * Effect's own logger.
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
    /** Writes a line; its annotations tell the `package` and the `module` that it comes from. */
    readonly log: (
      level: LogLevel.LogLevel,
      message: string,
      annotations: Readonly<Record<string, unknown>>
    ) => Effect.Effect<void>
  }
}

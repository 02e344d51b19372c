/**
 * The client for Node servers under load. It sends over a pool of keep-alive connections of undici, which closes with
 * the layer.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Amplitude } from "./Amplitude.js"
import { AmplitudeConfig } from "./AmplitudeConfig.js"
import type { InvalidConfig } from "./AmplitudeError.js"
import { EventStorage } from "./EventStorage.js"
import * as Client from "./internal/client.js"
import * as Undici from "./internal/transport/undici.js"

/**
 * The client over undici, with memory storage and Effect's logger.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
 *
 * const AmplitudeLayer = AmplitudeNode.layer({ apiKey: "key", flushConcurrency: 2 })
 */
export const layer = (options: Amplitude.Options): Layer.Layer<Amplitude, InvalidConfig> =>
  Layer.scoped(Amplitude, Client.makeDefault(Undici.make, Effect.succeed(options)))

/**
 * `layer` with options that are read from the `ConfigProvider`.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { Config } from "effect"
 * import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
 *
 * const AmplitudeLayer = AmplitudeNode.layerConfig({ apiKey: Config.redacted("ANALYTICS_KEY") })
 */
export const layerConfig = (
  config: Config.Config.Wrap<Amplitude.Options>
): Layer.Layer<Amplitude, ConfigError | InvalidConfig> =>
  Layer.scoped(Amplitude, Client.makeDefault(Undici.make, Client.optionsOf(config)))

/**
 * The client over undici and the `EventStorage` of the context.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { EventStorage } from "effect-amplitude"
 * import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
 * import { Layer } from "effect"
 *
 * const AmplitudeLayer = AmplitudeNode.layerStorage({ apiKey: "key" }).pipe(Layer.provide(EventStorage.layerMemory))
 */
export const layerStorage = (
  options: Amplitude.Options
): Layer.Layer<Amplitude, InvalidConfig, EventStorage> =>
  Layer.scoped(Amplitude, Client.makeDefault(Undici.make, Effect.succeed(options), EventStorage))

/**
 * `layerStorage` with options that are read from the `ConfigProvider`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerStorageConfig = (
  config: Config.Config.Wrap<Amplitude.Options>
): Layer.Layer<Amplitude, ConfigError | InvalidConfig, EventStorage> =>
  Layer.scoped(Amplitude, Client.makeDefault(Undici.make, Client.optionsOf(config), EventStorage))

/**
 * The client over undici with options from the environment variables `AMPLITUDE_API_KEY` and so on.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { Effect } from "effect"
 * import { Amplitude } from "effect-amplitude"
 * import { AmplitudeNodeLive } from "effect-amplitude/AmplitudeNode"
 *
 * const program = Amplitude.track({ event_type: "Button Clicked", user_id: "user-12345" }).pipe(
 *   Effect.provide(AmplitudeNodeLive)
 * )
 */
export const AmplitudeNodeLive: Layer.Layer<Amplitude, ConfigError | InvalidConfig> = layerConfig(
  AmplitudeConfig.environment
)

/**
 * The layers of this module under one name.
 *
 * @since 0.1.0
 * @category layers
 */
export const AmplitudeNode: {
  readonly layer: typeof layer
  readonly layerConfig: typeof layerConfig
  readonly layerStorage: typeof layerStorage
  readonly layerStorageConfig: typeof layerStorageConfig
} = { layer, layerConfig, layerStorage, layerStorageConfig }

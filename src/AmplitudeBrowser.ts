/**
 * The client for pages in a browser. It sends the waiting events when the page is hidden or left, with requests that
 * the browser finishes after the page is gone.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Amplitude } from "./Amplitude.js"
import { AmplitudeConfig } from "./AmplitudeConfig.js"
import type { InvalidConfig } from "./AmplitudeError.js"
import * as Keepalive from "./internal/browser/keepalive.js"
import * as Leaving from "./internal/browser/leaving.js"
import * as Client from "./internal/client.js"
import * as Plugins from "./internal/intake/plugins.js"
import * as Log from "./internal/log.js"

/**
 * The client of a page. It differs from `Amplitude.layer` in this:
 *
 * - Requests are sent with `keepalive`, and their bodies have less than 60 kB.
 * - The client flushes when the page is hidden.
 * - When the page is left, the client hands the waiting events to the browser, up to the 64 KiB that browsers take.
 *   These are not retried. The client stores the other events in `localStorage`, and so it does with events that are
 *   tracked later. If the page is offline, or waits for a retry, the client stores all events, since a request would
 *   probably fail. It also stores the events that are left when its scope closes.
 * - The next page of the same origin that builds a client with the same API key sends the stored events at once, as they
 *   were accepted: its own settings and plugins do not change them. An event can be sent twice, with the same
 *   `insert_id`, so that Amplitude drops the duplicate.
 *
 * Without a `document`, it is the same as `Amplitude.layer`.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { AmplitudeBrowser } from "effect-amplitude/AmplitudeBrowser"
 *
 * const AmplitudeLayer = AmplitudeBrowser.layer({ apiKey: "key", flushInterval: "1 second" })
 */
export const layer = (options: Amplitude.Options): Layer.Layer<Amplitude, InvalidConfig> =>
  Layer.scoped(Amplitude, make(options))

/**
 * `layer` with options that are read from the `ConfigProvider`.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { Config } from "effect"
 * import { AmplitudeBrowser } from "effect-amplitude/AmplitudeBrowser"
 *
 * const AmplitudeLayer = AmplitudeBrowser.layerConfig({ apiKey: Config.redacted("ANALYTICS_KEY") })
 */
export const layerConfig = (
  config: Config.Config.Wrap<Amplitude.Options>
): Layer.Layer<Amplitude, ConfigError | InvalidConfig> =>
  Layer.scoped(Amplitude, Effect.flatMap(Config.unwrap(config), make))

/**
 * The layers of this module under one name.
 *
 * @since 0.1.0
 * @category layers
 */
export const AmplitudeBrowser: { readonly layer: typeof layer; readonly layerConfig: typeof layerConfig } = {
  layer,
  layerConfig
}

const make = (options: Amplitude.Options): Effect.Effect<Amplitude.Client, InvalidConfig, Scope.Scope> =>
  Effect.suspend(() => "document" in globalThis ? makeInPage(options) : Amplitude.make(options))

const makeInPage = (options: Amplitude.Options): Effect.Effect<Amplitude.Client, InvalidConfig, Scope.Scope> =>
  Effect.gen(function*() {
    const { plugins, settings } = yield* Plugins.split(options)
    const config = yield* AmplitudeConfig.make(settings)
    const keepalive = Keepalive.make()
    const { flushWhenHidden, storage } = yield* Leaving.make(config, keepalive)
    const client = yield* Client.make({ config, storage, transport: keepalive.transport, logger: Log.effect })
    yield* flushWhenHidden(client)
    yield* Plugins.addAll(client, plugins)
    return client
  })

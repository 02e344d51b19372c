/**
 * Plugins: what a product does to every event on its way in, and where else it sends it.
 *
 * - `before` plugins see an event as the caller gave it, with its defaults: to redact or to drop it.
 * - `enrichment` plugins see it with its context (`time`, `insert_id`): to add to it.
 * - `destination` plugins get a copy of each accepted event, each in a fiber of its own, beside Amplitude.
 *
 * The first two run in the fiber of the caller. One that fails or dies drops the event, reason `Plugin`: what should
 * have been redacted never leaves as it was. What a plugin tracks itself does not pass through it again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { Amplitude } from "./Amplitude.js"
import type { AmplitudeConfig } from "./AmplitudeConfig.js"
import type { PluginError } from "./AmplitudeError.js"
import type { Event } from "./Event.js"

/**
 * What a plugin is given when it is added.
 *
 * @since 0.1.0
 * @category models
 */
export interface SetupContext {
  readonly client: Amplitude.Client
  readonly settings: AmplitudeConfig.Settings
}

/**
 * What every plugin can have.
 *
 * @since 0.1.0
 * @category models
 */
export interface Life {
  /** Runs when the plugin is added; its scope ends when the plugin is removed. A failure is a `PluginError`. */
  readonly setup?: ((context: SetupContext) => Effect.Effect<void, unknown, Scope.Scope>) | undefined
  /** Runs when the plugin is removed or the client shuts down, before the scope of `setup` ends. A failure is logged. */
  readonly teardown?: Effect.Effect<void, unknown> | undefined
}

/**
 * What changes an event: `Option.none` drops it, reason `Plugin`.
 *
 * @since 0.1.0
 * @category models
 */
export type Transform = (event: Event) => Effect.Effect<Event | Option.Option<Event>, unknown>

/**
 * @since 0.1.0
 * @category models
 */
export interface Before extends Life {
  readonly _tag: "Before"
  readonly name: string
  readonly execute: Transform
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Enrichment extends Life {
  readonly _tag: "Enrichment"
  readonly name: string
  readonly execute: Transform
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Destination extends Life {
  readonly _tag: "Destination"
  readonly name: string
  /** Takes one event. Events come one after the other; a failure is logged and does not concern Amplitude's delivery. */
  readonly execute: (event: Event) => Effect.Effect<void, unknown>
  /**
   * Runs at the client's `flush` and at its end, when every event that was handed over has been executed. The client's
   * `flush` waits for it; for a destination that has none it does not wait.
   */
  readonly flush?: Effect.Effect<void, unknown> | undefined
  /** `before` and `enrichment` plugins for the events of this destination alone, in this order. */
  readonly plugins?: ReadonlyArray<Before | Enrichment> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export type Plugin = Before | Enrichment | Destination

/**
 * A plugin that sees events before their context is added.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * import { Event, Plugin } from "effect-amplitude"
 * import { Effect } from "effect"
 *
 * const redact = Plugin.before("redact", (event) =>
 *   Effect.succeed(new Event({ ...event, user_properties: undefined }, { disableValidation: true })))
 */
export const before = (name: string, f: Transform, life?: Life): Before => ({
  ...life,
  _tag: "Before",
  name,
  execute: f
})

/**
 * A plugin that sees events with their context.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * import { Event, Plugin } from "effect-amplitude"
 * import { Effect } from "effect"
 *
 * const numbered = Effect.sync(() => {
 *   let last = 0
 *   return Plugin.enrichment("event-id", (event) => Effect.sync(() => new Event({ ...event, event_id: ++last })))
 * })
 */
export const enrichment = (name: string, f: Transform, life?: Life): Enrichment => ({
  ...life,
  _tag: "Enrichment",
  name,
  execute: f
})

/**
 * A plugin that gets a copy of each accepted event.
 *
 * @since 0.1.0
 * @category constructors
 * @example
 * import { Plugin } from "effect-amplitude"
 * import { Console } from "effect"
 *
 * const printer = Plugin.destination({
 *   name: "printer",
 *   execute: (event) => Console.log(event.event_type)
 * })
 */
export const destination = (options: Omit<Destination, "_tag">): Destination => ({ ...options, _tag: "Destination" })

/**
 * Adds a plugin to the client for the life of the layer.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { Amplitude, Plugin } from "effect-amplitude"
 * import { Console, Layer } from "effect"
 *
 * const printer = Plugin.destination({ name: "printer", execute: (event) => Console.log(event.event_type) })
 *
 * const AmplitudeLayer = Layer.provideMerge(Plugin.layer(printer), Amplitude.layer({ apiKey: "key" }))
 */
export const layer: {
  (plugin: Plugin): Layer.Layer<never, PluginError, Amplitude>
  <E, R>(plugin: Effect.Effect<Plugin, E, R>): Layer.Layer<never, PluginError | E, Amplitude | Exclude<R, Scope.Scope>>
} = <E, R>(
  plugin: Plugin | Effect.Effect<Plugin, E, R>
): Layer.Layer<never, PluginError | E, Amplitude | Exclude<R, Scope.Scope>> =>
  Layer.scopedDiscard(
    Effect.flatMap(Effect.isEffect(plugin) ? plugin : Effect.succeed(plugin), (plugin) =>
      Effect.flatMap(Amplitude, (client) =>
        Effect.acquireRelease(client.add(plugin), () => client.remove(plugin.name))))
  )

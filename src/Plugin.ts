/**
 * Plugins change or drop events before they are accepted, and send copies of accepted events elsewhere.
 *
 * - `before` plugins get an event as the caller gave it, with its defaults. They redact or drop events.
 * - `enrichment` plugins get the event with its context (`time`, `insert_id`). They add to events.
 * - `destination` plugins get a copy of each accepted event. Each runs in a fiber of its own. An event of a SQL
 *   transaction is accepted when the transaction commits. The client learns of the commit when it sends the event: if
 *   another process sends the event, the destinations do not get it.
 *
 * `before` and `enrichment` plugins run in the fiber of the caller. If such a plugin fails or dies, the event is
 * dropped with the reason `Plugin`, so that no event leaves without its redaction. An event that a plugin tracks does
 * not pass through the same plugin again.
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
 * The argument of `setup`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SetupContext {
  readonly client: Amplitude.Client
  readonly settings: AmplitudeConfig.Settings
}

/**
 * The life cycle of a plugin. Both effects are optional.
 *
 * @since 0.1.0
 * @category models
 */
export interface Life {
  /** Runs when the plugin is added. Its scope closes when the plugin is removed. A failure is a `PluginError`. */
  readonly setup?: ((context: SetupContext) => Effect.Effect<void, unknown, Scope.Scope>) | undefined
  /**
   * Runs when the plugin is removed or the client shuts down, before the scope of `setup` closes. A failure is logged.
   */
  readonly teardown?: Effect.Effect<void, unknown> | undefined
}

/**
 * A function that changes an event. `Option.none` drops the event with the reason `Plugin`.
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
  /** Handles the events, one at a time. A failure is logged and does not change the delivery to Amplitude. */
  readonly execute: (event: Event) => Effect.Effect<void, unknown>
  /**
   * Runs at `flush` and at `shutdown` of the client, after `execute` has ended for every event so far. `flush` of the
   * client waits for it. Without it, `flush` does not wait for this destination.
   */
  readonly flush?: Effect.Effect<void, unknown> | undefined
  /**
   * `before` and `enrichment` plugins that run only for the events of this destination, in this order. Default none.
   */
  readonly plugins?: ReadonlyArray<Before | Enrichment> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export type Plugin = Before | Enrichment | Destination

/**
 * Makes a plugin that gets each event before its context is added.
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
 * Makes a plugin that gets each event with its context.
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
 * Makes a plugin that gets a copy of each accepted event.
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
 * Adds a plugin to the client for the life of the layer. When the layer closes, it waits for the waiting events of a
 * destination, but no longer than `shutdownTimeout`.
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
        Effect.acquireRelease(client.add(plugin), () =>
          Effect.flatMap(client.config, ({ shutdownTimeout }) =>
            Effect.timeoutOption(client.remove(plugin.name, plugin), shutdownTimeout)))))
  )

/**
 * The client: what a program calls to track events, and the layers that build it.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { AmplitudeConfig } from "./AmplitudeConfig.js"
import type { DeliveryError, InvalidConfig, PluginError, TrackError } from "./AmplitudeError.js"
import { AmplitudeLogger } from "./AmplitudeLogger.js"
import type { Delivered, DeliveryReport } from "./DeliveryReport.js"
import type { Event, EventOptions } from "./Event.js"
import { EventStorage } from "./EventStorage.js"
import type * as Identify from "./Identify.js"
import * as Client from "./internal/client.js"
import { within } from "./internal/event/eventOptions.js"
import * as Fetch from "./internal/transport/fetch.js"
import type { Plugin } from "./Plugin.js"
import type { Revenue } from "./Revenue.js"
import { Transport } from "./Transport.js"

const overFetch = Effect.succeed(Fetch.transport)

/**
 * The client as a service. Its methods are statics as well, for use in any effect that has the service.
 *
 * @since 0.1.0
 * @category tags
 * @example
 * import { Amplitude, Identify } from "effect-amplitude"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   yield* Amplitude.track({ event_type: "Button Clicked", user_id: "user-12345" })
 *   yield* Amplitude.identify(Identify.empty.pipe(Identify.set("plan", "pro")), { user_id: "user-12345" })
 *   yield* Amplitude.flush
 * })
 */
export class Amplitude extends Context.Tag("effect-amplitude/Amplitude")<Amplitude, Amplitude.Client>() {
  /**
   * Tracks an event. `track` cannot fail, cannot throw and does not wait for the service, except under `overflow:
   * "suspend"`. An event that cannot be taken gets a `Dropped` report, counts in a metric, and is logged in one warning
   * a burst. Many calls in a row yield to the event loop now and then, so that requests can leave meanwhile. A caller
   * that is interrupted while it yields has tracked its event.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   *
   * const program = Amplitude.track("Button Clicked", { source: "menu" }, { user_id: "user-12345" })
   */
  static track(event: Event | Event.Input): Effect.Effect<void, never, Amplitude>
  static track(
    event_type: string,
    event_properties?: undefined,
    options?: EventOptions.Input
  ): Effect.Effect<void, never, Amplitude>
  static track<A extends Event.Input["event_properties"]>(
    event_type: string,
    event_properties: A & Event.Sendable<A>,
    options?: EventOptions.Input
  ): Effect.Effect<void, never, Amplitude>
  static track(
    event: Event | Event.Input | string,
    event_properties?: Event.Input["event_properties"],
    options?: EventOptions.Input
  ): Effect.Effect<void, never, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.track(event as string, event_properties, options))
  }

  /**
   * Tracks several events as `track` does, and appends them to the storage together. An SQL storage needs one statement
   * for all of them.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   *
   * const program = Amplitude.trackAll([
   *   { event_type: "Cart Opened", user_id: "user-12345" },
   *   { event_type: "Checkout Started", user_id: "user-12345" }
   * ])
   */
  static trackAll(events: Iterable<Event | Event.Input>): Effect.Effect<void, never, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.trackAll(events))
  }

  /**
   * Tracks an event, and fails with a `TrackError` if the event cannot be taken. A failed call makes no report.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   * import { Effect } from "effect"
   *
   * const program = Amplitude.trackOrFail({ event_type: "Button Clicked", user_id: "user-12345" }).pipe(
   *   Effect.catchTag("InvalidEvent", ({ field }) => Effect.logError(`the field ${field} is wrong`))
   * )
   */
  static trackOrFail(event: Event | Event.Input): Effect.Effect<void, TrackError, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.trackOrFail(event))
  }

  /**
   * Tracks an event and waits for its outcome: `Delivered`, or the failure `DeliveryError` if the event was dropped.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   * import { Effect } from "effect"
   *
   * const program = Amplitude.trackAndWait({ event_type: "Order Placed", user_id: "user-12345" }).pipe(
   *   Effect.map(({ attempts }) => `delivered by request ${attempts}`),
   *   Effect.catchTag("DeliveryError", ({ reason }) => Effect.succeed(`not delivered: ${reason}`))
   * )
   */
  static trackAndWait(event: Event | Event.Input): Effect.Effect<Delivered, TrackError | DeliveryError, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.trackAndWait(event))
  }

  /**
   * Changes the properties of a user.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, Identify } from "effect-amplitude"
   *
   * const program = Amplitude.identify(
   *   Identify.empty.pipe(Identify.set("plan", "pro"), Identify.add("logins", 1)),
   *   { user_id: "user-12345" }
   * )
   */
  static identify(identify: Identify.Identify, options?: EventOptions.Input): Effect.Effect<void, never, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.identify(identify, options))
  }

  /**
   * Changes the properties of a group, or of several of one type.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, Identify } from "effect-amplitude"
   *
   * const program = Amplitude.groupIdentify("org_id", "15", Identify.empty.pipe(Identify.set("locale", "en-us")))
   */
  static groupIdentify(
    groupType: string,
    groupName: string | ReadonlyArray<string>,
    identify: Identify.Identify,
    options?: EventOptions.Input
  ): Effect.Effect<void, never, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.groupIdentify(groupType, groupName, identify, options))
  }

  /**
   * Puts a user into a group, or into several of one type.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   *
   * const program = Amplitude.setGroup("org_id", ["15", "21"], { user_id: "user-12345" })
   */
  static setGroup(
    groupType: string,
    groupName: string | ReadonlyArray<string>,
    options?: EventOptions.Input
  ): Effect.Effect<void, never, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.setGroup(groupType, groupName, options))
  }

  /**
   * Tracks a purchase or a refund.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   *
   * const program = Amplitude.revenue({ price: 3.99, quantity: 3, productId: "sku-1" }, { user_id: "user-12345" })
   */
  static revenue(
    revenue: Revenue | Revenue.Input,
    options?: EventOptions.Input
  ): Effect.Effect<void, never, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.revenue(revenue, options))
  }

  /**
   * Sends the waiting events at once. It completes when every event that was accepted before has its outcome, and
   * `callback` has returned for each of these. It waits as long as retries take: bound it with `Effect.timeout`.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   * import { Effect } from "effect"
   *
   * const program = Effect.timeoutOption(Amplitude.flush, "5 seconds")
   */
  static readonly flush: Effect.Effect<void, never, Amplitude> = Effect.flatMap(Amplitude, (client) => client.flush)

  /**
   * Stops accepting events, and sends the waiting ones within `shutdownTimeout`. Events that are left then are dropped
   * with the reason `Shutdown`, or stay in a durable storage. Closing the scope of the layer does the same.
   *
   * @since 0.1.0
   */
  static readonly shutdown: Effect.Effect<void, never, Amplitude> = Effect.flatMap(
    Amplitude,
    (client) => client.shutdown
  )

  /**
   * The stream of every report from the moment of subscription. It ends at shutdown with the last report. A slow
   * subscriber never slows delivery.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, DeliveryReport } from "effect-amplitude"
   * import { Console, Stream } from "effect"
   *
   * const program = Amplitude.deliveries.pipe(
   *   Stream.filter(DeliveryReport.isDropped),
   *   Stream.runForEach(({ event, reason }) => Console.log(`${event.event_type} was dropped: ${reason}`))
   * )
   */
  static readonly deliveries: Stream.Stream<DeliveryReport, never, Amplitude> = Stream.unwrap(
    Effect.map(Amplitude, (client) => client.deliveries)
  )

  /**
   * Adds a plugin. It fails with `PluginError` if the name is taken or `setup` fails.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, Plugin } from "effect-amplitude"
   * import { Console } from "effect"
   *
   * const program = Amplitude.add(
   *   Plugin.destination({ name: "printer", execute: (event) => Console.log(event.event_type) })
   * )
   */
  static add(plugin: Plugin): Effect.Effect<void, PluginError, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.add(plugin))
  }

  /**
   * Removes the plugin with this name: runs its `teardown` and closes the scope of its `setup`. The result says whether
   * there was such a plugin. With `plugin`, it is removed only if it is this one, since another plugin can have its name
   * now. A destination first executes the events that wait for it. If the caller is interrupted, these events are dropped,
   * and the removal ends in the background.
   *
   * @since 0.1.0
   */
  static remove(name: string, plugin?: Plugin): Effect.Effect<boolean, never, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.remove(name, plugin))
  }

  /**
   * Switches the opt-out on or off. While it is on, every tracked event is dropped with the reason `OptedOut`. Events
   * that were accepted before are still sent.
   *
   * @since 0.1.0
   */
  static setOptOut(optOut: boolean): Effect.Effect<void, never, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.setOptOut(optOut))
  }

  /**
   * The current settings.
   *
   * @since 0.1.0
   */
  static readonly config: Effect.Effect<AmplitudeConfig.Settings, never, Amplitude> = Effect.flatMap(
    Amplitude,
    (client) => client.config
  )

  /**
   * Changes settings of a running client. Settings of events act from the next call, settings of requests from the next
   * request. Waiting events stay as they are. An absent key keeps its value, and `undefined` restores the default. An
   * invalid patch changes nothing and fails with `InvalidConfig`. A lower `bufferCapacity` drops the excess under the
   * policies `dropOldest` and `dropNewest`.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   *
   * const program = Amplitude.updateConfig({ flushInterval: "1 second", serverZone: "EU" })
   */
  static updateConfig(patch: AmplitudeConfig.Patch): Effect.Effect<void, InvalidConfig, Amplitude> {
    return Effect.flatMap(Amplitude, (client) => client.updateConfig(patch))
  }

  /**
   * Sets default fields for every event that is tracked inside an effect. The defaults belong to the fiber and the
   * fibers that it forks. Nested defaults are merged, and the inner one wins for each field. The fields of the event
   * itself win over all defaults.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   *
   * const program = Amplitude.track("Page Viewed").pipe(
   *   Amplitude.withEventOptions({ user_id: "user-12345", ip: "127.0.0.1" })
   * )
   */
  static readonly withEventOptions: {
    (options: AmplitudeConfig.Defaults): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    <A, E, R>(self: Effect.Effect<A, E, R>, options: AmplitudeConfig.Defaults): Effect.Effect<A, E, R>
  } = dual(2, within)

  /**
   * Makes a client that lives as long as the scope, for a second client in one program. It has the memory storage, the
   * platform's `fetch` and Effect's logger.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   * import { Effect } from "effect"
   *
   * const program = Effect.scoped(Effect.gen(function*() {
   *   const other = yield* Amplitude.make({ apiKey: "another project's key" })
   *   yield* other.track({ event_type: "Button Clicked", user_id: "user-12345" })
   * }))
   */
  static make(options: Amplitude.Options): Effect.Effect<Amplitude.Client, InvalidConfig, Scope.Scope> {
    return Client.makeDefault(overFetch, Effect.succeed(options))
  }

  /**
   * The client over the four services of the context: settings, storage, transport and logger. Plugins are added with
   * `Plugin.layer`. Every access to `layerServices` gives a new layer, so that two projects in one graph of layers have
   * two clients. `deliver: false` over a storage that is not shared is a defect.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
   * import { Layer } from "effect"
   *
   * const AmplitudeLayer = Amplitude.layerServices.pipe(
   *   Layer.provide([EventStorage.layerMemory, Transport.layerFetch, AmplitudeLogger.layerEffect]),
   *   Layer.provide(AmplitudeConfig.layer({ apiKey: "key" }))
   * )
   */
  static get layerServices(): Layer.Layer<
    Amplitude,
    never,
    AmplitudeConfig | EventStorage | Transport | AmplitudeLogger
  > {
    return Layer.scoped(
      Amplitude,
      Effect.gen(function*() {
        return yield* Effect.orDie(Client.make({
          config: yield* AmplitudeConfig,
          storage: yield* EventStorage,
          transport: yield* Transport,
          logger: yield* AmplitudeLogger
        }))
      })
    )
  }

  /**
   * The client with memory storage, the platform's `fetch` and Effect's logger.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   *
   * const AmplitudeLayer = Amplitude.layer({ apiKey: "key", flushInterval: "5 seconds" })
   */
  static layer(options: Amplitude.Options): Layer.Layer<Amplitude, InvalidConfig> {
    return Layer.scoped(Amplitude, Amplitude.make(options))
  }

  /**
   * `layer` with options that are read from the `ConfigProvider`.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude } from "effect-amplitude"
   * import { Config } from "effect"
   *
   * const AmplitudeLayer = Amplitude.layerConfig({ apiKey: Config.redacted("ANALYTICS_KEY") })
   */
  static layerConfig(
    config: Config.Config.Wrap<Amplitude.Options>
  ): Layer.Layer<Amplitude, ConfigError | InvalidConfig> {
    return Layer.scoped(Amplitude, Client.makeDefault(overFetch, Client.optionsOf(config)))
  }

  /**
   * The client over the `EventStorage` of the context, with the platform's `fetch` and Effect's logger.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, EventStorage } from "effect-amplitude"
   * import { Layer } from "effect"
   *
   * const AmplitudeLayer = Amplitude.layerStorage({ apiKey: "key" }).pipe(Layer.provide(EventStorage.layerMemory))
   */
  static layerStorage(options: Amplitude.Options): Layer.Layer<Amplitude, InvalidConfig, EventStorage> {
    return Layer.scoped(Amplitude, Client.makeDefault(overFetch, Effect.succeed(options), EventStorage))
  }

  /**
   * `layerStorage` with options that are read from the `ConfigProvider`.
   *
   * @since 0.1.0
   */
  static layerStorageConfig(
    config: Config.Config.Wrap<Amplitude.Options>
  ): Layer.Layer<Amplitude, ConfigError | InvalidConfig, EventStorage> {
    return Layer.scoped(Amplitude, Client.makeDefault(overFetch, Client.optionsOf(config), EventStorage))
  }
}

/**
 * @since 0.1.0
 */
export declare namespace Amplitude {
  /**
   * The options of a client: its settings, and its plugins.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Options extends AmplitudeConfig.Options {
    /** The plugins of the client, added in this order when it is built. Default none. */
    readonly plugins?: ReadonlyArray<Plugin> | undefined
  }

  /**
   * The client that `yield* Amplitude` and `Amplitude.make` give. The statics of `Amplitude` with the same names
   * describe each method.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Client {
    readonly track: {
      (event: Event | Event.Input): Effect.Effect<void>
      (event_type: string, event_properties?: undefined, options?: EventOptions.Input): Effect.Effect<void>
      <A extends Event.Input["event_properties"]>(
        event_type: string,
        event_properties: A & Event.Sendable<A>,
        options?: EventOptions.Input
      ): Effect.Effect<void>
    }
    readonly trackAll: (events: Iterable<Event | Event.Input>) => Effect.Effect<void>
    readonly trackOrFail: (event: Event | Event.Input) => Effect.Effect<void, TrackError>
    readonly trackAndWait: (event: Event | Event.Input) => Effect.Effect<Delivered, TrackError | DeliveryError>
    readonly identify: (identify: Identify.Identify, options?: EventOptions.Input) => Effect.Effect<void>
    readonly groupIdentify: (
      groupType: string,
      groupName: string | ReadonlyArray<string>,
      identify: Identify.Identify,
      options?: EventOptions.Input
    ) => Effect.Effect<void>
    readonly setGroup: (
      groupType: string,
      groupName: string | ReadonlyArray<string>,
      options?: EventOptions.Input
    ) => Effect.Effect<void>
    readonly revenue: (revenue: Revenue | Revenue.Input, options?: EventOptions.Input) => Effect.Effect<void>
    readonly flush: Effect.Effect<void>
    readonly shutdown: Effect.Effect<void>
    readonly deliveries: Stream.Stream<DeliveryReport>
    readonly add: (plugin: Plugin) => Effect.Effect<void, PluginError>
    readonly remove: (name: string, plugin?: Plugin) => Effect.Effect<boolean>
    readonly setOptOut: (optOut: boolean) => Effect.Effect<void>
    readonly config: Effect.Effect<AmplitudeConfig.Settings>
    readonly updateConfig: (patch: AmplitudeConfig.Patch) => Effect.Effect<void, InvalidConfig>
  }
}

/**
 * The client with options from the environment variables `AMPLITUDE_API_KEY`, `AMPLITUDE_SERVER_ZONE` and so on.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { Amplitude, AmplitudeLive } from "effect-amplitude"
 * import { Effect } from "effect"
 *
 * const program = Amplitude.track({ event_type: "Button Clicked", user_id: "user-12345" }).pipe(
 *   Effect.provide(AmplitudeLive)
 * )
 */
export const AmplitudeLive: Layer.Layer<Amplitude, ConfigError | InvalidConfig> = Amplitude.layerConfig(
  AmplitudeConfig.environment
)

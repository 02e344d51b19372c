import { describe, expectTypeOf, it } from "@effect/vitest"
import type { ConfigError, Layer, Scope, Stream } from "effect"
import { Config, Effect, LogLevel, Schema } from "effect"
import type {
  AmplitudeClosed,
  AmplitudeLogger,
  BufferFull,
  DeliveryError,
  DeliveryReport,
  EventOptions,
  IngestionMetadata,
  InvalidConfig,
  InvalidEvent,
  Plan,
  Revenue,
  StorageError,
  TrackError
} from "effect-amplitude"
import {
  Amplitude,
  AmplitudeConfig,
  AmplitudeLive,
  AmplitudeTest,
  Event,
  EventStorage,
  Identify,
  Plugin,
  Recorder,
  Transport
} from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"

interface Clicked {
  readonly source: string
  readonly position?: { readonly x: number }
}

const clicked: Clicked = { source: "notification" }
const user = { user_id: "user-12345" }

/** Only compiled. */
const compiled = (_: () => unknown) => {}

describe("types", () => {
  it("the statics give effects that cannot fail", () => {
    type Tracked = Effect.Effect<void, never, Amplitude>
    compiled(() => {
      expectTypeOf(Amplitude.track({ event_type: "Clicked", ...user })).toEqualTypeOf<Tracked>()
      expectTypeOf(Amplitude.track("Clicked", clicked, user)).toEqualTypeOf<Tracked>()
      expectTypeOf(Amplitude.identify(Identify.empty, user)).toEqualTypeOf<Tracked>()
      expectTypeOf(Amplitude.groupIdentify("type", ["name"], Identify.empty)).toEqualTypeOf<Tracked>()
      expectTypeOf(Amplitude.setGroup("type", "name", user)).toEqualTypeOf<Tracked>()
      expectTypeOf(Amplitude.revenue({ price: 1 }, user)).toEqualTypeOf<Tracked>()
      expectTypeOf(Amplitude.flush).toEqualTypeOf<Tracked>()
      expectTypeOf(Amplitude.shutdown).toEqualTypeOf<Tracked>()
    })
  })

  it("the errors are typed", () => {
    expectTypeOf<TrackError>().toEqualTypeOf<InvalidEvent | BufferFull | StorageError | AmplitudeClosed>()
    expectTypeOf<TrackError["_tag"]>()
      .toEqualTypeOf<"InvalidEvent" | "BufferFull" | "StorageError" | "AmplitudeClosed">()
    compiled(() => {
      const event = { event_type: "Clicked", ...user }
      expectTypeOf(Amplitude.trackOrFail(event)).toEqualTypeOf<Effect.Effect<void, TrackError, Amplitude>>()
      expectTypeOf(Amplitude.trackAndWait(event)).toEqualTypeOf<
        Effect.Effect<DeliveryReport.Delivered, TrackError | DeliveryError, Amplitude>
      >()
      expectTypeOf(
        Amplitude.trackOrFail(event).pipe(Effect.catchTags({
          InvalidEvent: () => Effect.void,
          BufferFull: () => Effect.void,
          StorageError: () => Effect.void,
          AmplitudeClosed: () => Effect.void
        }))
      ).toEqualTypeOf<Effect.Effect<void, never, Amplitude>>()
    })
  })

  it("the service and the layers", () => {
    expectTypeOf(AmplitudeLive).toEqualTypeOf<Layer.Layer<Amplitude, ConfigError.ConfigError | InvalidConfig>>()
    expectTypeOf(AmplitudeTest).toEqualTypeOf<Layer.Layer<Amplitude | Recorder>>()
    expectTypeOf(Effect.map(Amplitude, (client) => client)).toEqualTypeOf<
      Effect.Effect<Amplitude.Client, never, Amplitude>
    >()
    expectTypeOf(Amplitude.deliveries).toEqualTypeOf<Stream.Stream<DeliveryReport.DeliveryReport, never, Amplitude>>()
    expectTypeOf(EventStorage.layerMemory).toEqualTypeOf<Layer.Layer<EventStorage>>()
    expectTypeOf(Transport.layerFetch).toEqualTypeOf<Layer.Layer<Transport>>()
    compiled(() => {
      expectTypeOf(Amplitude.layer({ apiKey: "key" })).toEqualTypeOf<Layer.Layer<Amplitude, InvalidConfig>>()
      expectTypeOf(Amplitude.make({ apiKey: "key" })).toEqualTypeOf<
        Effect.Effect<Amplitude.Client, InvalidConfig, Scope.Scope>
      >()
    })
  })

  it("plugins are an option of a client, and no setting", () => {
    compiled(() => {
      const plugins = [Plugin.before("before", Effect.succeed)]
      void Amplitude.layer({ apiKey: "key", plugins, logLevel: "Debug" })
      void Amplitude.make({ apiKey: "key", plugins, logLevel: LogLevel.Debug })
      void Amplitude.layerConfig({ apiKey: Config.redacted("KEY"), plugins: Config.succeed(plugins) })
      void AmplitudeNode.layer({ apiKey: "key", plugins })
      void AmplitudeNode.layerConfig({ apiKey: Config.redacted("KEY"), plugins: Config.succeed(plugins) })
      void Recorder.layer({ plugins })
      // @ts-expect-error the settings know no plugins
      void AmplitudeConfig.layer({ apiKey: "key", plugins })
      // @ts-expect-error plugins are added and removed one by one
      void Amplitude.updateConfig({ plugins })
      // @ts-expect-error no level of a log
      void Amplitude.layer({ apiKey: "key", logLevel: "debug" })
    })
    expectTypeOf<keyof AmplitudeConfig.Settings>().exclude<"plugins">().toEqualTypeOf<keyof AmplitudeConfig.Settings>()
    expectTypeOf(Amplitude.layerServices).toEqualTypeOf<
      Layer.Layer<Amplitude, never, AmplitudeConfig | EventStorage | Transport | AmplitudeLogger>
    >()
  })

  it("withEventOptions leaves the effect's type as it is", () => {
    compiled(() => {
      const self = Effect.fail("error" as const) as Effect.Effect<number, "error", Amplitude>
      expectTypeOf(self.pipe(Amplitude.withEventOptions({ ip: "127.0.0.1" }))).toEqualTypeOf<typeof self>()
      expectTypeOf(Amplitude.withEventOptions(self, { session_id: 1 })).toEqualTypeOf<typeof self>()
      // @ts-expect-error an insert_id tells events apart: it is no default
      void Amplitude.withEventOptions({ insert_id: "id" })
      // @ts-expect-error an event_id tells events apart: it is no default
      void Amplitude.withEventOptions({ event_id: 1 })
      // @ts-expect-error misspelt
      void Amplitude.withEventOptions({ userId: "user-12345" })
    })
  })

  it("misspelt and wrong fields do not compile", () => {
    compiled(() => {
      // @ts-expect-error misspelt
      void Amplitude.track({ event_type: "Clicked", userId: "user-12345" })
      // @ts-expect-error a number is no user_id
      void Amplitude.track({ event_type: "Clicked", user_id: 12345 })
      // @ts-expect-error null is no user_id
      void Amplitude.track({ event_type: "Clicked", user_id: null })
      // @ts-expect-error a text is no time
      void Amplitude.track({ event_type: "Clicked", time: "1970-01-01" })
      // @ts-expect-error an event has a type
      void Amplitude.track({ user_id: "user-12345" })
      // @ts-expect-error properties are an object
      void Amplitude.track("Clicked", "source")
      // @ts-expect-error a misspelt field of the options
      void Amplitude.track("Clicked", {}, { userId: "user-12345" })
      // @ts-expect-error the event's type is no option
      void Amplitude.track("Clicked", {}, { event_type: "Clicked" })
      // @ts-expect-error the plan is an object
      void Amplitude.track({ event_type: "Clicked", plan: "plan" })
      // @ts-expect-error a misspelt field of the plan
      void Amplitude.track({ event_type: "Clicked", plan: { version_id: "1" } })
      // @ts-expect-error misspelt
      void Amplitude.revenue({ price: 1, product_id: "sku-1" })
      // @ts-expect-error a sale has a price
      void Amplitude.revenue({ quantity: 1 })
      // @ts-expect-error a group is named by strings
      void Amplitude.setGroup("type", 15)
      // @ts-expect-error the zone is exact
      void Amplitude.layer({ apiKey: "key", serverZone: "eu" })
      // @ts-expect-error the key is required
      void Amplitude.layer({})
      // @ts-expect-error misspelt
      void Amplitude.layer({ apiKey: "key", flushQueuesize: 1 })
    })
  })

  it("optional fields accept undefined", () => {
    compiled(() => {
      const maybe = undefined as string | undefined
      void Amplitude.track({ event_type: "Clicked", user_id: maybe, time: undefined, event_properties: undefined })
      void Amplitude.track("Clicked", undefined, { user_id: maybe })
      void Amplitude.revenue({ price: 1, productId: maybe, properties: undefined })
      void Amplitude.layer({ apiKey: "key", serverUrl: maybe, callback: undefined })
      void Amplitude.withEventOptions({ user_id: maybe })
    })
  })

  it("properties of an interface's type are accepted", () => {
    compiled(() => {
      void Amplitude.track("Clicked", clicked)
      void Amplitude.track({ event_type: "Clicked", event_properties: clicked, user_properties: clicked })
      void Amplitude.track(new Event({ event_type: "Clicked", group_properties: clicked }))
      void Amplitude.revenue({ price: 1, properties: clicked })
    })
  })

  it("groups are event options, and a time may be a Date", () => {
    compiled(() => {
      const groups = { org_id: "15", team: ["growth", "web"] }
      void Amplitude.track("Clicked", {}, { ...user, groups, time: new Date(0) })
      void Amplitude.track({ event_type: "Clicked", groups, time: new Date(0) })
      void Amplitude.identify(Identify.empty, { groups })
      void Amplitude.withEventOptions({ groups })
      void Event.define("Opened", {})({}, { groups })
      void Amplitude.layer({ apiKey: "key", eventOptions: { groups } })
      // @ts-expect-error a group is named by strings
      void Amplitude.track("Clicked", {}, { groups: { org_id: 15 } })
    })
    expectTypeOf<EventOptions.Input["time"]>().toEqualTypeOf<number | Date | undefined>()
    // the time of a recorded event is in milliseconds
    expectTypeOf<Event["time"]>().toEqualTypeOf<number | undefined>()
  })

  it("inputs are named interfaces of the fields that the classes have", () => {
    expectTypeOf<keyof Event.Input>().toEqualTypeOf<keyof typeof Event.fields>()
    expectTypeOf<keyof EventOptions.Input>().toEqualTypeOf<keyof typeof EventOptions.fields>()
    expectTypeOf<keyof Revenue.Input>().toEqualTypeOf<keyof typeof Revenue.fields>()
    expectTypeOf<keyof Plan.Input>().toEqualTypeOf<keyof typeof Plan.fields>()
    expectTypeOf<keyof IngestionMetadata.Input>().toEqualTypeOf<keyof typeof IngestionMetadata.fields>()
    expectTypeOf<Schema.Struct.Type<typeof Event.fields>>().toExtend<Event.Input>()
    expectTypeOf<Schema.Struct.Type<typeof Revenue.fields>>().toExtend<Revenue.Input>()
  })

  it("define", () => {
    const SongPlayed = Event.define("Song Played", { title: Schema.String, at: Schema.optional(Schema.Date) })
    const Opened = Event.define("Opened", { from: Schema.optional(Schema.String) })
    expectTypeOf(SongPlayed.event_type).toEqualTypeOf<"Song Played">()
    expectTypeOf(SongPlayed({ title: "So What", at: new Date(0) }, user)).toEqualTypeOf<Event>()
    expectTypeOf<typeof SongPlayed.schema.Type>().toEqualTypeOf<
      { readonly title: string; readonly at?: Date | undefined }
    >()
    compiled(() => {
      Opened()
      Opened({}, user)
      Opened(undefined, user)
      // @ts-expect-error the properties are required
      void SongPlayed()
      // @ts-expect-error one is missing
      void SongPlayed({})
      // @ts-expect-error the type side is a Date
      void SongPlayed({ title: "So What", at: "1970-01-01" })
      // @ts-expect-error misspelt
      void SongPlayed({ title: "So What", seconds: 5 })
      // @ts-expect-error misspelt option
      void SongPlayed({ title: "So What" }, { userId: "user-12345" })
      // @ts-expect-error encoding it needs a service
      void Event.define("Needy", { value: null as unknown as Schema.Schema<string, string, Amplitude> })
    })
  })

  it("reports are narrowed by their tag", () => {
    compiled(() => {
      const report = null as unknown as DeliveryReport.DeliveryReport
      if (report._tag === "Dropped") {
        expectTypeOf(report.reason).toEqualTypeOf<DeliveryReport.Reason>()
        expectTypeOf(report.event).toEqualTypeOf<Event.Input>()
      } else expectTypeOf(report.event).toEqualTypeOf<Event>()
    })
    expectTypeOf(AmplitudeConfig.defaults).toEqualTypeOf<Omit<AmplitudeConfig.Settings, "apiKey">>()
  })
})

describe("properties of track", () => {
  it("take interface-typed values, and none that JSON cannot hold", () => {
    const calls: Array<Effect.Effect<void, never, Amplitude>> = []
    calls.push(Amplitude.track("Clicked", clicked))
    calls.push(
      Amplitude.track("Clicked", { at: new Date(0), list: [1, "a"], nested: { deep: true }, none: undefined, no: null })
    )
    calls.push(Amplitude.track("Clicked", undefined, user))
    const unknowns: Record<string, unknown> | undefined = { ...clicked }
    calls.push(Amplitude.track("Clicked", unknowns))
    const anything: Record<string, any> = clicked
    calls.push(Amplitude.track("Clicked", anything))
    const either = null as unknown as { readonly kind: "a"; readonly text: string } | { readonly kind: "b" } | undefined
    calls.push(Amplitude.track("Clicked", either))
    // @ts-expect-error a bigint
    calls.push(Amplitude.track("Clicked", { count: 1n }))
    const perhapsOther = null as unknown as { readonly text: string } | { readonly count?: bigint }
    // @ts-expect-error a bigint in one member of a union
    calls.push(Amplitude.track("Clicked", perhapsOther))
    const perhaps = (): number | bigint => 1
    // @ts-expect-error a bigint, perhaps
    calls.push(Amplitude.track("Clicked", { count: perhaps() }))
    // @ts-expect-error a Map
    calls.push(Amplitude.track("Clicked", { map: new Map() }))
    // @ts-expect-error a function
    calls.push(Amplitude.track("Clicked", { call: () => 1 }))
  })

  it("take a type parameter, for wrappers of the call", () => {
    interface Catalog {
      readonly "Song Played": { readonly title: string }
      readonly "Song Skipped": { readonly title: string; readonly seconds?: number }
    }
    compiled(() => {
      const wrappers = {
        anything: <A extends Record<string, unknown>>(name: string, properties: A) => Amplitude.track(name, properties),
        optional: <A extends object>(client: Amplitude.Client, properties?: A) => client.track("Clicked", properties),
        more: <A extends { readonly a: string }>(properties: A) => Amplitude.track("Clicked", { ...properties, b: 1 }),
        ofCatalog: <Name extends keyof Catalog>(name: Name, properties: Catalog[Name]) =>
          Amplitude.track(name, properties)
      }
      expectTypeOf(wrappers.anything("Clicked", { a: 1 })).toEqualTypeOf<Effect.Effect<void, never, Amplitude>>()
    })
  })
})

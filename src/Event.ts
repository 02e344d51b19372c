/**
 * Events as Amplitude's HTTP V2 and Batch APIs take them: immutable data whose field names are those of the wire, so
 * that what Amplitude's documentation shows can be pasted.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import * as Identify from "./Identify.js"
import type { Fault } from "./internal/event/properties.js"
import { guarded, Properties } from "./internal/event/properties.js"
import { faultOf } from "./internal/event/validationIssue.js"
import { Revenue } from "./Revenue.js"

/**
 * The tracking plan that an event belongs to.
 *
 * @since 0.1.0
 * @category models
 */
export class Plan extends Schema.Class<Plan>("effect-amplitude/Plan")({
  branch: Schema.optional(Schema.String),
  source: Schema.optional(Schema.String),
  version: Schema.optional(Schema.String),
  versionId: Schema.optional(Schema.String)
}) {}

/**
 * The source that an event was ingested from.
 *
 * @since 0.1.0
 * @category models
 */
export class IngestionMetadata extends Schema.Class<IngestionMetadata>("effect-amplitude/IngestionMetadata")({
  source_name: Schema.optional(Schema.String),
  source_version: Schema.optional(Schema.String)
}) {}

/** A group's name, or the names of the groups of one type. */
const GroupName = Schema.Union(Schema.String, Schema.Array(Schema.String))

/**
 * Every field of an event except its type, properties and groups: what the shortcuts take as their last argument, and
 * what `withEventOptions` and the `eventOptions` setting give to every event.
 *
 * @since 0.1.0
 * @category models
 */
export class EventOptions extends Schema.Class<EventOptions>("effect-amplitude/EventOptions")({
  user_id: Schema.optional(Schema.String),
  device_id: Schema.optional(Schema.String),
  time: Schema.optional(Schema.Int),
  $skip_user_properties_sync: Schema.optional(Schema.Boolean),
  app_version: Schema.optional(Schema.String),
  platform: Schema.optional(Schema.String),
  os_name: Schema.optional(Schema.String),
  os_version: Schema.optional(Schema.String),
  device_brand: Schema.optional(Schema.String),
  device_manufacturer: Schema.optional(Schema.String),
  device_model: Schema.optional(Schema.String),
  carrier: Schema.optional(Schema.String),
  country: Schema.optional(Schema.String),
  region: Schema.optional(Schema.String),
  city: Schema.optional(Schema.String),
  dma: Schema.optional(Schema.String),
  language: Schema.optional(Schema.String),
  price: Schema.optional(Schema.Finite),
  quantity: Schema.optional(Schema.Int),
  revenue: Schema.optional(Schema.Finite),
  productId: Schema.optional(Schema.String),
  revenueType: Schema.optional(Schema.String),
  currency: Schema.optional(Schema.String),
  location_lat: Schema.optional(Schema.Finite),
  location_lng: Schema.optional(Schema.Finite),
  ip: Schema.optional(Schema.String),
  idfa: Schema.optional(Schema.String),
  idfv: Schema.optional(Schema.String),
  adid: Schema.optional(Schema.String),
  android_id: Schema.optional(Schema.String),
  android_app_set_id: Schema.optional(Schema.String),
  event_id: Schema.optional(Schema.Int),
  session_id: Schema.optional(Schema.Int),
  insert_id: Schema.optional(Schema.String),
  user_agent: Schema.optional(Schema.String),
  plan: Schema.optional(Schema.Struct(Plan.fields)),
  ingestion_metadata: Schema.optional(Schema.Struct(IngestionMetadata.fields)),
  library: Schema.optional(Schema.String),
  partner_id: Schema.optional(Schema.String),
  version_name: Schema.optional(Schema.String),
  receipt: Schema.optional(Schema.String),
  receiptSig: Schema.optional(Schema.String)
}) {}

/**
 * @since 0.1.0
 */
export declare namespace EventOptions {
  /**
   * The fields as plain data: optional ones accept `undefined`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Input extends Schema.Struct.Type<typeof EventOptions.fields> {}
}

/**
 * An event. `new Event(...)` checks its argument and throws a `ParseError`; the calls of the client take plain objects
 * as well and check either when it is tracked.
 *
 * @since 0.1.0
 * @category models
 * @example
 * import { Event } from "effect-amplitude"
 *
 * const event = new Event({
 *   event_type: "Button Clicked",
 *   user_id: "user-12345",
 *   event_properties: { source: "notification" }
 * })
 */
export class Event extends Schema.Class<Event>("effect-amplitude/Event")({
  event_type: Schema.String,
  ...EventOptions.fields,
  event_properties: Schema.optional(Properties),
  user_properties: Schema.optional(Properties),
  groups: Schema.optional(Schema.Record({ key: Schema.String, value: GroupName })),
  group_properties: Schema.optional(Properties)
}) {
  /**
   * The `$identify` event that changes the properties of a user.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, Event, Identify } from "effect-amplitude"
   *
   * const program = Amplitude.trackOrFail(
   *   Event.identify(Identify.empty.pipe(Identify.set("plan", "pro")), { user_id: "user-12345" })
   * )
   */
  static identify(identify: Identify.Identify, options?: EventOptions.Input): Event {
    return construct("identify", () => Identify.validate(identify, "user_properties"), () => ({
      ...options,
      event_type: "$identify",
      user_properties: identify.operations
    }))
  }

  /**
   * The `$groupidentify` event that changes the properties of a group, or of several of one type.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, Event, Identify } from "effect-amplitude"
   *
   * const program = Amplitude.trackOrFail(
   *   Event.groupIdentify("org_id", "15", Identify.empty.pipe(Identify.set("locale", "en-us")))
   * )
   */
  static groupIdentify(
    groupType: string,
    groupName: string | ReadonlyArray<string>,
    identify: Identify.Identify,
    options?: EventOptions.Input
  ): Event {
    return construct("groupIdentify", () => Identify.validate(identify, "group_properties"), () => ({
      ...options,
      event_type: "$groupidentify",
      groups: { [groupType]: groupName },
      group_properties: identify.operations
    }))
  }

  /**
   * The `$identify` event that puts a user into a group, or into several of one type.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, Event } from "effect-amplitude"
   *
   * const program = Amplitude.trackOrFail(Event.setGroup("org_id", ["15", "21"], { user_id: "user-12345" }))
   */
  static setGroup(groupType: string, groupName: string | ReadonlyArray<string>, options?: EventOptions.Input): Event {
    return construct("setGroup", () => Either.void, () => ({
      ...options,
      event_type: "$identify",
      groups: { [groupType]: groupName },
      user_properties: { $set: { [groupType]: groupName } }
    }))
  }

  /**
   * The `revenue_amount` event of a purchase or a refund.
   *
   * @since 0.1.0
   * @example
   * import { Amplitude, Event } from "effect-amplitude"
   *
   * const program = Amplitude.trackOrFail(
   *   Event.revenue({ price: 3.99, quantity: 3, productId: "sku-1" }, { user_id: "user-12345" })
   * )
   */
  static revenue(revenue: Revenue | Revenue.Input, options?: EventOptions.Input): Event {
    return construct("revenue", () => Revenue.validate(revenue), () => ({
      ...options,
      event_type: "revenue_amount",
      event_properties: Revenue.toEventProperties(revenue)
    }))
  }

  /**
   * A typed constructor of events of one type: wrong or missing properties do not compile, and are refused when the
   * event is tracked. Properties are given as the type side of their schemas and sent as the encoded side.
   *
   * @since 0.1.0
   * @example
   * import { Schema } from "effect"
   * import { Amplitude, Event } from "effect-amplitude"
   *
   * const SongPlayed = Event.define("Song Played", { title: Schema.String, seconds: Schema.Number })
   *
   * const program = Amplitude.track(SongPlayed({ title: "So What", seconds: 562 }, { user_id: "user-12345" }))
   */
  static define<const Type extends string, const Fields extends Event.PropertyFields>(
    event_type: Type,
    fields: [Schema.Struct.Context<Fields>] extends [never] ? Fields : never
  ): Event.Definition<Type, Fields> {
    const schema = Schema.Struct<Fields>(fields)
    const encode = ParseResult.encodeUnknownEither(schema as unknown as Schema.Schema.AnyNoContext, {
      onExcessProperty: "error"
    })
    const check = (properties: unknown) =>
      Either.mapLeft(encode(properties), (issue) => faultOf(issue, "event_properties"))
    const make = (properties: Event.Input["event_properties"] = {}, options?: EventOptions.Input): Event =>
      construct("event_properties", () => check(properties), (encoded) => ({
        ...options,
        event_type,
        event_properties: encoded ?? properties
      }))
    return Object.assign(make, { event_type, schema }) as unknown as Event.Definition<Type, Fields>
  }
}

/**
 * @since 0.1.0
 */
export declare namespace Event {
  /**
   * An event as plain data: optional fields accept `undefined`, unknown ones do not compile.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Input extends Schema.Struct.Type<typeof Event.fields> {}

  /**
   * The schemas of the properties of a defined event: they encode without services.
   *
   * @since 0.1.0
   * @category models
   */
  export type PropertyFields = Schema.Struct.Fields

  /**
   * The typed constructor that `Event.define` gives.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Definition<Type extends string, Fields extends PropertyFields> {
    (
      ...args: {} extends Schema.Struct.Type<Fields>
        ? [properties?: Types.Simplify<Schema.Struct.Type<Fields>>, options?: EventOptions.Input]
        : [properties: Types.Simplify<Schema.Struct.Type<Fields>>, options?: EventOptions.Input]
    ): Event
    readonly event_type: Type
    readonly schema: Schema.Struct<Fields>
  }
}

/**
 * What a constructor found wrong with its arguments: constructors do not throw, the event carries its fault to the
 * place where it is tracked and refused. Enumerable, so that it survives a spread.
 *
 * @internal
 */
export const faultKey: unique symbol = Symbol.for("effect-amplitude/Event/fault")

/**
 * An `Event` of fields that are already checked, or will be: the class's own constructor walks every field that there
 * could be.
 *
 * @internal
 */
export const unsafeMake = (fields: object): Event => Object.assign(Object.create(Event.prototype), fields) as Event

/**
 * The event that was encoded to this JSON.
 *
 * @internal
 */
export const fromJson = (json: string): Event => unsafeMake(JSON.parse(json) as object)

/** Checks the arguments and builds the event; where the check finds a fault, it is of what was given, and carries it. */
const construct = <A>(
  path: string,
  check: () => Either.Either<A, Fault>,
  fields: (checked?: A) => Event.Input
): Event =>
  Either.getOrElse(
    guarded(path, () => Either.map(check(), (checked) => unsafeMake(fields(checked)))),
    (fault) => unsafeMake({ ...Option.getOrElse(Option.liftThrowable(fields)(), () => ({})), [faultKey]: fault })
  )

/**
 * The events of Amplitude's HTTP V2 and Batch APIs as immutable data. The names of the fields are the ones of the APIs,
 * so that examples of Amplitude's documentation can be pasted.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import * as Identify from "./Identify.js"
import { undecided } from "./internal/event/plainEncoder.js"
import * as PlainEncoder from "./internal/event/plainEncoder.js"
import { assign, Properties } from "./internal/event/properties.js"
import { validationIssueOf } from "./internal/event/schemaIssue.js"
import type { ValidationIssue } from "./internal/event/validationIssue.js"
import { unreadable } from "./internal/event/validationIssue.js"
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
 * @since 0.1.0
 */
export declare namespace Plan {
  /**
   * The fields as plain data.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Input {
    /** The branch of the tracking plan. */
    readonly branch?: string | undefined
    /** The source of the tracking plan. */
    readonly source?: string | undefined
    /** The version of the tracking plan. */
    readonly version?: string | undefined
    /** The id of the version. */
    readonly versionId?: string | undefined
  }
}

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

/**
 * @since 0.1.0
 */
export declare namespace IngestionMetadata {
  /**
   * The fields as plain data.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Input {
    /** The name of the source. */
    readonly source_name?: string | undefined
    /** The version of the source. */
    readonly source_version?: string | undefined
  }
}

/**
 * The groups of an event by their types: the name of a group, or the names of several.
 *
 * @internal
 */
export const Groups: Schema.Record$<
  typeof Schema.String,
  Schema.Union<[typeof Schema.String, Schema.Array$<typeof Schema.String>]>
> = Schema.Record({ key: Schema.String, value: Schema.Union(Schema.String, Schema.Array(Schema.String)) })

/**
 * Milliseconds since the epoch, or a `Date`. JSON has the milliseconds.
 *
 * @internal
 */
export const Time: Schema.Union<[typeof Schema.Int, typeof Schema.ValidDateFromSelf]> = Schema.Union(
  Schema.Int,
  Schema.ValidDateFromSelf
).annotations({ jsonSchema: { type: "integer", description: "milliseconds since the epoch" } })

/**
 * Every field of an event except its type and its properties: what the calls of the client take as their last argument,
 * and what `withEventOptions` and the `eventOptions` setting give to every event.
 *
 * @since 0.1.0
 * @category models
 */
export class EventOptions extends Schema.Class<EventOptions>("effect-amplitude/EventOptions")({
  user_id: Schema.optional(Schema.String),
  device_id: Schema.optional(Schema.String),
  time: Schema.optional(Time),
  groups: Schema.optional(Groups),
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
   * The fields as plain data. Optional ones accept `undefined`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Input {
    /**
     * The id of the user, at least 5 characters unless `minIdLength` says otherwise, at most 1024. An event has a
     * `user_id` or a `device_id`; with a `user_id` alone the service derives the device from it.
     */
    readonly user_id?: string | undefined
    /** The id of the device, at least 5 characters unless `minIdLength` says otherwise, at most 1024. */
    readonly device_id?: string | undefined
    /**
     * When the event happened: milliseconds since the epoch as an integer, or a valid `Date`, which is sent as its
     * milliseconds. Default: the time of the call. A time before 2000 is most likely in seconds, and logs a warning.
     */
    readonly time?: number | Date | undefined
    /**
     * The groups of the event by their types: the name of a group, or the names of several. The service tracks at most
     * 5 types and 10 names an event.
     */
    readonly groups?: { readonly [type: string]: string | ReadonlyArray<string> } | undefined
    /** True for a backfill that must not change the properties of the user. */
    readonly $skip_user_properties_sync?: boolean | undefined
    /** The version of the app. */
    readonly app_version?: string | undefined
    /** The platform of the device: `Web`, `iOS`, `Android`. */
    readonly platform?: string | undefined
    /** The name of the operating system or browser. */
    readonly os_name?: string | undefined
    /** The version of the operating system or browser. */
    readonly os_version?: string | undefined
    /** The brand of the device. */
    readonly device_brand?: string | undefined
    /** The manufacturer of the device. */
    readonly device_manufacturer?: string | undefined
    /** The model of the device. */
    readonly device_model?: string | undefined
    /** The carrier of the device. */
    readonly carrier?: string | undefined
    /** The country of the user. */
    readonly country?: string | undefined
    /** The region of the user, a state or province. */
    readonly region?: string | undefined
    /** The city of the user. */
    readonly city?: string | undefined
    /** The designated market area of the user. */
    readonly dma?: string | undefined
    /** The language of the user. */
    readonly language?: string | undefined
    /** The price of one item. Negative is a refund. */
    readonly price?: number | undefined
    /** The number of items, an integer. */
    readonly quantity?: number | undefined
    /** The total. `price` times `quantity` wins where all three are sent. Negative is a refund. */
    readonly revenue?: number | undefined
    /** The id of the product. */
    readonly productId?: string | undefined
    /** The kind of revenue: `purchase`, `refund`, `subscription`. */
    readonly revenueType?: string | undefined
    /** The currency as ISO 4217 writes it: `EUR`. */
    readonly currency?: string | undefined
    /** The latitude of the user, in degrees. */
    readonly location_lat?: number | undefined
    /** The longitude of the user, in degrees. */
    readonly location_lng?: number | undefined
    /** The IP address of the user. `$remote` means the address that the request comes from. */
    readonly ip?: string | undefined
    /** The advertiser id of an iOS device. */
    readonly idfa?: string | undefined
    /** The vendor id of an iOS device. */
    readonly idfv?: string | undefined
    /** The advertising id of Google Play services. */
    readonly adid?: string | undefined
    /** The id of an Android device. It is not the advertising id. */
    readonly android_id?: string | undefined
    /** The app set id of an Android device. */
    readonly android_app_set_id?: string | undefined
    /** An integer that orders the events of one user with the same time. It is no default of events. */
    readonly event_id?: number | undefined
    /** The start of the session, in milliseconds since the epoch, as an integer. -1 means no session. */
    readonly session_id?: number | undefined
    /**
     * The key by which the service drops duplicates of one device within 7 days, at most 1024 characters. Default: a
     * random UUID. It is no default of events.
     */
    readonly insert_id?: string | undefined
    /** The user agent, which the service parses. */
    readonly user_agent?: string | undefined
    /** The tracking plan that the event belongs to. */
    readonly plan?: Plan.Input | undefined
    /** The source that the event was ingested from. */
    readonly ingestion_metadata?: IngestionMetadata.Input | undefined
    /** Always replaced by the name and version of this package. */
    readonly library?: string | undefined
    /** The id of the partner that sends the event. */
    readonly partner_id?: string | undefined
    /** The name of the version of the app. */
    readonly version_name?: string | undefined
    /** What the app store gave for the purchase, for Amplitude to verify it. */
    readonly receipt?: string | undefined
    /** The signature of the receipt, which Google Play asks for. */
    readonly receiptSig?: string | undefined
  }
}

/**
 * An event. `new Event(...)` checks its argument with Schema, and throws a `ParseError` if it is wrong. The calls of
 * the client also take plain objects, which is about six times as fast: Schema reads every field that an event can
 * have. Both forms are checked when they are tracked.
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
  group_properties: Schema.optional(Properties)
}) {
  /**
   * In milliseconds since the epoch: a `Date` is taken as its milliseconds.
   *
   * @since 0.1.0
   */
  declare readonly time?: number | undefined

  // decoding calls the constructor with a `time` that is already a number, which stays as it is
  // @effect-diagnostics-next-line overriddenSchemaConstructor:off
  constructor(fields: Event.Input, options?: Schema.MakeOptions) {
    super(toMilliseconds(fields), options)
  }

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
    return Parts.identify(identify).toEvent(options)
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
    return Parts.groupIdentify(groupType, groupName, identify).toEvent(options)
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
    return Parts.setGroup(groupType, groupName).toEvent(options)
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
    return Parts.revenue(revenue).toEvent(options)
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
    const untyped = schema as unknown as Schema.Schema.AnyNoContext
    const encodePlain = PlainEncoder.make(untyped)
    const encode = ParseResult.encodeUnknownEither(untyped, PlainEncoder.options)
    const make = (properties: Event.Input["event_properties"] = {}, options?: EventOptions.Input): Event => {
      let encoded: unknown = properties
      return new Parts("event_properties", () => {
        const plain = encodePlain(properties)
        if (plain !== undecided) encoded = plain
        else {
          const decided = encode(properties)
          if (Either.isLeft(decided)) return validationIssueOf(decided.left, "event_properties")
          encoded = decided.right
        }
        return undefined
      }, () => ({ event_type, event_properties: encoded as Properties })).toEvent(options)
    }
    return Object.assign(make, { event_type, schema }) as unknown as Event.Definition<Type, Fields>
  }
}

/**
 * @since 0.1.0
 */
export declare namespace Event {
  /**
   * An event as plain data. Optional fields accept `undefined`, unknown ones do not compile.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Input extends EventOptions.Input {
    /** The name of the event: not blank, at most 1024 characters. */
    readonly event_type: string
    /**
     * The properties of the event. Values are strings, finite numbers, booleans, null, arrays, plain objects, and
     * objects with `toJSON`, nested at most 40 levels deep. Strings are cut at 1024 characters.
     */
    readonly event_properties?: Properties | undefined
    /** The properties of the user, with values as in `event_properties`. In an `$identify` event, the operations. */
    readonly user_properties?: Properties | undefined
    /** Operations on the properties of the groups, in a `$groupidentify` event only. */
    readonly group_properties?: Properties | undefined
  }

  /**
   * Refuses properties `A` with a value that JSON cannot hold (a bigint, a symbol, a function, a Map or a Set): such a
   * value is `never`. Values inside of others, and the values of a type parameter, are checked when the event is
   * tracked.
   *
   * @since 0.1.0
   * @category models
   */
  export type Sendable<A> = [Unsendable<A>] extends [never] ? unknown
    : NoInfer<{ readonly [Name in keyof A]: SendableValue<A[Name]> }>

  /**
   * @since 0.1.0
   * @category models
   */
  export type SendableValue<A> = A extends
    bigint | symbol | ((...args: never) => unknown) | ReadonlyMap<any, any> | ReadonlySet<any> ? never
    : A

  /**
   * The names of the properties with a value that JSON cannot hold. `infer` makes the type `never` for a type
   * parameter.
   *
   * @since 0.1.0
   * @category models
   */
  export type Unsendable<A> = A extends infer Member ? {
      readonly [Name in keyof Member]-?: SendableValue<Member[Name]> extends infer Value
        ? Member[Name] extends Value ? never : Name
        : never
    }[keyof Member]
    : never

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
 * The issue of a constructor's arguments. Constructors do not throw: the event carries the issue, and is refused when
 * it is tracked. The property is enumerable, so that it survives a spread.
 *
 * @internal
 */
export const issueKey: unique symbol = Symbol.for("effect-amplitude/Event/issue")

/**
 * An `Event` of fields that are checked already, or when it is tracked. The later fields win.
 *
 * @internal
 */
export const unsafeMake = (...fields: ReadonlyArray<object | null | undefined>): Event => {
  const event = Object.create(Event.prototype) as Types.Mutable<Event>
  for (const some of fields) assign(event, some)
  if ((event.time as unknown) instanceof Date) event.time = (event.time as unknown as Date).getTime()
  return event
}

const toMilliseconds = (fields: Event.Input): Event.Input =>
  fields?.time instanceof Date ? { ...fields, time: fields.time.getTime() } : fields

/**
 * The event that was encoded to this JSON.
 *
 * @internal
 */
export const fromJson = (json: string): Event => unsafeMake(JSON.parse(json) as object)

/**
 * The arguments of an event constructor, or of the client call with the same name. They give the issue of wrong
 * arguments, or the fields of the event. They are read when the event is made or tracked. Reading them may throw.
 *
 * @internal
 */
export class Parts {
  readonly path: string
  readonly check: () => ValidationIssue | undefined
  readonly fields: () => Event.Input

  /** `path` names arguments that throw when they are read. `fields` are those of arguments without an issue. */
  constructor(path: string, check: () => ValidationIssue | undefined, fields: () => Event.Input) {
    this.path = path
    this.check = check
    this.fields = fields
  }

  static identify(identify: Identify.Identify): Parts {
    return new Parts("identify", () => Identify.check(identify, "user_properties"), () => ({
      event_type: "$identify",
      user_properties: identify.operations
    }))
  }

  static groupIdentify(
    groupType: string,
    groupName: string | ReadonlyArray<string>,
    identify: Identify.Identify
  ): Parts {
    return new Parts("groupIdentify", () => Identify.check(identify, "group_properties"), () => ({
      event_type: "$groupidentify",
      groups: { [groupType]: groupName },
      group_properties: identify.operations
    }))
  }

  static setGroup(groupType: string, groupName: string | ReadonlyArray<string>): Parts {
    return new Parts("setGroup", () => undefined, () => ({
      event_type: "$identify",
      groups: { [groupType]: groupName },
      user_properties: { $set: { [groupType]: groupName } }
    }))
  }

  static revenue(revenue: Revenue | Revenue.Input): Parts {
    let event_properties: Properties | undefined
    return new Parts("revenue", () => {
      event_properties = Revenue.plainEventProperties(revenue)
      if (event_properties !== undefined) return undefined
      const checked = Revenue.validate(revenue)
      if (Either.isLeft(checked)) return checked.left
      // the checked copy is sent: reading the given value again may give something else
      event_properties = Revenue.toEventProperties(checked.right)
      return undefined
    }, () => ({
      event_type: "revenue_amount",
      event_properties: event_properties ?? Revenue.toEventProperties(revenue)
    }))
  }

  /** The event, which carries the issue of arguments that are wrong. */
  toEvent(options?: EventOptions.Input): Event {
    return Either.merge(Either.try({
      try: () => {
        const issue = this.check()
        return issue === undefined ? unsafeMake(options, this.fields()) : this.toRefused(options, issue)
      },
      catch: () => this.toRefused(options, { ...unreadable, path: this.path })
    }))
  }

  private toRefused(options: EventOptions.Input | undefined, issue: ValidationIssue): Event {
    const made = Option.liftThrowable(() => unsafeMake(options, this.fields()))()
    return unsafeMake(Option.getOrUndefined(made), { [issueKey]: issue })
  }
}

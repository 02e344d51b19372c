/**
 * The client for tests. It checks events as the live client does, records them and sends nothing.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Types from "effect/Types"
import { Amplitude } from "./Amplitude.js"
import { AmplitudeConfig } from "./AmplitudeConfig.js"
import type { InvalidConfig, TransportError } from "./AmplitudeError.js"
import { InvalidEvent } from "./AmplitudeError.js"
import type { DeliveryReport } from "./DeliveryReport.js"
import type { Event } from "./Event.js"
import { fromJson, unsafeMake } from "./Event.js"
import type { EventStorage } from "./EventStorage.js"
import type * as Identify from "./Identify.js"
import * as Client from "./internal/client.js"
import { closingClock } from "./internal/closingClock.js"
import { differences } from "./internal/differences.js"
import { InsertId, sequential } from "./internal/event/insertId.js"
import { validationIssueOf } from "./internal/event/schemaIssue.js"
import { textOf } from "./internal/event/utf8.js"
import * as Plugins from "./internal/intake/plugins.js"
import * as Log from "./internal/log.js"
import * as Memory from "./internal/storage/memory.js"
import type { Revenue } from "./Revenue.js"
import type { Transport } from "./Transport.js"

/**
 * The recorder of a test's client: it reads the events and reports, and chooses the answers of the requests.
 *
 * @since 0.1.0
 * @category tags
 * @example
 * import { Amplitude, AmplitudeTest, Recorder } from "effect-amplitude"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function*() {
 *   yield* Amplitude.track({ event_type: "Button Clicked", user_id: "user-12345" })
 *   const events = yield* Recorder.events
 *   return events.map((event) => event.event_type)
 * }).pipe(Effect.provide(AmplitudeTest))
 */
export class Recorder extends Context.Tag("effect-amplitude/Recorder")<Recorder, Recorder.Service>() {
  /**
   * The accepted events, in order. An event is there as soon as it is tracked, without a flush.
   *
   * @since 0.1.0
   */
  static readonly events: Effect.Effect<ReadonlyArray<Event>, never, Recorder> = Effect.flatMap(
    Recorder,
    (recorder) => recorder.events
  )

  /**
   * The recorded events of one type. With a constructor that `Event.define` made, the properties are decoded, and an
   * event that cannot be decoded is a defect.
   *
   * @since 0.1.0
   * @example
   * import { Effect, Schema } from "effect"
   * import { Event, Recorder } from "effect-amplitude"
   *
   * const SongPlayed = Event.define("Song Played", { title: Schema.String, seconds: Schema.Number })
   *
   * const seconds = Effect.map(Recorder.tracked(SongPlayed), (events) =>
   *   events.map((event) => event.event_properties.seconds))
   */
  static tracked(event_type: string): Effect.Effect<ReadonlyArray<Event>, never, Recorder>
  static tracked<Type extends string, Fields extends Event.PropertyFields>(
    definition: Event.Definition<Type, Fields>
  ): Effect.Effect<ReadonlyArray<Recorder.Tracked<Type, Fields>>, never, Recorder>
  static tracked(definition: string | Event.Definition<any, any>): Effect.Effect<ReadonlyArray<any>, never, Recorder> {
    return Effect.flatMap(Recorder, (recorder) => recorder.tracked(definition as string))
  }

  /**
   * The recorded changes of user properties.
   *
   * @since 0.1.0
   */
  static readonly identifies: Effect.Effect<ReadonlyArray<Recorder.Identified>, never, Recorder> = Effect.flatMap(
    Recorder,
    (recorder) => recorder.identifies
  )

  /**
   * The recorded changes of group properties.
   *
   * @since 0.1.0
   */
  static readonly groupIdentifies: Effect.Effect<ReadonlyArray<Recorder.GroupIdentified>, never, Recorder> = Effect
    .flatMap(Recorder, (recorder) => recorder.groupIdentifies)

  /**
   * The recorded calls of `setGroup`: each user with its groups.
   *
   * @since 0.1.0
   */
  static readonly groups: Effect.Effect<ReadonlyArray<Recorder.Grouped>, never, Recorder> = Effect.flatMap(
    Recorder,
    (recorder) => recorder.groups
  )

  /**
   * The recorded purchases and refunds.
   *
   * @since 0.1.0
   */
  static readonly revenues: Effect.Effect<ReadonlyArray<Recorder.Sale>, never, Recorder> = Effect.flatMap(
    Recorder,
    (recorder) => recorder.revenues
  )

  /**
   * Dies with a readable difference unless the recorded events are the expected ones, in this order, and no others. It
   * compares only the fields, and the keys of objects, that are given. A field that is `undefined` is expected to be
   * missing.
   *
   * @since 0.1.0
   * @example
   * import { Recorder } from "effect-amplitude"
   *
   * const checked = Recorder.expect([
   *   { event_type: "Checkout Started", user_id: "user-12345" },
   *   { event_type: "Checkout Completed", event_properties: { total: 20.5 } }
   * ])
   */
  static expect(expected: ReadonlyArray<Recorder.Expected>): Effect.Effect<void, never, Recorder> {
    return Effect.flatMap(Recorder, (recorder) => recorder.expect(expected))
  }

  /**
   * The reports up to now.
   *
   * @since 0.1.0
   */
  static readonly reports: Effect.Effect<ReadonlyArray<DeliveryReport>, never, Recorder> = Effect.flatMap(
    Recorder,
    (recorder) => recorder.reports
  )

  /**
   * Forgets the recorded events and reports.
   *
   * @since 0.1.0
   */
  static readonly clear: Effect.Effect<void, never, Recorder> = Effect.flatMap(Recorder, (recorder) => recorder.clear)

  /**
   * Fails the next `times` requests (default 1), with an error of the transport or an answer of the service. Later
   * requests succeed again. `Infinity` fails all requests.
   *
   * @since 0.1.0
   * @example
   * import { Recorder } from "effect-amplitude"
   *
   * const outage = Recorder.failWith({ status: 503 }, 3)
   */
  static failWith(failure: Recorder.Failure, times?: number): Effect.Effect<void, never, Recorder> {
    return Effect.flatMap(Recorder, (recorder) => recorder.failWith(failure, times))
  }

  /**
   * Delays the answers of the next `times` requests (default 1), by the clock. Later answers come at once again. It goes
   * together with `failWith`.
   *
   * @since 0.1.0
   * @example
   * import { Recorder } from "effect-amplitude"
   *
   * const slow = Recorder.delay("5 seconds", 3)
   */
  static delay(duration: Duration.DurationInput, times?: number): Effect.Effect<void, never, Recorder> {
    return Effect.flatMap(Recorder, (recorder) => recorder.delay(duration, times))
  }

  /**
   * The client and its recorder. It takes every option of the live client.
   *
   * @since 0.1.0
   * @example
   * import { Recorder } from "effect-amplitude"
   *
   * const lenient = Recorder.layer({ lenient: true, optOut: true })
   */
  static layer(options?: Recorder.Options): Layer.Layer<Amplitude | Recorder, InvalidConfig> {
    return Layer.scopedContext(make(options ?? {}))
  }
}

/**
 * @since 0.1.0
 */
export declare namespace Recorder {
  /**
   * The failure of a request: an error of the transport, or an answer. A `body` that is not a string is sent as JSON.
   *
   * @since 0.1.0
   * @category models
   */
  export type Failure = TransportError | {
    readonly status: number
    readonly body?: unknown
    readonly headers?: Readonly<Record<string, string>> | undefined
  }

  /**
   * The options of the live client, and `lenient`. None is required.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Options extends Partial<Amplitude.Options> {
    /** Whether an invalid event makes a report, as in the live client. Default false: it is a defect of the call. */
    readonly lenient?: boolean | undefined
  }

  /**
   * The user or device of an event.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Subject {
    readonly user_id?: string
    readonly device_id?: string
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Identified extends Subject {
    readonly operations: Identify.Operations
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Grouped extends Subject {
    readonly groupType: string
    readonly groupName: string | ReadonlyArray<string>
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface GroupIdentified extends Grouped {
    readonly operations: Identify.Operations
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Sale extends Subject, Revenue.Input {
    readonly quantity: number
  }

  /**
   * An event that a constructor of `Event.define` made, with its decoded properties.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Tracked<Type extends string, Fields extends Event.PropertyFields>
    extends Omit<Event, "event_type" | "event_properties">
  {
    readonly event_type: Type
    readonly event_properties: Types.Simplify<Schema.Struct.Type<Fields>>
  }

  /**
   * The expected fields of an event. Other fields are not compared.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Expected extends Partial<Event.Input> {}

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    readonly events: Effect.Effect<ReadonlyArray<Event>>
    readonly tracked: {
      (event_type: string): Effect.Effect<ReadonlyArray<Event>>
      <Type extends string, Fields extends Event.PropertyFields>(
        definition: Event.Definition<Type, Fields>
      ): Effect.Effect<ReadonlyArray<Tracked<Type, Fields>>>
    }
    readonly identifies: Effect.Effect<ReadonlyArray<Identified>>
    readonly groupIdentifies: Effect.Effect<ReadonlyArray<GroupIdentified>>
    readonly groups: Effect.Effect<ReadonlyArray<Grouped>>
    readonly revenues: Effect.Effect<ReadonlyArray<Sale>>
    readonly expect: (expected: ReadonlyArray<Expected>) => Effect.Effect<void>
    readonly reports: Effect.Effect<ReadonlyArray<DeliveryReport>>
    readonly clear: Effect.Effect<void>
    readonly failWith: (failure: Failure, times?: number) => Effect.Effect<void>
    readonly delay: (duration: Duration.DurationInput, times?: number) => Effect.Effect<void>
  }
}

/**
 * The client for tests, and its recorder. An invalid event is a defect of the call, so that a test fails where the
 * mistake is. `insert_id`s count from `00000000-0000-4000-8000-000000000001`, and times come from the `Clock`, so that
 * under `TestClock` a whole payload can be compared. Each build of the layer is fresh.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * import { Amplitude, AmplitudeTest } from "effect-amplitude"
 * import { Effect } from "effect"
 *
 * const test = Amplitude.track({ event_type: "Button Clicked", user_id: "user-12345" }).pipe(
 *   Effect.provide(AmplitudeTest)
 * )
 */
export const AmplitudeTest: Layer.Layer<Amplitude | Recorder> = Layer.orDie(Recorder.layer())

function make(
  { lenient, ...options }: Recorder.Options
): Effect.Effect<Context.Context<Amplitude | Recorder>, InvalidConfig, Scope.Scope> {
  return Effect.gen(function*() {
    const events: Array<Event> = []
    const reports: Array<DeliveryReport> = []
    const failures = new Planned<Recorder.Failure>()
    const delays = new Planned<Duration.Duration>()
    const readAll = <A>(read: (event: Event) => ReadonlyArray<A>): Effect.Effect<ReadonlyArray<A>> =>
      Effect.sync(() => events.flatMap(read))
    const { plugins, settings } = yield* Plugins.split({ ...options, apiKey: options.apiKey ?? "test-api-key" })
    const config = yield* AmplitudeConfig.make(settings)
    const storage = yield* Memory.make
    const clock = closingClock(yield* Effect.clock)
    const client = yield* Client.make({
      config,
      storage: recording(storage, (event) => events.push(fromJson(textOf(event)))),
      transport: {
        send: () =>
          Effect.suspend(() => {
            const answer = toAnswer(failures.next())
            const delay = delays.next()
            return delay === undefined ? answer : Effect.delay(answer, delay)
          })
      },
      logger: Log.effect
    }, {
      invalidIsDefect: lenient !== true,
      observer: (report) => reports.push(report)
    }).pipe(Effect.withClock(clock))
    // this finalizer runs before the client closes, so that closing does not wait for a `TestClock`
    yield* Effect.addFinalizer(() => Effect.sync(clock.close))
    yield* Plugins.addAll(client, plugins)
    return Context.make(Amplitude, client).pipe(Context.add(Recorder, {
      events: Effect.sync(() => events.slice()),
      tracked: (definition: string | Event.Definition<any, any>): Effect.Effect<ReadonlyArray<any>> =>
        typeof definition === "string"
          ? Effect.sync(() => ofType(events, definition))
          : Effect.suspend(() => Effect.forEach(ofType(events, definition.event_type), decodeOf(definition))),
      identifies: readAll(readIdentify),
      groupIdentifies: readAll(readGroupIdentify),
      groups: readAll(readGroups),
      revenues: readAll(readRevenue),
      expect: (expected) =>
        Effect.suspend(() => {
          const text = differences(expected, events)
          return text === undefined ? Effect.void : Effect.die(new Error(text))
        }),
      reports: Effect.sync(() => reports.slice()),
      clear: Effect.sync(() => {
        events.length = reports.length = 0
      }),
      failWith: (failure, times) => Effect.sync(() => failures.add(failure, times)),
      delay: (duration, times) => Effect.sync(() => delays.add(Duration.decode(duration), times))
    }))
  }).pipe(Effect.provideServiceEffect(InsertId, Effect.sync(sequential)))
}

/** What is planned for the next requests. */
class Planned<A> {
  private readonly plans: Array<{ readonly value: A; times: number }> = []

  add(value: A, times: number = 1): void {
    if (times > 0) this.plans.push({ value, times })
  }

  next(): A | undefined {
    const plan = this.plans[0]
    if (plan !== undefined && --plan.times <= 0) this.plans.shift()
    return plan?.value
  }
}

/** Calls `record` with each event that the storage accepts. */
const recording = (
  storage: EventStorage.Service,
  record: (event: EventStorage.EncodedEvent) => void
): EventStorage.Service => ({
  ...storage,
  append: (events, options) =>
    Effect.map(storage.append(events, options), (result) => {
      if (result._tag === "Accepted") events.forEach(record)
      return result
    })
})

const toAnswer = (failure: Recorder.Failure | undefined): Effect.Effect<Transport.Answer, TransportError> => {
  if (failure === undefined) return Effect.succeed({ status: 200, headers: {}, body: "{\"code\":200}" })
  if ("_tag" in failure) return Effect.fail(failure)
  const { body, headers, status } = failure
  return Effect.succeed({
    status,
    headers: lowerCase(headers ?? {}),
    body: body === undefined ? "" : Predicate.isString(body) ? body : JSON.stringify(body)
  })
}

const lowerCase = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

const ofType = (events: ReadonlyArray<Event>, event_type: string): ReadonlyArray<Event> =>
  events.filter((event) => event.event_type === event_type)

const decodeOf = ({ schema }: Event.Definition<string, {}>): (event: Event) => Effect.Effect<Event> => {
  const decode = ParseResult.decodeUnknownEither(schema, { onExcessProperty: "error" })
  return (event) =>
    Either.match(decode(event.event_properties ?? {}), {
      onLeft: (issue) => {
        const { actual, expected, path } = validationIssueOf(issue, "event_properties")
        return Effect.die(new InvalidEvent({ field: path, expected, actual }))
      },
      onRight: (event_properties) => Effect.succeed(unsafeMake({ ...event, event_properties }))
    })
}

const subjectOf = ({ device_id, user_id }: Event): Recorder.Subject => ({
  ...(user_id === undefined ? undefined : { user_id }),
  ...(device_id === undefined ? undefined : { device_id })
})

const groupsOf = (event: Event): ReadonlyArray<Recorder.Grouped> =>
  Object.entries(event.groups ?? {}).map(([groupType, groupName]) => ({ ...subjectOf(event), groupType, groupName }))

/**
 * `setGroup` makes an `$identify` event as well. Its user properties are its groups, while those of `identify` with
 * groups as an option are others.
 */
const isSetGroup = ({ event_type, groups, user_properties }: Event): boolean =>
  event_type === "$identify" && groups !== undefined &&
  (user_properties === undefined || JSON.stringify(user_properties) === JSON.stringify({ $set: groups }))

const readIdentify = (event: Event): ReadonlyArray<Recorder.Identified> =>
  event.event_type === "$identify" && !isSetGroup(event)
    ? [{ ...subjectOf(event), operations: event.user_properties ?? {} }]
    : []

const readGroups = (event: Event): ReadonlyArray<Recorder.Grouped> => isSetGroup(event) ? groupsOf(event) : []

const readGroupIdentify = (event: Event): ReadonlyArray<Recorder.GroupIdentified> =>
  event.event_type === "$groupidentify"
    ? groupsOf(event).map((group) => ({ ...group, operations: event.group_properties ?? {} }))
    : []

const saleFields: ReadonlySet<string> = new Set([
  "$price",
  "$quantity",
  "$productId",
  "$revenueType",
  "$receipt",
  "$receiptSig",
  "$revenue",
  "$currency"
])

const readRevenue = (event: Event): ReadonlyArray<Recorder.Sale> => {
  if (event.event_type !== "revenue_amount") return []
  const all = Object.entries(event.event_properties ?? {})
  const fields = all.filter(([name]) => saleFields.has(name)).map(([name, value]) => [name.slice(1), value])
  const others = all.filter(([name]) => !saleFields.has(name))
  return [{
    ...subjectOf(event),
    ...(Object.fromEntries(fields) as Revenue.Input & { readonly quantity: number }),
    ...(others.length === 0 ? undefined : { properties: Object.fromEntries(others) })
  }]
}

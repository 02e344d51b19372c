/**
 * The client in tests: it checks events as the live one does, records them and sends nothing.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { Amplitude } from "./Amplitude.js"
import { AmplitudeConfig } from "./AmplitudeConfig.js"
import type { InvalidConfig, TransportError } from "./AmplitudeError.js"
import { AmplitudeLogger } from "./AmplitudeLogger.js"
import type { DeliveryReport } from "./DeliveryReport.js"
import type { Event } from "./Event.js"
import { fromJson } from "./Event.js"
import type { EventStorage } from "./EventStorage.js"
import * as Client from "./internal/client.js"
import { InsertId, sequential } from "./internal/insertId.js"
import * as Memory from "./internal/memory.js"
import type { Transport } from "./Transport.js"

/**
 * What the client of a test has recorded, and what its requests are answered with.
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
   * The accepted events, in order, as soon as they are tracked.
   *
   * @since 0.1.0
   */
  static readonly events: Effect.Effect<ReadonlyArray<Event>, never, Recorder> = Effect.flatMap(
    Recorder,
    (recorder) => recorder.events
  )

  /**
   * The reports so far.
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
   * Answers the next requests, `times` of them, with an error of the transport or an answer of the service; those after
   * them succeed again.
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
   * The client and its recorder, with any option of the live one.
   *
   * @since 0.1.0
   * @example
   * import { Recorder } from "effect-amplitude"
   *
   * const lenient = Recorder.layer({ lenient: true, optOut: true })
   */
  static layer(options?: Recorder.Options): Layer.Layer<Amplitude | Recorder, InvalidConfig> {
    return Layer.fresh(Layer.scopedContext(make(options ?? {})))
  }
}

/**
 * @since 0.1.0
 */
export declare namespace Recorder {
  /**
   * What a request can fail with: the transport's error, or an answer. A `body` that is not a string is sent as JSON.
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
   * The options of the live client; none is required.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Options extends Partial<AmplitudeConfig.Options> {
    /** Reports an invalid event as the live client does. Default false: it is a defect of the call. */
    readonly lenient?: boolean | undefined
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    readonly events: Effect.Effect<ReadonlyArray<Event>>
    readonly reports: Effect.Effect<ReadonlyArray<DeliveryReport>>
    readonly clear: Effect.Effect<void>
    readonly failWith: (failure: Failure, times?: number) => Effect.Effect<void>
  }
}

/**
 * The client for tests. An invalid event is a defect of the call, so that a test fails where the mistake is; `insert_id`s
 * count from `00000000-0000-4000-8000-000000000001`, and times are those of the clock: under `TestClock` a whole payload
 * can be compared. Each build of the layer is fresh.
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
    const failures: Array<Recorder.Failure> = []
    const config = yield* AmplitudeConfig.make({ apiKey: "test-api-key", ...options })
    const client = yield* Client.make({
      config,
      storage: recording(Memory.make(config), (json) => events.push(fromJson(json))),
      transport: { send: () => Effect.suspend(() => toAnswer(failures.shift())) },
      logger: yield* AmplitudeLogger
    }, {
      invalidIsDefect: lenient !== true,
      observer: (report) => reports.push(report)
    }).pipe(Effect.catchTag("PluginError", (error) => Effect.fail(Client.toInvalidConfig(error))))
    return Context.make(Amplitude, client).pipe(Context.add(Recorder, {
      events: Effect.sync(() => events.slice()),
      reports: Effect.sync(() => reports.slice()),
      clear: Effect.sync(() => {
        events.length = reports.length = 0
      }),
      failWith: (failure, times = 1) =>
        Effect.sync(() => {
          failures.push(...Array.from({ length: times }, () => failure))
        })
    }))
  }).pipe(
    Effect.provideServiceEffect(InsertId, Effect.sync(sequential)),
    Effect.provide(AmplitudeLogger.layerEffect)
  )
}

/** A storage that shows what it has accepted. */
const recording = (storage: EventStorage.Service, record: (json: string) => void): EventStorage.Service => ({
  ...storage,
  append: (event) =>
    Effect.map(storage.append(event), (dropped) => {
      if (!dropped.some(({ id }) => id === event.id)) record(event.json)
      return dropped
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

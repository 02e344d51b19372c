/** The client that sends the events of a backfill. With another transport it only checks them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Amplitude } from "../../Amplitude.js"
import { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { TrackError } from "../../AmplitudeError.js"
import { AmplitudeLogger } from "../../AmplitudeLogger.js"
import type { DeliveryReport } from "../../DeliveryReport.js"
import type { Event } from "../../Event.js"
import { EventStorage } from "../../EventStorage.js"
import { Transport } from "../../Transport.js"
import type { CliFailure } from "./failure.js"
import { failed, usage } from "./failure.js"
import type { Fields } from "./input.js"
import type { Reason } from "./reasons.js"
import * as Reasons from "./reasons.js"
import { faultsOf } from "./rules.js"

export interface Options {
  readonly apiKey: string
  readonly serverUrl: string
  readonly minIdLength: number | undefined
  readonly transport: Layer.Layer<Transport>
  /** The most events without an outcome. */
  readonly capacity: number
  readonly onReport: (report: DeliveryReport) => Effect.Effect<void>
  readonly onRetry: (input: AmplitudeConfig.RetryInput) => Effect.Effect<void>
}

export const make = (options: Options): Effect.Effect<Amplitude.Client, CliFailure, Scope.Scope> =>
  Amplitude.layerServices.pipe(
    Layer.provide([EventStorage.layerMemory, options.transport, AmplitudeLogger.layerNone]),
    Layer.provide(AmplitudeConfig.layer({
      apiKey: options.apiKey,
      serverUrl: options.serverUrl,
      useBatch: true,
      minIdLength: options.minIdLength,
      flushQueueSize: 500,
      flushInterval: "250 millis",
      flushConcurrency: 4,
      requestTimeout: "30 seconds",
      shutdownTimeout: "5 seconds",
      retrySchedule: AmplitudeConfig.defaults.retrySchedule.pipe(Schedule.tapInput(options.onRetry)),
      // one more than the most events, so that the client never waits and never drops
      bufferCapacity: options.capacity + 1,
      overflow: "suspend",
      callback: options.onReport
    })),
    Layer.build,
    Effect.map((context) => Context.get(context, Amplitude)),
    Effect.mapError((error) => usage(error.message))
  )

/** A transport that sends nothing and accepts every event. */
export const acceptAll: Layer.Layer<Transport> = Layer.succeed(Transport, {
  send: () => Effect.succeed({ status: 200, headers: {}, body: `{"code":200}` })
})

/** Why the client refuses an event. The rules of the service come first, since they find every fault. */
export const refusalOf = (
  error: TrackError,
  event: Fields | Event.Input,
  minIdLength: number | undefined
): Effect.Effect<ReadonlyArray<Reason>, CliFailure> => {
  if (error._tag !== "InvalidEvent") return Effect.fail(failed(error.message))
  const reasons = faultsOf(event as Fields, 0, minIdLength)
  return Effect.succeed(reasons.length > 0 ? reasons : [Reasons.ofInvalidEvent(error)])
}

/** Finds why an event would not be sent. The list is empty if it would be sent. */
export type Checker = (event: Fields) => Effect.Effect<ReadonlyArray<Reason>, CliFailure>

/** Makes a checker that uses a client, so that it checks as sending does. */
export const makeChecker = (minIdLength: number | undefined): Effect.Effect<Checker, CliFailure, Scope.Scope> =>
  Effect.map(
    make({
      apiKey: "none",
      serverUrl: "http://127.0.0.1/batch",
      minIdLength,
      transport: acceptAll,
      capacity: 10_000,
      onReport: () => Effect.void,
      onRetry: () => Effect.void
    }),
    (client): Checker => (event) =>
      Effect.flatMap(
        Effect.either(client.trackOrFail(event as unknown as Event.Input)),
        (tracked) => Either.isRight(tracked) ? Effect.succeed([]) : refusalOf(tracked.left, event, minIdLength)
      )
  )

/**
 * What became of an event: every event that a client was handed ends in one report, or in the typed failure of the call
 * that handed it over. Reports reach the `callback` option, the `deliveries` stream and `trackAndWait`.
 *
 * @since 0.1.0
 */
import * as Inspectable from "effect/Inspectable"
import * as Event from "./Event.js"

/**
 * Why an event was dropped.
 *
 * - `Rejected`: the service refused it, and would again
 * - `InvalidApiKey`: the service does not know the API key
 * - `Silenced`: the project silences this device
 * - `QuotaExceeded`: the user or the device is over its daily quota
 * - `PayloadTooLarge`: too large for a request even alone
 * - `RetriesExhausted`: `flushMaxRetries` retries got no answer that settles it
 * - `BufferFull`: dropped by the `overflow` policy
 * - `Invalid`: refused before it was taken, see `InvalidEvent`
 * - `Storage`: the storage could not take it
 * - `Closed`: the client was shut down before the call
 * - `Plugin`: a plugin dropped it, or failed
 * - `OptedOut`: the client is opted out
 * - `Shutdown`: still waiting when `shutdownTimeout` was over
 *
 * @since 0.1.0
 * @category models
 */
export const reasons = [
  "Rejected",
  "InvalidApiKey",
  "Silenced",
  "QuotaExceeded",
  "PayloadTooLarge",
  "RetriesExhausted",
  "BufferFull",
  "Invalid",
  "Storage",
  "Closed",
  "Plugin",
  "OptedOut",
  "Shutdown"
] as const

/**
 * @since 0.1.0
 * @category models
 */
export type Reason = typeof reasons[number]

/**
 * @since 0.1.0
 * @category models
 */
export type DeliveryReport = Delivered | Dropped

/** What both kinds of report share. The event is decoded from its JSON when it is first read. */
abstract class Report<E> extends Inspectable.Class {
  /** The HTTP status of the answer that settled the event; 0 where there was none. */
  readonly code: number
  readonly message: string
  /** How many requests carried the event. */
  readonly attempts: number
  #json: string | undefined
  #event: E | undefined

  constructor(settled: Settled<E>) {
    super()
    this.code = settled.code
    this.message = settled.message
    this.attempts = settled.attempts
    this.#json = settled.json
    this.#event = settled.event
  }

  abstract readonly _tag: string

  /** The event, as it was sent. */
  get event(): E {
    if (this.#json !== undefined) {
      this.#event = Event.fromJson(this.#json) as E
      this.#json = undefined
    }
    return this.#event as E
  }

  toJSON(): unknown {
    return {
      _id: "DeliveryReport",
      _tag: this._tag,
      code: this.code,
      message: this.message,
      attempts: this.attempts,
      event: this.event
    }
  }
}

/** How a report is made: from the encoded event, or from an event that was never encoded. */
interface Settled<E> {
  readonly code: number
  readonly message: string
  readonly attempts: number
  readonly json?: string
  readonly event?: E
}

/**
 * The service took the event.
 *
 * @since 0.1.0
 * @category models
 */
export class Delivered extends Report<Event.Event> {
  /**
   * @since 0.1.0
   */
  readonly _tag = "Delivered"
}

/**
 * The event was given up, for `reason`. Its `event` is what was sent or would have been; where the reason is `Invalid`,
 * it is what was given, unchecked.
 *
 * @since 0.1.0
 * @category models
 */
export class Dropped extends Report<Event.Event.Input> {
  /**
   * @since 0.1.0
   */
  readonly _tag = "Dropped"
  /**
   * @since 0.1.0
   */
  readonly reason: Reason

  constructor(settled: Settled<Event.Event.Input> & { readonly reason: Reason }) {
    super(settled)
    this.reason = settled.reason
  }

  /**
   * @since 0.1.0
   */
  override toJSON(): unknown {
    return { ...super.toJSON() as object, reason: this.reason }
  }
}

/**
 * @since 0.1.0
 * @category refinements
 * @example
 * import { DeliveryReport } from "effect-amplitude"
 *
 * const lost = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>) => reports.filter(DeliveryReport.isDropped)
 */
export const isDropped = (u: unknown): u is Dropped => u instanceof Dropped

/**
 * @since 0.1.0
 * @category refinements
 * @example
 * import { DeliveryReport } from "effect-amplitude"
 *
 * const arrived = (reports: ReadonlyArray<DeliveryReport.DeliveryReport>) => reports.filter(DeliveryReport.isDelivered)
 */
export const isDelivered = (u: unknown): u is Delivered => u instanceof Delivered

/**
 * The report of an event's outcome. Every event ends in exactly one report, or in the typed failure of the call that
 * tracked it. Reports reach the `callback` option, the `deliveries` stream and `trackAndWait`.
 *
 * @since 0.1.0
 */
import * as Inspectable from "effect/Inspectable"
import * as Event from "./Event.js"

/**
 * The reasons why events are dropped.
 *
 * - `Rejected`: the service refused the event, and would refuse it again
 * - `InvalidApiKey`: the service does not know the API key
 * - `Silenced`: the project silences this device
 * - `QuotaExceeded`: the user or the device is over its daily quota
 * - `PayloadTooLarge`: the event alone is too large for a request
 * - `RetriesExhausted`: after `flushMaxRetries` retries there was still no answer that decides the outcome
 * - `BufferFull`: the `overflow` policy dropped the event
 * - `Invalid`: the client found a fault in the event, see `InvalidEvent`
 * - `Storage`: the storage could not take the event
 * - `Closed`: the client was shut down before the call
 * - `Plugin`: a plugin dropped the event, or failed
 * - `OptedOut`: the client is opted out
 * - `Shutdown`: the event was still waiting when `shutdownTimeout` was over
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

/** The base of both kinds of report. The event is decoded from its JSON when it is first read. */
abstract class Report<E> extends Inspectable.Class {
  /** The HTTP status of the answer that decided the outcome, or 0 without an answer. */
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

/** The fields of a report. The event is given as its JSON, or as it is if it was never encoded. */
interface Settled<E> {
  readonly code: number
  readonly message: string
  readonly attempts: number
  readonly json?: string
  readonly event?: E
}

/**
 * The report of an event that the service took.
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
 * The report of an event that was dropped, with the `reason`. `event` is the event as it was sent, or would have been
 * sent. With the reason `Invalid`, it is the unchecked value that was tracked.
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

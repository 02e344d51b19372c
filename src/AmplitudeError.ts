/**
 * The errors of the library. Every error is a `Schema.TaggedError` whose `_tag` is its name. Its `message` names the
 * field, the option, the plugin or the operation of the storage, and says what was expected. No error holds the API key
 * or the value of a property.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as DeliveryReport from "./DeliveryReport.js"
import type { Event } from "./Event.js"

/**
 * An event that Amplitude would refuse. The client found the fault before it accepted the event.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidEvent extends Schema.TaggedError<InvalidEvent>("effect-amplitude/InvalidEvent")("InvalidEvent", {
  /** The path of the wrong value, for example `event_properties.items[2].price`. */
  field: Schema.String,
  expected: Schema.String,
  /** The kind of the value that was found, never the value itself. */
  actual: Schema.String
}) {
  /**
   * @since 0.1.0
   */
  override get message(): string {
    return `${this.field}: expected ${this.expected}, got ${this.actual}`
  }
}

/**
 * The storage holds `bufferCapacity` events, and the `overflow` policy takes no other one.
 *
 * @since 0.1.0
 * @category errors
 */
export class BufferFull extends Schema.TaggedError<BufferFull>("effect-amplitude/BufferFull")("BufferFull", {
  capacity: Schema.Number
}) {
  /**
   * @since 0.1.0
   */
  override get message(): string {
    return `bufferCapacity: expected room for another event, ${this.capacity} are waiting`
  }
}

/**
 * An operation of the event storage that failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class StorageError extends Schema.TaggedError<StorageError>("effect-amplitude/StorageError")("StorageError", {
  /** The method of `EventStorage` that failed. */
  operation: Schema.optionalWith(Schema.String, { default: () => "append" }),
  message: Schema.optionalWith(Schema.String, { default: () => "the event storage failed" }),
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * A call of a client that is shut down.
 *
 * @since 0.1.0
 * @category errors
 */
export class AmplitudeClosed
  extends Schema.TaggedError<AmplitudeClosed>("effect-amplitude/AmplitudeClosed")("AmplitudeClosed", {})
{
  /**
   * @since 0.1.0
   */
  override get message(): string {
    return "the Amplitude client is shut down: expected the call before its scope closed"
  }
}

/**
 * The errors of `trackOrFail`: why the client did not accept the event.
 *
 * @since 0.1.0
 * @category errors
 */
export type TrackError = InvalidEvent | BufferFull | StorageError | AmplitudeClosed

/**
 * An option with a value that cannot be used.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidConfig
  extends Schema.TaggedError<InvalidConfig>("effect-amplitude/InvalidConfig")("InvalidConfig", {
    /** The name of the option, for example `flushInterval`. */
    option: Schema.String,
    expected: Schema.String,
    actual: Schema.String
  })
{
  /**
   * @since 0.1.0
   */
  override get message(): string {
    return `${this.option}: expected ${this.expected}, got ${this.actual}`
  }
}

/**
 * A request without a whole answer: it could not be sent, the connection broke, or the answer did not arrive in time.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportError
  extends Schema.TaggedError<TransportError>("effect-amplitude/TransportError")("TransportError", {
    /**
     * - `Connection`: there was no connection, or it broke before the answer began
     * - `Incomplete`: the answer began and did not arrive whole
     * - `Timeout`: the answer did not arrive within `requestTimeout`
     *
     * A transport of your own may use other reasons.
     */
    reason: Schema.optionalWith(Schema.String, { default: () => "Connection" }),
    message: Schema.optionalWith(Schema.String, { default: () => "the request got no answer" }),
    cause: Schema.optional(Schema.Defect)
  })
{}

/**
 * A plugin that could not be added: its name is taken, or its `setup` failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class PluginError extends Schema.TaggedError<PluginError>("effect-amplitude/PluginError")("PluginError", {
  /** The name of the plugin. */
  plugin: Schema.String,
  message: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {}

const Dropped: Schema.Schema<DeliveryReport.Dropped, DroppedEncoded> = Schema.transform(
  Schema.Struct({
    _tag: Schema.Literal("Dropped"),
    code: Schema.Number,
    message: Schema.String,
    attempts: Schema.Number,
    reason: Schema.Literal(...DeliveryReport.reasons),
    event: Schema.Unknown
  }),
  Schema.declare(DeliveryReport.isDropped, { identifier: "Dropped" }),
  {
    strict: true,
    decode: ({ event, ...settled }) => new DeliveryReport.Dropped({ ...settled, event: event as Event.Input }),
    encode: ({ attempts, code, event, message, reason }) => ({
      _tag: "Dropped" as const,
      code,
      message,
      attempts,
      reason,
      event
    })
  }
)

/**
 * A report as the fields of JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface DroppedEncoded {
  readonly _tag: "Dropped"
  readonly code: number
  readonly message: string
  readonly attempts: number
  readonly reason: DeliveryReport.Reason
  readonly event: unknown
}

/**
 * An event of `trackAndWait` that was accepted and not delivered.
 *
 * @since 0.1.0
 * @category errors
 */
export class DeliveryError
  extends Schema.TaggedError<DeliveryError>("effect-amplitude/DeliveryError")("DeliveryError", {
    /**
     * The reason of the report, or one of these:
     *
     * - `Stored`: the client was shut down with the event still in its durable storage; the next process sends it
     * - `Elsewhere`: another process that shares the storage acknowledged the event
     */
    reason: Schema.Literal(...DeliveryReport.reasons, "Stored", "Elsewhere"),
    /** The report of the event. `Stored` and `Elsewhere` have none. */
    report: Schema.optional(Dropped),
    message: Schema.String
  })
{}

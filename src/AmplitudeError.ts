/**
 * Every error of the library. All are `Schema.TaggedError`s: their `_tag` is their name, their `message` names the
 * field (or the option, the plugin, the storage's operation) and what was expected. None ever holds the API key or the
 * value of a property.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as DeliveryReport from "./DeliveryReport.js"

/**
 * An event that the service would refuse, found before it was taken.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidEvent extends Schema.TaggedError<InvalidEvent>("effect-amplitude/InvalidEvent")("InvalidEvent", {
  /** The path of what is wrong, for example `event_properties.items[2].price`. */
  field: Schema.String,
  expected: Schema.String,
  /** The kind of thing found there, never the value. */
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
 * The storage holds `bufferCapacity` events and the overflow policy does not take another one.
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
 * A storage that failed to do what it was asked.
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
 * The client was shut down before the call.
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
 * Why a call could not hand its event to the client.
 *
 * @since 0.1.0
 * @category errors
 */
export type TrackError = InvalidEvent | BufferFull | StorageError | AmplitudeClosed

/**
 * A setting that cannot be used.
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
 * A request that got no whole answer: it could not be sent, the connection broke, or the answer did not arrive in time.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportError
  extends Schema.TaggedError<TransportError>("effect-amplitude/TransportError")("TransportError", {
    /**
     * - `Connection`: no connection, or it broke before an answer began
     * - `Incomplete`: the answer began and did not arrive whole
     * - `Timeout`: the answer was not there within `requestTimeout`
     *
     * A transport of your own may have others.
     */
    reason: Schema.optionalWith(Schema.String, { default: () => "Connection" }),
    message: Schema.optionalWith(Schema.String, { default: () => "the request got no answer" }),
    cause: Schema.optional(Schema.Defect)
  })
{}

/**
 * A plugin that cannot be added: its name is taken, or its `setup` failed.
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

/**
 * The event was taken but not delivered, seen by `trackAndWait`.
 *
 * @since 0.1.0
 * @category errors
 */
export class DeliveryError
  extends Schema.TaggedError<DeliveryError>("effect-amplitude/DeliveryError")("DeliveryError", {
    /**
     * The reason of the report; or `Stored`: the client shut down with the event still in its durable storage, for the
     * next process to send; or `Elsewhere`: another process that shares the storage acknowledged it.
     */
    reason: Schema.Literal(...DeliveryReport.reasons, "Stored", "Elsewhere"),
    /** The one report of the event; `Stored` and `Elsewhere` have none here. */
    report: Schema.optional(Schema.declare(DeliveryReport.isDropped)),
    message: Schema.String
  })
{}

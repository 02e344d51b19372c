/**
 * Where accepted events wait until they are acknowledged. A storage knows events as encoded records; which event may
 * leave together with which other one is its business as well, because several processes can share one storage.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AmplitudeConfig } from "./AmplitudeConfig.js"
import type { BufferFull, StorageError } from "./AmplitudeError.js"
import * as Memory from "./internal/storage/memory.js"

/**
 * @since 0.1.0
 * @category tags
 */
export class EventStorage extends Context.Tag("effect-amplitude/EventStorage")<EventStorage, EventStorage.Service>() {
  /**
   * Keeps events in memory, each at constant cost; they end with the process. Capacity and overflow policy are those of
   * the live settings.
   *
   * @since 0.1.0
   */
  static readonly layerMemory: Layer.Layer<EventStorage, never, AmplitudeConfig> = Layer.effect(
    EventStorage,
    Effect.map(AmplitudeConfig, Memory.make)
  )
}

/**
 * @since 0.1.0
 */
export declare namespace EventStorage {
  /**
   * An encoded event.
   *
   * @since 0.1.0
   * @category models
   */
  export interface EncodedEvent {
    /** Unique among all events of all clients that share the storage. */
    readonly id: string
    /** Events of one lane leave in the order in which they were appended. */
    readonly lane: string
    /** The event as it is sent. */
    readonly json: string
    /** How many requests have carried the event. */
    readonly attempts: number
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface LeaseOptions {
    /** The most events. */
    readonly count: number
    /** The most bytes of their JSON in UTF-8, each with one more for its comma; a first event is leased whatever its size. */
    readonly bytes: number
    /** How long the events are this client's, unless it renews, acknowledges or releases them. */
    readonly ttl: Duration.Duration
    /** Takes events whose pause is not over as well: for a client that ends. Default false. */
    readonly paused?: boolean | undefined
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface ReleaseOptions {
    /** When the events may be leased again, in milliseconds since the epoch; 0 is at once. Until then their lanes wait. */
    readonly notBefore: number
    /** The new count of the requests that have carried the events. */
    readonly attempts: number
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Takes an event, or does what the overflow policy says, and answers what that dropped (under `dropNewest` the event
     * itself). It is called uninterruptibly: a storage that waits for room makes that wait interruptible.
     */
    readonly append: (event: EncodedEvent) => Effect.Effect<ReadonlyArray<EncodedEvent>, BufferFull | StorageError>
    /**
     * Hands out events in the order in which they were appended, passing over each lane that has an earlier event which
     * is leased or paused. Answers none where there is nothing to hand out.
     */
    readonly lease: (options: LeaseOptions) => Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError>
    /** Keeps leased events for another `ttl`. */
    readonly renew: (ids: ReadonlyArray<string>, ttl: Duration.Duration) => Effect.Effect<void, StorageError>
    /** Forgets leased events that have their outcome; answers the ids that were still held. */
    readonly acknowledge: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, StorageError>
    /** Gives leased events back to their place. */
    readonly release: (ids: ReadonlyArray<string>, options: ReleaseOptions) => Effect.Effect<void, StorageError>
    /**
     * Drops what the capacity of the settings no longer holds, as the overflow policy says (nothing under `suspend` and
     * `fail`), and answers what it dropped. Without it that happens with the next `append`.
     */
    readonly trim?: Effect.Effect<ReadonlyArray<EncodedEvent>> | undefined
    /** How many events are held, leased ones included. */
    readonly size: Effect.Effect<number, StorageError>
    /**
     * Completes when there may be something to lease that this client neither appended nor released: a commit, an expired
     * lease, another process. `Effect.never` where that cannot happen; its timer keeps a process alive until the client is
     * closed, as `Effect.async(() => {})` does not.
     */
    readonly wake: Effect.Effect<void, StorageError>
    /** Whether other processes use the same storage at the same time. */
    readonly shared: boolean
    /** Whether events survive the process. */
    readonly durable: boolean
  }
}

/**
 * Where accepted events wait until they have their outcome.
 *
 * A storage knows events as encoded records. It decides which events may be sent together, because several clients and
 * several processes can share one storage. It knows no settings and no overflow policy: both are the client's.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { StorageError } from "./AmplitudeError.js"
import * as Memory from "./internal/storage/memory.js"

/**
 * The storage of a client.
 *
 * @since 0.1.0
 * @category tags
 */
export class EventStorage extends Context.Tag("effect-amplitude/EventStorage")<EventStorage, EventStorage.Service>() {
  /**
   * Keeps events in memory: they end with the process. Each operation costs the same for the first event and the
   * millionth.
   *
   * @since 0.1.0
   */
  static readonly layerMemory: Layer.Layer<EventStorage> = Layer.effect(EventStorage, Memory.make)
}

/**
 * @since 0.1.0
 */
export declare namespace EventStorage {
  /**
   * An event as it is stored and sent. `clientId` and `sequence` together identify it.
   *
   * @since 0.1.0
   * @category models
   */
  export interface EncodedEvent {
    /** The client that accepted the event: unique among all clients that share the storage. */
    readonly clientId: string
    /** Increases in the order in which that client accepted its events. */
    readonly sequence: number
    /** Events of one lane leave in the order in which they were appended. */
    readonly lane: string
    /**
     * The event's JSON is the UTF-8 from `start` to `end`. Events that lie side by side in one buffer, with a comma
     * between them, are sent in one piece. The bytes never change.
     */
    readonly buffer: Uint8Array
    readonly start: number
    readonly end: number
    /** How many requests have carried the event. */
    readonly attempts: number
    /** How many retries were counted for the event. It survives the process where events do. */
    readonly retries: number
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface AppendOptions {
    /** The most events that the storage may hold, leased ones included. */
    readonly capacity: number
    /** What happens when there is no room: the storage takes none of the events, or drops its oldest ones. */
    readonly whenFull: "refuse" | "evictOldest"
    /**
     * Whether the caller waits for the outcome of the events. Inside a transaction of the caller it would wait for its own
     * commit: there `append` fails with `StorageError` at once, and stores nothing. Default false.
     */
    readonly isAwaited?: boolean | undefined
  }

  /**
   * - `Accepted`: the events are stored; `evicted` are those that were dropped to make room, which can be among them
   * - `AcceptedOnCommit`: they are stored when the transaction of the caller commits
   * - `Refused`: there was no room; none of them is stored. Inside a transaction nobody waits for room, which would hold
   *   the transaction open
   *
   * @since 0.1.0
   * @category models
   */
  export type AppendResult =
    | { readonly _tag: "Accepted"; readonly evicted: ReadonlyArray<EncodedEvent> }
    | { readonly _tag: "AcceptedOnCommit" }
    | { readonly _tag: "Refused"; readonly inTransaction?: boolean | undefined }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface LeaseOptions {
    readonly maxEvents: number
    /** The most bytes of JSON, one more for the comma of each event. The first event is leased whatever its size. */
    readonly maxBytes: number
    /** Whether events that are paused are leased as well: for a client that ends. Default false. */
    readonly includePaused?: boolean | undefined
  }

  /**
   * Events that belong to one client until its scope closes. Then those that were neither acknowledged nor released go
   * back as they were.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Lease {
    readonly events: NonEmptyReadonlyArray<EncodedEvent>
    /** Forgets events that have their outcome, and answers those that were still ours. */
    readonly acknowledge: (
      events: ReadonlyArray<EncodedEvent>,
      options?: AcknowledgeOptions
    ) => Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError>
    /** Gives events back to their places. Those that are no longer ours are left alone. */
    readonly release: (
      events: ReadonlyArray<EncodedEvent>,
      options: ReleaseOptions
    ) => Effect.Effect<void, StorageError>
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface AcknowledgeOptions {
    /** Why the events were dropped. Undefined for events that were delivered. A storage can keep it, and need not. */
    readonly dropped?: Dropped | undefined
  }

  /**
   * Why events were dropped, as their reports say it.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Dropped {
    readonly reason: string
    readonly code: number
    readonly message: string
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface ReleaseOptions {
    /**
     * When the events may be leased again, in milliseconds since the epoch by the `Clock` of the caller; 0 is at once.
     * Until then later events of their lanes wait behind them. A storage turns it into a span of time at once, so that
     * a clock that is set later changes nothing.
     */
    readonly notBefore: number
    /** Added to the `attempts` of each event. */
    readonly attempts: number
    /** Added to the `retries` of each event. */
    readonly retries: number
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface EvictOptions {
    /** How many events stay at the most, leased ones included. Leased events are never evicted. */
    readonly keep: number
    readonly from: "oldest" | "newest"
  }

  /**
   * @since 0.1.0
   * @category models
   */
  export interface CountOptions {
    readonly clientId: string
    /** Events of that client with a greater sequence do not count. */
    readonly upTo: number
  }

  /**
   * What a storage does. An operation that fails has changed nothing.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** Takes all of the events, or none. They are of one client, in the order of their sequence. */
    readonly append: (
      events: NonEmptyReadonlyArray<EncodedEvent>,
      options: AppendOptions
    ) => Effect.Effect<AppendResult, StorageError>
    /**
     * Hands out events in the order in which they were appended, passing over each lane that has an earlier event which
     * is leased or paused. None where there is nothing to hand out.
     */
    readonly lease: (options: LeaseOptions) => Effect.Effect<Option.Option<Lease>, StorageError, Scope.Scope>
    /** Drops what is too many and not leased, and answers what it dropped. */
    readonly evict: (options: EvictOptions) => Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError>
    /** How many events are stored, leased and paused ones included: all, or those of one client. */
    readonly count: (of?: CountOptions) => Effect.Effect<number, StorageError>
    /**
     * Emits when there may be events to lease, or room, that is not this client's doing: a commit, an expired lease,
     * another client.
     */
    readonly changes: Stream.Stream<void, StorageError>
    /**
     * - `process`: events end with the process
     * - `exclusive`: they survive it, and one process at a time uses the storage
     * - `shared`: they survive it, and several processes use the storage at a time
     */
    readonly durability: "process" | "exclusive" | "shared"
  }
}

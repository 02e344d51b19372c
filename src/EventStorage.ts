/**
 * The storage of accepted events until they have their outcome.
 *
 * A storage holds encoded events. It decides which events may be sent together, because several clients and several
 * processes can share one storage. It knows no settings and no overflow policy: both belong to the client.
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
 * The storage of a client, as a service.
 *
 * @since 0.1.0
 * @category tags
 */
export class EventStorage extends Context.Tag("effect-amplitude/EventStorage")<EventStorage, EventStorage.Service>() {
  /**
   * Keeps events in memory: they end with the process. The cost of an operation does not depend on the number of
   * events. Every access to `layerMemory` gives a new layer, so that two projects in one graph of layers do not share
   * their events.
   *
   * @since 0.1.0
   */
  static get layerMemory(): Layer.Layer<EventStorage> {
    return Layer.effect(EventStorage, Memory.make)
  }
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
     * The JSON of the event is the UTF-8 from `start` up to `end`, which is excluded. Events that are adjacent in one
     * buffer, with a comma between them, are sent in one piece. The bytes never change.
     *
     * A storage around another one can store other bytes, for example encrypted ones, and restore them in `lease`, `evict` and
     * the `evicted` of `append`. In memory and in Redis they can be any bytes. `SqlEventStorage` refuses bytes that are no
     * UTF-8 or contain a zero: encode them there, for example as base64.
     */
    readonly buffer: Uint8Array
    readonly start: number
    readonly end: number
    /** How many requests have carried the event. */
    readonly attempts: number
    /** How many retries were counted for the event. A durable storage keeps the count across restarts. */
    readonly retries: number
  }

  /**
   * The options of `append`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface AppendOptions {
    /** The most events that the storage may hold, leased ones included. */
    readonly capacity: number
    /** What happens when the storage is full: it takes none of the new events, or drops its oldest ones. */
    readonly whenFull: "refuse" | "evictOldest"
    /**
     * Whether the caller waits for the outcome of the events. Inside its own transaction the caller would wait for its
     * own commit. There `append` fails with `StorageError` at once and stores nothing. Default false.
     */
    readonly isAwaited?: boolean | undefined
  }

  /**
   * The result of `append`.
   *
   * - `Accepted`: the events are stored. `evicted` are the events that were dropped to make room; new events can be
   *   among them
   * - `AcceptedOnCommit`: the events are stored when the transaction of the caller commits
   * - `Refused`: there was no room, and none of the events is stored. `inTransaction` tells the client not to wait for
   *   room, since waiting would hold the transaction of the caller open
   *
   * @since 0.1.0
   * @category models
   */
  export type AppendResult =
    | { readonly _tag: "Accepted"; readonly evicted: ReadonlyArray<EncodedEvent> }
    | { readonly _tag: "AcceptedOnCommit" }
    | { readonly _tag: "Refused"; readonly inTransaction?: boolean | undefined }

  /**
   * The options of `lease`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface LeaseOptions {
    /** The most events of the lease. It can be `Infinity`, as the bytes can. */
    readonly maxEvents: number
    /** The most bytes of JSON, plus one for the comma of each event. The first event is leased whatever its size. */
    readonly maxBytes: number
    /** Whether paused events are leased as well, for a client that shuts down. Default false. */
    readonly includePaused?: boolean | undefined
  }

  /**
   * Events that belong to one client until the scope of the lease closes. Events that were neither acknowledged nor
   * released then go back unchanged.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Lease {
    readonly events: NonEmptyReadonlyArray<EncodedEvent>
    /** Deletes events that have their outcome. The result holds those that still belonged to the lease. */
    readonly acknowledge: (
      events: ReadonlyArray<EncodedEvent>,
      options?: AcknowledgeOptions
    ) => Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError>
    /** Returns events to their places. Events that do not belong to the lease stay as they are. */
    readonly release: (
      events: ReadonlyArray<EncodedEvent>,
      options: ReleaseOptions
    ) => Effect.Effect<void, StorageError>
  }

  /**
   * The options of `acknowledge`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface AcknowledgeOptions {
    /** Why the events were dropped, or undefined if they were delivered. A storage may keep it. */
    readonly dropped?: Dropped | undefined
  }

  /**
   * Why events were dropped: the fields of their reports.
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
   * The options of `release`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface ReleaseOptions {
    /**
     * When the events may be leased again, in milliseconds since the epoch by the `Clock` of the caller. 0 means at
     * once. Until then the events are paused, and later events of their lanes wait. A storage converts it into a
     * duration when `release` is called, so that setting the wall clock later changes nothing.
     */
    readonly notBefore: number
    /** Added to the `attempts` of each event. */
    readonly attempts: number
    /** Added to the `retries` of each event. */
    readonly retries: number
  }

  /**
   * The options of `evict`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface EvictOptions {
    /** The most events that stay, leased ones included. Leased events are never evicted. */
    readonly keep: number
    readonly from: "oldest" | "newest"
  }

  /**
   * The options of `count`.
   *
   * @since 0.1.0
   * @category models
   */
  export interface CountOptions {
    /** Only events of this client count. */
    readonly clientId: string
    /** Events with a greater sequence do not count. */
    readonly upTo: number
  }

  /**
   * The operations of a storage. An operation that fails has changed nothing.
   *
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /**
     * Stores all of the events in their order, or none. Events of several clients can be in one call. An append that failed can
     * be made again. An event that is appended again while it is stored can be stored and sent twice, with the same
     * `insert_id`.
     */
    readonly append: (
      events: NonEmptyReadonlyArray<EncodedEvent>,
      options: AppendOptions
    ) => Effect.Effect<AppendResult, StorageError>
    /**
     * Leases events in the order in which they were appended. It passes over an event if an earlier event of its lane
     * is leased or paused. The result is none if no event can be leased.
     */
    readonly lease: (options: LeaseOptions) => Effect.Effect<Option.Option<Lease>, StorageError, Scope.Scope>
    /** Drops events that are not leased until `keep` are left. The result holds the dropped events. */
    readonly evict: (options: EvictOptions) => Effect.Effect<ReadonlyArray<EncodedEvent>, StorageError>
    /** The number of stored events, leased and paused ones included: of all clients, or of one. */
    readonly count: (of?: CountOptions) => Effect.Effect<number, StorageError>
    /**
     * Emits when there may be events to lease, or room, for a reason that this client does not know: a commit, an
     * expired lease, another client, or the end of a pause that began before this client. The client looks by itself for
     * events that an earlier process has left in an `exclusive` storage.
     */
    readonly changes: Stream.Stream<void, StorageError>
    /**
     * Whether events survive the process, and who uses the storage:
     *
     * - `process`: events end with the process
     * - `exclusive`: events survive the process, and one process at a time uses the storage
     * - `shared`: events survive the process, and several processes use the storage at the same time
     */
    readonly durability: "process" | "exclusive" | "shared"
  }
}

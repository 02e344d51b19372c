/**
 * Appends encoded events to the storage. If the storage is full, it applies the overflow policy, and holds the callers
 * that wait for room.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { TrackError } from "../../AmplitudeError.js"
import { AmplitudeClosed, BufferFull, StorageError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import { beginAtOnce, isExit } from "../beginAtOnce.js"
import type { Outstanding } from "../delivery/outstanding.js"
import type { Place } from "../event/jsonWriter.js"
import { currentFiber } from "../time.js"

type EncodedEvent = EventStorage.EncodedEvent

/** An encoded event without a sequence. */
export interface Unstored extends Place {
  readonly lane: string
}

export interface Dependencies<Event extends Unstored> {
  readonly config: AmplitudeConfig.Service
  readonly storage: EventStorage.Service
  readonly outstanding: Outstanding
  readonly clientId: string
  /** Wraps an effect that waits for room, which another client can make. */
  readonly whileWaiting: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Whether the client has ended, so that nothing would send a new event. */
  readonly hasEnded: () => boolean
  /** Called when the storage has accepted events. The call runs the result. */
  readonly onAccepted: (events: Arr.NonEmptyReadonlyArray<Event>) => Effect.Effect<void>
  /**
   * Called when an event is stored by a transaction of the caller. The result is called with the stored event if this client
   * learns that the transaction has committed.
   */
  readonly whenCommitted: (event: Event) => (stored: EncodedEvent) => void
  /** Called when events were dropped to make room. */
  readonly onEvicted: (events: ReadonlyArray<EncodedEvent>, capacity: number) => void
}

/** Makes an effect interruptible if the caller is. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Runs an effect in an uninterruptible region, as `Effect.uninterruptibleMask` does. */
export type Mask = <A, E, R>(effect: (restore: Restore) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** The mask inside an uninterruptible region. */
export const masked = (restore: Restore): Mask => (effect) => effect(restore)

export interface StoreOptions<Event extends Unstored, E> {
  /** Runs if the storage has not accepted the events. */
  readonly onError: (error: TrackError, events: Arr.NonEmptyReadonlyArray<Event>) => Effect.Effect<void, E>
  /** Whether the caller waits for the outcome. The events cannot be part of its transaction then. */
  readonly isAwaited: boolean
  /** Runs before each try to append, with the sequence of the first event. */
  readonly onSequence?: ((sequence: number) => void) | undefined
}

export interface Overflow<Event extends Unstored> {
  /**
   * Appends events, all or none. Events that the buffer cannot hold together are appended in parts. Call it, and run its
   * result, in an uninterruptible region, or within a single operation of the fiber while `isAtOnce` is true. `mask` makes
   * the waiting for room interruptible.
   */
  readonly store: <E>(
    events: Arr.NonEmptyReadonlyArray<Event>,
    options: StoreOptions<Event, E>,
    mask: Mask
  ) => Effect.Effect<void, E>
  /** Whether every append so far has completed at once. */
  readonly isAtOnce: () => boolean
  /** Called when there may be room. */
  readonly onRoom: () => void
  /** Called after a change of the settings. It drops the events over a lower `bufferCapacity`. */
  readonly onConfig: (before: AmplitudeConfig.Settings) => Effect.Effect<void>
  /** Refuses the callers that wait for room with `AmplitudeClosed`. */
  readonly close: () => void
}

/** A call of `store`. */
interface Call<Event extends Unstored, E> {
  readonly events: Arr.NonEmptyReadonlyArray<Event>
  readonly options: StoreOptions<Event, E>
  readonly mask: Mask
  /** Waits for room again, if the call has waited before. */
  readonly again: ((call: Call<Event, E>) => Effect.Effect<void, E>) | undefined
}

/** A caller that waits for room, and the latch that lets it try again. */
interface Waiting {
  readonly tryAgain: Effect.Latch
}

export const make = <Event extends Unstored>(deps: Dependencies<Event>): Overflow<Event> => {
  const { clientId, config, hasEnded, onAccepted, onEvicted, outstanding, storage, whenCommitted, whileWaiting } = deps
  /** The waiting callers in order. Only the first one tries, so that nobody overtakes. */
  const queue: Array<Waiting> = []
  let isClosing = false
  /** Whether every append so far has completed at once. Undefined before the first append. */
  let isAtOnce: boolean | undefined

  const suspends = (): boolean => config.unsafeSettings().overflow === "suspend"

  const append = <E>(call: Call<Event, E>): Effect.Effect<void, E> => {
    const { events, options } = call
    if (hasEnded()) return options.onError(new AmplitudeClosed(), events)
    const { bufferCapacity: capacity, overflow } = config.unsafeSettings()
    // `bufferCapacity` can have become smaller while the call waited
    if (events.length > capacity) return appendInParts(call, capacity)
    const sequenced = withSequences(events)
    options.onSequence?.(sequenced[0].sequence)
    const whenFull = overflow === "dropOldest" ? "evictOldest" : "refuse"
    const begun = beginAtOnce(() => storage.append(sequenced, { capacity, whenFull, isAwaited: options.isAwaited }))
    if (isExit(begun)) {
      isAtOnce ??= true
      return conclude(call, sequenced, capacity, begun)
    }
    const rest = Effect.map(Effect.exit(begun), (exit) => conclude(call, sequenced, capacity, exit))
    // the caller may have no uninterruptible region: an interruption after its operation would drop the rest. It can be
    // interrupted while it waits for room
    const run = isAtOnce === true ? inOwnFiber(rest) : rest
    isAtOnce = false
    return Effect.flatten(run)
  }

  /** Appends as many events at a time as the buffer can hold. */
  const appendInParts = <E>(call: Call<Event, E>, capacity: number): Effect.Effect<void, E> =>
    Effect.forEach(Arr.chunksOf(call.events, capacity), (events) => store({ ...call, events }), { discard: true })

  /** Appends events, behind the callers that wait. */
  const store = <E>(call: Call<Event, E>): Effect.Effect<void, E> =>
    call.again === undefined && queue.length > 0 && suspends() ? whenRoom(call) : append(call)

  /** Handles the answer of the storage. */
  const conclude = <E>(
    call: Call<Event, E>,
    sequenced: ReadonlyArray<EncodedEvent>,
    capacity: number,
    exit: Exit.Exit<EventStorage.AppendResult, StorageError>
  ): Effect.Effect<void, E> => {
    if (Exit.isFailure(exit)) {
      const left = call.events.filter((_, index) => outstanding.failed(sequenced[index]!.sequence))
      return Arr.isNonEmptyArray(left) ? call.options.onError(toStorageError(exit.cause), left) : Exit.void
    }
    const result = exit.value
    switch (result._tag) {
      case "Accepted":
        for (const { sequence } of sequenced) outstanding.accepted(sequence)
        if (result.evicted.length > 0) onEvicted(result.evicted, capacity)
        return onAccepted(call.events)
      case "AcceptedOnCommit":
        // the events are accepted when the transaction commits, which only the storage can see
        sequenced.forEach(({ sequence }, index) =>
          outstanding.acceptedOnCommit(sequence, whenCommitted(call.events[index]!))
        )
        return Exit.void
      case "Refused":
        // the events have their outcome if the client was shut down meanwhile
        return sequenced.filter(({ sequence }) => outstanding.notAccepted(sequence)).length > 0
          ? onRefused(call, result.inTransaction === true)
          : Exit.void
    }
  }

  const onRefused = <E>(call: Call<Event, E>, inTransaction: boolean): Effect.Effect<void, E> => {
    if (!suspends()) return bufferFull(call)
    if (call.again !== undefined) return call.again(call)
    return inTransaction ? bufferFull(call) : whenRoom(call)
  }

  const withSequence = (event: Event): EncodedEvent => ({
    clientId,
    sequence: outstanding.nextSequence(event),
    lane: event.lane,
    buffer: event.buffer,
    start: event.start,
    end: event.end,
    attempts: 0,
    retries: 0
  })

  const withSequences = (events: Arr.NonEmptyReadonlyArray<Event>): Arr.NonEmptyReadonlyArray<EncodedEvent> =>
    events.length === 1 ? [withSequence(events[0])] : Arr.map(events, withSequence)

  const leave = (waiting: Waiting): void => {
    const index = queue.indexOf(waiting)
    if (index >= 0) queue.splice(index, 1)
    if (index === 0) queue[0]?.tryAgain.unsafeOpen()
  }

  /** Waits behind the callers that wait already, and tries again whenever there may be room. */
  const whenRoom = <E>(call: Call<Event, E>): Effect.Effect<void, E> =>
    call.mask((restore) =>
      Effect.suspend(() => {
        const waiting: Waiting = { tryAgain: Effect.unsafeMakeLatch(false) }
        queue.push(waiting)
        const again = (call: Call<Event, E>): Effect.Effect<void, E> =>
          Effect.zipRight(
            restore(waiting.tryAgain.await),
            Effect.suspend(() => {
              if (isClosing) return call.options.onError(new AmplitudeClosed(), call.events)
              waiting.tryAgain.unsafeClose()
              return append({ ...call, again })
            })
          )
        // there may have been room, or the client may have closed, before this caller was in the queue
        if (queue[0] === waiting || isClosing) waiting.tryAgain.unsafeOpen()
        return whileWaiting(Effect.onExit(again(call), () => Effect.sync(() => leave(waiting))))
      })
    )

  const bufferFull = <E>({ events, options }: Call<Event, E>): Effect.Effect<void, E> =>
    options.onError(new BufferFull({ capacity: config.unsafeSettings().bufferCapacity }), events)

  return {
    store: (events, options, mask) => store({ events, options, mask, again: undefined }),
    isAtOnce: () => isAtOnce === true,
    onRoom: () => queue[0]?.tryAgain.unsafeOpen(),
    onConfig: (before) =>
      Effect.suspend(() => {
        const { bufferCapacity: capacity, overflow } = config.unsafeSettings()
        queue[0]?.tryAgain.unsafeOpen()
        // a client never evicts for another setting: other clients of the storage can have another `bufferCapacity`
        const mayBeOver = capacity < before.bufferCapacity || overflow !== before.overflow
        return mayBeOver && !hasEnded() && (overflow === "dropOldest" || overflow === "dropNewest")
          ? Effect.map(
            storage.evict({ keep: capacity, from: overflow === "dropOldest" ? "oldest" : "newest" }),
            (evicted) => onEvicted(evicted, capacity)
          )
          : Effect.void
      }).pipe(Effect.catchAllCause(() => Effect.void)),
    close: () => {
      isClosing = true
      for (const { tryAgain } of queue) tryAgain.unsafeOpen()
    }
  }
}

/** Runs an effect in a fiber that nobody interrupts, with the context and the fiber refs of the calling fiber. */
const inOwnFiber = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const caller = currentFiber()
  const runtime = Runtime.make({
    context: caller.currentContext,
    runtimeFlags: Runtime.defaultRuntimeFlags,
    fiberRefs: caller.getFiberRefs()
  })
  return Effect.uninterruptible(Fiber.join(Runtime.runFork(runtime, Effect.uninterruptible(effect))))
}

/** A defect of the storage counts as a failure. */
const toStorageError = (cause: Cause.Cause<StorageError>): StorageError => {
  const error = Cause.squash(cause)
  return error instanceof StorageError
    ? error
    : new StorageError({ operation: "append", message: "the event storage died", cause: error })
}

/**
 * Commits appends in groups. The appends that arrive while a group is committed form the next group.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scope from "effect/Scope"
import { StorageError } from "../../AmplitudeError.js"
import type { EventStorage } from "../../EventStorage.js"
import { afterTurn } from "../eventLoop.js"

type EncodedEvent = EventStorage.EncodedEvent

/**
 * A call of `append` that waits for its result. It is a class, since V8 can allocate object literals in the old space,
 * where they stay until a major garbage collection.
 */
export class Appending {
  readonly events: NonEmptyReadonlyArray<EncodedEvent>
  readonly options: EventStorage.AppendOptions
  private whenEnded: (exit: Exit.Exit<EventStorage.AppendResult, StorageError>) => void
  private hasEnded = false

  constructor(
    events: NonEmptyReadonlyArray<EncodedEvent>,
    options: EventStorage.AppendOptions,
    resume: (exit: Exit.Exit<EventStorage.AppendResult, StorageError>) => void
  ) {
    this.events = events
    this.options = options
    this.whenEnded = resume
  }

  /** Resumes the caller, or the one who waits for the end after an interruption. */
  end(exit: Exit.Exit<EventStorage.AppendResult, StorageError>): void {
    this.hasEnded = true
    this.whenEnded(exit)
  }

  /** Waits for the end in the place of the caller, which was interrupted. */
  get ended(): Effect.Effect<void> {
    return Effect.async((resume) => {
      // the interruption can come between the end and the next operation of the caller
      if (this.hasEnded) resume(Effect.void)
      else this.whenEnded = () => resume(Effect.void)
    })
  }
}

/** The most events and bytes of one group. A larger call is a group of its own. */
const maxEvents = 500
const maxBytes = 1_000_000

const closed = new StorageError({ operation: "append", message: "append: the storage is closed" })

/** `commit` stores a group and resumes each of its calls. It cannot be interrupted. */
export const make = (
  commit: (group: ReadonlyArray<Appending>) => Effect.Effect<void>
): Effect.Effect<EventStorage.Service["append"], never, Scope.Scope> =>
  Effect.gen(function*() {
    let waiting: Array<Appending> = []
    let isClosed = false
    /** Whether several callers were in the last group. */
    let areMany = false
    const arrived = Effect.unsafeMakeLatch(false)

    /** Ends the remaining calls when the storage closes. */
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        isClosed = true
        const left = waiting
        waiting = []
        for (const appending of left) appending.end(Exit.fail(closed))
        return Effect.void
      })
    )

    const next = Effect.zipRight(
      // other fibers that are ready can join the group, unless the group is full. A database in the process answers without a
      // turn of the event loop, for which callers of the last group may wait
      Effect.zipRight(
        arrived.await,
        Effect.suspend(() => waiting.length >= maxEvents ? Effect.void : areMany ? turn : Effect.yieldNow())
      ),
      Effect.suspend(() => {
        const group = takeGroup(waiting)
        areMany = group.length > 1
        waiting = waiting.slice(group.length)
        if (waiting.length === 0) arrived.unsafeClose()
        return group.length === 0 ? Effect.void : Effect.uninterruptible(commit(group))
      })
    )
    // the next group is sent before the callers of the last one resume
    const all = Effect.whileLoop({ while: () => true, body: () => next, step: () => {} })
    yield* Effect.forkScoped(Effect.interruptible(all))

    const cancel = (appending: Appending) =>
      Effect.suspend(() => {
        const others = waiting.filter((other) => other !== appending)
        const isUnderWay = others.length === waiting.length
        waiting = others
        // the result is known soon, so that an interruption waits for it
        return isUnderWay ? appending.ended : Effect.void
      })

    const add = (
      events: NonEmptyReadonlyArray<EncodedEvent>,
      options: EventStorage.AppendOptions,
      resume: (exit: Exit.Exit<EventStorage.AppendResult, StorageError>) => void
    ): Appending => {
      const appending = new Appending(events, options, resume)
      waiting.push(appending)
      arrived.unsafeOpen()
      return appending
    }

    return (events, options) =>
      Effect.withFiberRuntime<EventStorage.AppendResult, StorageError>((_, { runtimeFlags }) =>
        isClosed
          ? Exit.fail(closed)
          : RuntimeFlags.interruption(runtimeFlags)
          ? Effect.async((resume) => cancel(add(events, options, resume)))
          // a client appends in an uninterruptible region, where nothing would call a canceler
          : Effect.async((resume) => {
            add(events, options, resume)
          })
      )
  })

const turn = Effect.async<void>((resume) => {
  const goOn = () => resume(Effect.void)
  if (!afterTurn(goOn)) goOn()
})

const takeGroup = (waiting: ReadonlyArray<Appending>): ReadonlyArray<Appending> => {
  let events = 0
  let bytes = 0
  const end = waiting.findIndex((appending, place) => {
    events += appending.events.length
    for (const event of appending.events) bytes += event.end - event.start
    return place > 0 && (events > maxEvents || bytes > maxBytes)
  })
  return end < 0 ? waiting : waiting.slice(0, end)
}

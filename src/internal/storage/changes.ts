/** Watches the `changes` of a storage: events and room that this client does not know of. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { EventStorage } from "../../EventStorage.js"
import type { Log } from "../log.js"
import { times } from "../log.js"

/** The shortest time between two handled changes, so that a stream that emits without end does not use a whole core. */
const minInterval = Duration.millis(10)

/** The first and the longest delay before a failed or ended stream runs again, in milliseconds. Each delay doubles. */
const minDelay = 100
const maxDelay = 10_000

/** When a client watches its storage. */
export interface Watching {
  /** Watches from now on, until the scope closes. */
  readonly always: () => void
  /** Watches while the effect runs. */
  readonly during: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Runs `onChange` after changes, in a fiber that ends with the scope. */
export const watch = (
  storage: EventStorage.Service,
  log: Log,
  onChange: Effect.Effect<void>
): Effect.Effect<Watching, never, Scope.Scope> => {
  let delay = minDelay
  const follow = Effect.suspend(() =>
    Stream.runForEach(storage.changes, () => {
      delay = minDelay
      return Effect.zipRight(onChange, Effect.sleep(minInterval))
    })
  )
  const followAgain: Effect.Effect<void> = Effect.catchAllCause(follow, (cause) => {
    if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
    log.burst("storage changes", 1, (count) => ({
      level: LogLevel.Error,
      module: "EventStorage",
      message: `the storage failed to watch its changes ${times(count)}: it is tried again`
    }))
    return Effect.void
  }).pipe(
    Effect.zipRight(Effect.suspend(() => {
      const wait = Duration.millis(delay)
      delay = Math.min(delay * 2, maxDelay)
      return Effect.sleep(wait)
    })),
    Effect.zipRight(Effect.suspend(() => followAgain))
  )

  let wanted = 0
  const isWanted = Effect.unsafeMakeLatch(false)
  const isUnwanted = Effect.unsafeMakeLatch(true)
  const begin = (): void => {
    wanted++
    isUnwanted.unsafeClose()
    isWanted.unsafeOpen()
  }
  const end = (): void => {
    if (--wanted > 0) return
    isWanted.unsafeClose()
    isUnwanted.unsafeOpen()
  }
  const followWhileWanted = Effect.forever(
    Effect.zipRight(isWanted.await, Effect.raceFirst(followAgain, isUnwanted.await))
  )
  return Effect.as(Effect.forkScoped(Effect.interruptible(followWhileWanted)), {
    always: begin,
    during: (effect) => Effect.acquireUseRelease(Effect.sync(begin), () => effect, () => Effect.sync(end))
  })
}

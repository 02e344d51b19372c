/** Decides which calls are accepted: those that began before the client was shut down. */
import * as Effect from "effect/Effect"

export class Admission {
  /** Whether new calls are refused. */
  isClosing = false
  /** Whether running calls are refused as well. */
  isClosed = false
  private readonly running = new Set<object>()
  private readonly idle = Effect.unsafeMakeLatch(true)

  /** Counts a call while it runs. */
  readonly counted = <A, E, R>(call: object, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      this.running.add(call)
      this.idle.unsafeClose()
      return Effect.ensuring(effect, Effect.sync(() => this.endCounting([call])))
    })

  /** Ends the counting of calls. Other objects are ignored. */
  readonly endCounting = (calls: ReadonlyArray<object>): void => {
    for (const call of calls) this.running.delete(call)
    if (this.running.size === 0) this.idle.unsafeOpen()
  }

  /** Completes when no counted call is running. */
  readonly none: Effect.Effect<void> = Effect.suspend(() => this.idle.await)
}

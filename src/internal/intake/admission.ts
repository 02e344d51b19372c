/** Decides which calls are accepted: those that began before the client was shut down. */
import * as Effect from "effect/Effect"

export class Admission {
  /** Whether new calls are refused. */
  isClosing = false
  /** Whether running calls are refused as well. */
  isClosed = false
  private underWay = 0
  private readonly idle = Effect.unsafeMakeLatch(true)

  /** Counts a call while it runs. */
  readonly counted = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      if (this.underWay++ === 0) this.idle.unsafeClose()
      return Effect.ensuring(
        call,
        Effect.sync(() => {
          if (--this.underWay === 0) this.idle.unsafeOpen()
        })
      )
    })

  /** Completes when no call is running. */
  readonly none: Effect.Effect<void> = Effect.suspend(() => this.idle.await)
}

/** The fiber-local defaults of events, set by `Amplitude.withEventOptions`. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import { assign } from "./properties.js"

export const eventOptions: FiberRef.FiberRef<AmplitudeConfig.Defaults | undefined> = globalValue(
  "effect-amplitude/internal/eventOptions",
  () => FiberRef.unsafeMake<AmplitudeConfig.Defaults | undefined>(undefined)
)

/** Runs an effect with defaults. Servers do so for every request: this takes fewer operations than `Effect.locallyWith`. */
export const within = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  options: AmplitudeConfig.Defaults
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(FiberRef.getAndUpdate(eventOptions, (outer) => nest(outer, options)), (outer) => {
      const leave = FiberRef.set(eventOptions, outer)
      return Effect.matchCauseEffect(restore(self), {
        onFailure: (cause) => Effect.zipRight(leave, Exit.failCause(cause)),
        onSuccess: (value) => Effect.as(leave, value)
      })
    })
  )

/** Merges defaults: inner fields win over outer ones. `insert_id` and `event_id` are no defaults. */
const nest = (
  outer: AmplitudeConfig.Defaults | undefined,
  inner: AmplitudeConfig.Defaults
): AmplitudeConfig.Defaults => {
  const options: Record<string, unknown> = assign(assign({}, outer), inner)
  options.insert_id = options.event_id = undefined
  if (outer === undefined) return options
  for (const name in options) {
    if (options[name] === undefined) options[name] = (outer as Record<string, unknown>)[name]
  }
  return options
}

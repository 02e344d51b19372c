/** The fiber-local defaults of events, set by `Amplitude.withEventOptions`. */
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import { assign } from "./properties.js"

export const eventOptions: FiberRef.FiberRef<AmplitudeConfig.Defaults | undefined> = globalValue(
  "effect-amplitude/internal/eventOptions",
  () => FiberRef.unsafeMake<AmplitudeConfig.Defaults | undefined>(undefined)
)

/** Merges defaults: inner fields win over outer ones. `insert_id` and `event_id` are no defaults. */
export const nest = (
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

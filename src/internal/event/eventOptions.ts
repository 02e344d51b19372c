/** The fiber-local defaults of events, set by `Amplitude.withEventOptions`. */
import * as FiberRef from "effect/FiberRef"
import { globalValue } from "effect/GlobalValue"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"

export const eventOptions: FiberRef.FiberRef<AmplitudeConfig.Defaults | undefined> = globalValue(
  "effect-amplitude/internal/eventOptions",
  () => FiberRef.unsafeMake<AmplitudeConfig.Defaults | undefined>(undefined)
)

/** Inner defaults over outer ones, field by field. What tells events apart is no default. */
export const nest = (
  outer: AmplitudeConfig.Defaults | undefined,
  inner: AmplitudeConfig.Defaults
): AmplitudeConfig.Defaults => {
  // spread keeps a field called `__proto__`, which the encoder refuses as an unknown one
  const options: Record<string, unknown> = { ...outer, ...inner, insert_id: undefined, event_id: undefined }
  if (outer === undefined) return options
  for (const name in options) {
    if (options[name] === undefined) options[name] = (outer as Record<string, unknown>)[name]
  }
  return options
}

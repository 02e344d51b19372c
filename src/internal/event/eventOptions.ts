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
): AmplitudeConfig.Defaults =>
  Object.fromEntries(
    Object.entries({ ...outer, ...definedOf(inner) }).filter(([name]) => name !== "insert_id" && name !== "event_id")
  )

const definedOf = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([_, value]) => value !== undefined))

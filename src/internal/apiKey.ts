/** The API key of a client as text: requests carry it, and it is removed from messages. */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { AmplitudeConfig } from "../AmplitudeConfig.js"

/**
 * A program can wipe the key in the settings with `Redacted.unsafeWipe`. A wiped key is empty, which Amplitude refuses.
 */
export const apiKeyOf = ({ apiKey }: AmplitudeConfig.Settings): string =>
  Option.getOrElse(Option.liftThrowable(Redacted.value<string>)(apiKey), () => "")

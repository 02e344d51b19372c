/** The API key of a client as text, for the request that carries it and the texts that must not hold it. */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { AmplitudeConfig } from "../AmplitudeConfig.js"

/** Anybody who reads the settings can wipe their key. It is blank then, which the service answers as an unknown key. */
export const apiKeyOf = ({ apiKey }: AmplitudeConfig.Settings): string =>
  Option.getOrElse(Option.liftThrowable(Redacted.value<string>)(apiKey), () => "")

/** Checks the options of the durable storages. An error names the option. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { StorageError } from "../../AmplitudeError.js"
import { toDuration } from "../settings.js"

export const invalid = (option: string, expected: string): Effect.Effect<never, StorageError> =>
  Effect.fail(new StorageError({ operation: "migrate", message: `${option}: expected ${expected}` }))

/** Fails if there is an option with another name: a misspelt one would act as one that is absent. */
export const checkNames = (
  options: object,
  names: ReadonlyArray<string>
): Effect.Effect<void, StorageError> => {
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  return unknown === undefined ? Effect.void : invalid(unknown, `one of the options ${names.join(", ")}`)
}

/** A text such as `"false"`, perhaps from the environment, would count as true. */
export const booleanOf = (option: string, input: unknown): Effect.Effect<boolean, StorageError> =>
  Predicate.isBoolean(input) ? Effect.succeed(input) : invalid(option, "true or false")

/** Timers and databases do not take every duration. */
const longest = Duration.days(7)

export const millisOf = (option: string, input: unknown, least: number): Effect.Effect<number, StorageError> =>
  Option.match(Option.filter(toDuration(input), Duration.between({ minimum: least, maximum: longest })), {
    onNone: () => invalid(option, `a duration of at least ${least} milliseconds and at most 7 days`),
    onSome: (duration) => Effect.succeed(Math.floor(Duration.toMillis(duration)))
  })

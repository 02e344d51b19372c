/**
 * Checks the arguments of `deadLetters`. Databases would read a wrong one in different ways, and `purge` could delete
 * more than was meant.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { StorageError } from "../../AmplitudeError.js"
import { toDuration } from "../settings.js"

const isCount = (input: unknown): input is number => Number.isSafeInteger(input) && (input as number) >= 0

const expected = (name: string, what: string) =>
  new StorageError({ operation: "deadLetters", message: `deadLetters: ${name}: expected ${what}` })

export const list = (
  options: { readonly after?: number | undefined; readonly limit?: number | undefined } | undefined
): Effect.Effect<{ readonly after: number; readonly limit: number }, StorageError> => {
  const after = options?.after ?? 0
  const limit = options?.limit ?? 100
  return !isCount(after)
    ? expected("after", "the `id` of a dead letter, a whole number")
    : !isCount(limit)
    ? expected("limit", "a whole number that is not negative")
    : Effect.succeed({ after, limit })
}

export const ids = (ids: ReadonlyArray<number>): Effect.Effect<ReadonlyArray<number>, StorageError> =>
  Array.isArray(ids) && ids.every(isCount)
    ? Effect.succeed(ids)
    : expected("ids", "an array with the `id`s of dead letters, whole numbers")

/** `olderThan` in milliseconds. `Duration` itself reads negative numbers and NaN as zero, which would delete everything. */
export const purge = (
  options: { readonly ids: ReadonlyArray<number> } | { readonly olderThan: Duration.DurationInput }
): Effect.Effect<{ readonly ids: ReadonlyArray<number> } | { readonly olderThan: number }, StorageError> =>
  typeof options !== "object" || options === null
    ? expected("purge", "`ids` or `olderThan`")
    : "ids" in options
    ? Effect.map(ids(options.ids), (ids) => ({ ids }))
    : Option.match(toDuration(options.olderThan), {
      onNone: () => expected("olderThan", "a duration that is not negative, for example `30 days`"),
      onSome: (duration) => Effect.succeed({ olderThan: Duration.toMillis(duration) })
    })

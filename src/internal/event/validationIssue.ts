/** The fault of a value. It never holds the value, which can be a secret. */
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Option from "effect/Option"

export interface ValidationIssue {
  /** The path of the value. */
  readonly path: string
  readonly expected: string
  /** The kind of value that was found. */
  readonly actual: string
}

/** The longest name in a path, in UTF-16 units. A longer one is cut. */
const maxShownName = 200

/** The text of a path: `.name` or `["a name"]` for a field, `[0]` for an element. */
export const join = (path: string, keys: PropertyKey | ReadonlyArray<PropertyKey>): string =>
  (Array.isArray(keys) ? keys as ReadonlyArray<PropertyKey> : [keys as PropertyKey]).reduce<string>((joined, key) => {
    if (typeof key === "number") return `${joined}[${key}]`
    const name = shown(String(key))
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${joined}[${JSON.stringify(name)}]`
    return joined === "" ? name : `${joined}.${name}`
  }, path)

/** A name for an issue, cut where it is very long. */
export const shown = (name: string): string => name.length > maxShownName ? `${name.slice(0, maxShownName)}…` : name

/** The issue of a value that throws when it is read. */
export const unreadable: Omit<ValidationIssue, "path"> = {
  expected: "values that can be read",
  actual: "a getter, a toJSON or a proxy that throws"
}

/** Runs a check of a value of the caller. If reading the value throws, the result is an issue at `path`. */
export const guarded = <A>(
  path: string,
  check: () => Either.Either<A, ValidationIssue>
): Either.Either<A, ValidationIssue> =>
  Either.flatMap(
    Either.try({
      try: check,
      catch: (): ValidationIssue => ({ ...unreadable, path })
    }),
    identity
  )

/** The kind of a value, in words. */
export const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return String(value)
  switch (typeof value) {
    case "object":
      // `Array.isArray` throws for a revoked proxy
      return Option.exists(Option.liftThrowable(Array.isArray)(value), Boolean) ? "an array" : "an object"
    case "number":
      return Number.isFinite(value) ? "a number" : String(value)
    default:
      return `a ${typeof value}`
  }
}

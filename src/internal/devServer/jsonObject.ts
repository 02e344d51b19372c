import * as Predicate from "effect/Predicate"

/** A JSON object with unchecked fields. */
export type JsonObject = { readonly [key: string]: unknown }

/** Whether a JSON value is an object, and no array. */
export const isJsonObject = (value: unknown): value is JsonObject => Predicate.isRecord(value)

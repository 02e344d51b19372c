import * as Predicate from "effect/Predicate"

/** A JSON object whose fields nobody has looked at. */
export type JsonObject = { readonly [key: string]: unknown }

/** Whether a JSON value is an object, and no array. */
export const isJsonObject = (value: unknown): value is JsonObject => Predicate.isRecord(value)

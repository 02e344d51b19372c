/** Measures how deep JSON values nest, and cuts those that nest too deep to be shown. */
import type { JsonObject } from "./jsonObject.js"

/** Whether a value nests deeper than `limit`. An object or array is one level, and its members are the next. */
export const isDeeperThan = (value: unknown, limit: number): boolean => {
  if (typeof value !== "object" || value === null) {
    return false
  }
  if (limit === 0) {
    return true
  }
  for (const key in value) {
    const inner = (value as JsonObject)[key]
    if (typeof inner === "object" && isDeeperThan(inner, limit - 1)) {
      return true
    }
  }
  return false
}

/** The most levels that are shown. `JSON.stringify` fails for a value with thousands of levels. */
const maxShown = 100

const cut = (value: unknown, limit: number): unknown =>
  typeof value !== "object" || value === null ?
    value :
    limit === 0 ?
    "…" :
    Array.isArray(value) ?
    value.map((item) => cut(item, limit - 1)) :
    Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cut(inner, limit - 1)]))

/** The value, with `…` in place of the levels that are not shown. A value without them is not copied. */
export const shown = (value: unknown): unknown => isDeeperThan(value, maxShown) ? cut(value, maxShown) : value

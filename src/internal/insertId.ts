/** Where `insert_id`s come from: random UUIDs, unless a test asks for ones that count. */
import * as Context from "effect/Context"

export class InsertId extends Context.Reference<InsertId>()("effect-amplitude/internal/InsertId", {
  defaultValue: (): () => string => () => globalThis.crypto.randomUUID()
}) {}

/** `00000000-0000-4000-8000-000000000001` and up. */
export const sequential = (): () => string => {
  let last = 0
  return () => `00000000-0000-4000-8000-${String(++last).padStart(12, "0")}`
}

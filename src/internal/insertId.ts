/** Where `insert_id`s come from: random UUIDs, unless a test asks for ones that count. */
import * as Context from "effect/Context"
import { randomUuid } from "./uuid.js"
import type { Writer } from "./writer.js"

/** Writes the JSON of an id. */
export class InsertId extends Context.Reference<InsertId>()("effect-amplitude/internal/InsertId", {
  defaultValue: (): (writer: Writer) => void => randomUuid
}) {}

/** `00000000-0000-4000-8000-000000000001` and up. */
export const sequential = (): (writer: Writer) => void => {
  let last = 0
  return (writer) => writer.text(`00000000-0000-4000-8000-${String(++last).padStart(12, "0")}`)
}

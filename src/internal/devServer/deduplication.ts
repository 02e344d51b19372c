/** Amplitude HTTP V2 API, deduplication: the same `insert_id` on the same device within 7 days is ignored. */
import * as Predicate from "effect/Predicate"
import type { JsonObject } from "./jsonObject.js"
import { deviceOf } from "./keptEvent.js"
import type { State } from "./memory.js"

/** The first event with an `insert_id` on a device: when it came, and its number. */
export interface First {
  readonly device: string
  readonly at: number
  readonly event: number
}

const windowMillis = 7 * 24 * 60 * 60 * 1000

/** Looks up the events of one upload, one after the other. */
export interface Lookup {
  /** The event that the given one repeats. Without one, the given event is the first. */
  readonly firstOf: (event: JsonObject, number: number) => First | undefined
  /** Those of the upload that are the first, by the key that they are remembered by. */
  readonly firsts: ReadonlyMap<string, First>
}

/** Starts to look up the events of an upload. */
export const lookup = (state: State, now: number): Lookup => {
  const firsts = new Map<string, First>()
  const find = (key: string): First | undefined => firsts.get(key) ?? state.firstOf(key)
  return {
    firsts,
    firstOf: (event, number) => {
      const { insert_id } = event
      if (!Predicate.isString(insert_id)) {
        return undefined
      }
      const device = deviceOf(event) ?? ""
      // Few devices share an `insert_id`, so that it is the key of the first device by itself.
      const sole = find(insert_id)
      const isShared = sole !== undefined && sole.device !== device
      const key = isShared ? JSON.stringify([device, insert_id]) : insert_id
      const known = isShared ? find(key) : sole
      if (known !== undefined && known.device === device && now - known.at < windowMillis) {
        return known
      }
      firsts.set(key, { device, at: now, event: number })
      return undefined
    }
  }
}

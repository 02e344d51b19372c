/**
 * Finds duplicates: Amplitude ignores an event with the `insert_id` of an earlier one of the same device within 7 days.
 */
import * as Predicate from "effect/Predicate"
import type { JsonObject } from "./jsonObject.js"
import { deviceOf } from "./keptEvent.js"
import type { State } from "./memory.js"

/** The first event with an `insert_id` on a device: its time of arrival, and its number. */
export interface First {
  readonly device: string
  readonly at: number
  readonly event: number
}

const windowMillis = 7 * 24 * 60 * 60 * 1000

/** Finds the duplicates in one upload. */
export interface Lookup {
  /** The first event with the same `insert_id`, or undefined if the given event is the first. */
  readonly firstOf: (event: JsonObject, number: number) => First | undefined
  /** The first events of this upload, by their keys in the state. */
  readonly firsts: ReadonlyMap<string, First>
}

/** Makes the lookup for one upload. */
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
      // devices rarely share an `insert_id`, so that it is the whole key of the first device
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

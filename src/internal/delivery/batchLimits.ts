/**
 * Cutting a batch: events are added, in order, as long as they fit by count and by bytes. The exact length in bytes of a
 * text is only worked out where a bound that costs nothing is over the limit.
 */
import type { EventStorage } from "../../EventStorage.js"
import { byteLength, maxBytesPerUnit } from "../event/utf8.js"
import { Node } from "../storage/storedEvent.js"

/** The most events of a batch, and the most bytes of their JSON in UTF-8, one more for the comma of each. */
export interface Limits {
  readonly count: number
  readonly bytes: number
}

export interface Cut<E> {
  readonly events: Array<E>
  /** Adds an event and says so, unless it does not fit; the first one always fits. */
  readonly add: (event: E) => boolean
}

type Sized = Pick<EventStorage.EncodedEvent, "json">

/** How many bytes the JSON of an event takes. */
export const lengthOf = (event: Sized): number => event instanceof Node ? event.bytes : byteLength(event.json)

/** What one event takes of a batch: its JSON and a comma. */
const bytesOf = (event: Sized): number => lengthOf(event) + 1

/** It takes no more than that: a bound that costs nothing. */
const boundOf = (event: Sized): number =>
  (event instanceof Node ? event.bytes : event.json.length * maxBytesPerUnit) + 1

/** What events take of a batch. */
export const sizeOf = (events: ReadonlyArray<Sized>): Limits => {
  let bytes = 0
  for (const event of events) bytes += bytesOf(event)
  return { count: events.length, bytes }
}

/** Whether events take at most so many bytes. */
export const fits = (events: ReadonlyArray<Sized>, bytes: number): boolean => {
  let bound = 0
  for (const event of events) bound += boundOf(event)
  return bound <= bytes || sizeOf(events).bytes <= bytes
}

export const make = <E extends Sized>(limits: Limits): Cut<E> => {
  const events: Array<E> = []
  let bytes = 0
  let exact = false
  return {
    events,
    add: (event) => {
      if (events.length >= limits.count) return false
      let size = exact ? bytesOf(event) : boundOf(event)
      if (!exact && bytes + size > limits.bytes) {
        exact = true
        size = bytesOf(event)
        bytes = sizeOf(events).bytes
      }
      if (bytes + size > limits.bytes && events.length > 0) return false
      bytes += size
      events.push(event)
      return true
    }
  }
}

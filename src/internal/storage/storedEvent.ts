/** An event that the storage in memory has handed out or put back: what it is, and where it belongs. */
import type { EventStorage } from "../../EventStorage.js"

export class StoredEvent implements EventStorage.EncodedEvent {
  readonly clientId: string
  readonly sequence: number
  readonly lane: string
  readonly buffer: Uint8Array
  readonly start: number
  readonly end: number
  readonly attempts: number
  readonly retries: number
  /** Its place in the order in which the storage took its events. */
  readonly position: number
  /** Until when it is paused: monotonic, in milliseconds. */
  readonly pausedUntil: number
  /** Neighbours in the list of events that were passed over. */
  older: StoredEvent | undefined = undefined
  newer: StoredEvent | undefined = undefined
  /** The next parked event of its lane. */
  nextInLane: StoredEvent | undefined = undefined

  constructor(
    event: EventStorage.EncodedEvent,
    position: number,
    attempts: number,
    retries: number,
    pausedUntil: number
  ) {
    this.clientId = event.clientId
    this.sequence = event.sequence
    this.lane = event.lane
    this.buffer = event.buffer
    this.start = event.start
    this.end = event.end
    this.attempts = attempts
    this.retries = retries
    this.position = position
    this.pausedUntil = pausedUntil
  }
}

/** An event that the memory storage has leased or taken back, with its position. */
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
  /** The position of the event in the order of the appends. */
  readonly position: number
  /** The end of the pause. Monotonic, in milliseconds. */
  readonly pausedUntil: number
  /** The neighbours in the list of passed-over events. */
  older: StoredEvent | undefined = undefined
  newer: StoredEvent | undefined = undefined
  /** The neighbours among the parked events of its lane. */
  previousInLane: StoredEvent | undefined = undefined
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

  /** The event with its own bytes, so that it does not keep the buffer that it shares with others in memory. */
  detached(): StoredEvent {
    const { buffer, end, start } = this
    if (buffer.length === end - start) return this
    const event = { ...this, buffer: buffer.slice(start, end), start: 0, end: end - start }
    return new StoredEvent(event, this.position, this.attempts, this.retries, this.pausedUntil)
  }
}

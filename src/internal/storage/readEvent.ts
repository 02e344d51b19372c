import type { EventStorage } from "../../EventStorage.js"

/**
 * An event that was read from a server. It is a class, since V8 can allocate object literals in the old space, where they
 * stay until a major garbage collection.
 */
export class ReadEvent implements EventStorage.EncodedEvent {
  readonly clientId: string
  readonly sequence: number
  readonly lane: string
  readonly buffer: Uint8Array
  readonly start: number
  readonly end: number
  readonly attempts: number
  readonly retries: number

  constructor(
    clientId: string,
    sequence: number,
    lane: string,
    buffer: Uint8Array,
    start: number,
    end: number,
    attempts: number,
    retries: number
  ) {
    this.clientId = clientId
    this.sequence = sequence
    this.lane = lane
    this.buffer = buffer
    this.start = start
    this.end = end
    this.attempts = attempts
    this.retries = retries
  }
}

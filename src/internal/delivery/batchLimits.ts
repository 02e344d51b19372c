/**
 * The limits of a request. They are the configured ones, or smaller after the endpoint has refused a request as too
 * large.
 */
import type { EventStorage } from "../../EventStorage.js"

/** The most events of a request, and the most bytes of their JSON, one more for the comma of each. */
export interface Limits {
  readonly maxEvents: number
  readonly maxBytes: number
}

/** The size of events as it counts against the limits. */
export const sizeOf = (events: ReadonlyArray<EventStorage.EncodedEvent>): Limits => ({
  maxEvents: events.length,
  maxBytes: events.reduce((bytes, { end, start }) => bytes + end - start + 1, 0)
})

export class BatchLimits {
  private maxEvents = Infinity
  private maxBytes = Infinity

  /** The current limits. */
  current(configured: Limits): Limits {
    return this.maxEvents >= configured.maxEvents && this.maxBytes >= configured.maxBytes
      ? configured
      : {
        maxEvents: Math.min(this.maxEvents, configured.maxEvents),
        maxBytes: Math.min(this.maxBytes, configured.maxBytes)
      }
  }

  /** Halves the limit that a refused request of this size has met. */
  shrink(size: Limits, configured: Limits): void {
    const current = this.current(configured)
    if (size.maxEvents / current.maxEvents >= size.maxBytes / current.maxBytes) {
      this.maxEvents = Math.max(1, Math.floor(current.maxEvents / 2))
    } else this.maxBytes = Math.max(1, Math.floor(current.maxBytes / 2))
  }

  /** Doubles a halved limit after an accepted request, up to the configured limit. */
  grow(configured: Limits): void {
    this.maxEvents = this.maxEvents * 2 >= configured.maxEvents ? Infinity : this.maxEvents * 2
    this.maxBytes = this.maxBytes * 2 >= configured.maxBytes ? Infinity : this.maxBytes * 2
  }
}

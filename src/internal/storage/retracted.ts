/**
 * The events of failed appends that may be stored all the same, because the connection broke before the answer. They
 * wait here for their removal.
 */
import type { EventStorage } from "../../EventStorage.js"
import { identityOf } from "./identity.js"

type EncodedEvent = EventStorage.EncodedEvent

/** The fields of an event that are needed to remove it. */
export type Retracted = Pick<EncodedEvent, "clientId" | "lane" | "sequence">

/** The most events that are remembered. */
const capacity = 10_000

export class RetractedEvents {
  private readonly events = new Map<string, Retracted>()

  get isEmpty(): boolean {
    return this.events.size === 0
  }

  add(events: ReadonlyArray<EncodedEvent>): void {
    for (const event of events) {
      const { clientId, lane, sequence } = event
      this.events.set(identityOf(event), { clientId, lane, sequence })
      if (this.events.size > capacity) this.events.delete(this.events.keys().next().value!)
    }
  }

  /** Whether one of the events waits for its removal, which would remove what is appended now. */
  hasSome(events: ReadonlyArray<EncodedEvent>): boolean {
    return !this.isEmpty && events.some((event) => this.events.has(identityOf(event)))
  }

  all(): ReadonlyArray<Retracted> {
    return Array.from(this.events.values())
  }

  /** Forgets events that were removed. An event that was added again meanwhile is another one, and stays. */
  forget(removed: ReadonlyArray<Retracted>): void {
    for (const event of removed) {
      const identity = identityOf(event)
      if (this.events.get(identity) === event) this.events.delete(identity)
    }
  }
}

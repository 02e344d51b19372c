/**
 * A list of the events that a lease has passed over because their lane was busy, and of released events, oldest first.
 * All of them are older than the events in the pages.
 */
import type { StoredEvent } from "./storedEvent.js"

export class PassedOver {
  oldest: StoredEvent | undefined = undefined
  newest: StoredEvent | undefined = undefined

  /** Adds an event that is newer than all others of the list. */
  add(event: StoredEvent): void {
    this.insertAfter(event, this.newest)
  }

  /** Inserts an event at its place. `neighbour` is an event near that place. */
  insert(event: StoredEvent, neighbour: StoredEvent | undefined): void {
    let older = neighbour
    while (older !== undefined && older.position > event.position) older = older.older
    let newer = older === undefined ? this.oldest : older.newer
    while (newer !== undefined && newer.position < event.position) {
      older = newer
      newer = newer.newer
    }
    this.insertAfter(event, older)
  }

  remove(event: StoredEvent): void {
    if (event.older === undefined) this.oldest = event.newer
    else event.older.newer = event.newer
    if (event.newer === undefined) this.newest = event.older
    else event.newer.older = event.older
    event.older = event.newer = undefined
  }

  private insertAfter(event: StoredEvent, older: StoredEvent | undefined): void {
    const newer = older === undefined ? this.oldest : older.newer
    event.older = older
    event.newer = newer
    if (older === undefined) this.oldest = event
    else older.newer = event
    if (newer === undefined) this.newest = event
    else newer.older = event
  }
}

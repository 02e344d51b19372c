/**
 * The waiting events in the order in which they were appended.
 *
 * A waiting event is a few numbers in the page of its buffer, and not an object, so that garbage collections do not
 * have to visit it. An object is made when an event is taken out.
 */
import type { EventStorage } from "../../EventStorage.js"
import { StoredEvent } from "./storedEvent.js"

type EncodedEvent = EventStorage.EncodedEvent

export interface Limits {
  readonly maxEvents: number
  readonly maxBytes: number
}

export interface Pages {
  readonly push: (event: EncodedEvent) => void
  /** Gives the oldest event without taking it out. */
  readonly first: () => StoredEvent | undefined
  /** Takes out the oldest event. */
  readonly shift: () => StoredEvent | undefined
  /** Takes out the newest event. */
  readonly pop: () => StoredEvent | undefined
  /** Takes out as many of the oldest events as fit. The first one fits whatever its size. */
  readonly take: (limits: Limits) => Array<StoredEvent>
  /** The number of events of a client up to a sequence. */
  readonly count: (of: EventStorage.CountOptions) => number
}

/** The most events of a page. */
const capacity = 256

/** The numbers of an event: the start and end of its JSON, and its sequence minus the first sequence of the page. */
const fields = 3

/** Events of one client in one buffer. */
class Page {
  readonly clientId: string
  readonly buffer: Uint8Array
  readonly attempts: number
  readonly retries: number
  readonly firstSequence: number
  /** The position of the first event of the page. */
  readonly position: number
  private readonly numbers = new Uint32Array(capacity * fields)
  private readonly lanes: Array<string> = []
  /** How many events were added to the page, and how many of them were taken from its beginning. */
  count = 0
  taken = 0
  older: Page | undefined = undefined
  newer: Page | undefined = undefined

  constructor(event: EncodedEvent, position: number) {
    this.clientId = event.clientId
    this.buffer = event.buffer
    this.attempts = event.attempts
    this.retries = event.retries
    this.firstSequence = event.sequence
    this.position = position
  }

  accepts(event: EncodedEvent): boolean {
    return this.count < capacity &&
      event.buffer === this.buffer &&
      event.clientId === this.clientId &&
      event.attempts === this.attempts &&
      event.retries === this.retries &&
      event.sequence >= this.firstSequence &&
      event.sequence - this.firstSequence < 0x1_0000_0000
  }

  push(event: EncodedEvent): void {
    const at = this.count * fields
    this.numbers[at] = event.start
    this.numbers[at + 1] = event.end
    this.numbers[at + 2] = event.sequence - this.firstSequence
    this.lanes[this.count++] = event.lane
  }

  get(index: number): StoredEvent {
    const at = index * fields
    return new StoredEvent(
      {
        clientId: this.clientId,
        sequence: this.sequenceOf(index),
        lane: this.lanes[index]!,
        buffer: this.buffer,
        start: this.numbers[at]!,
        end: this.numbers[at + 1]!,
        attempts: this.attempts,
        retries: this.retries
      },
      this.position + index,
      this.attempts,
      this.retries,
      0
    )
  }

  sequenceOf(index: number): number {
    return this.firstSequence + this.numbers[index * fields + 2]!
  }

  bytesOf(index: number): number {
    return this.numbers[index * fields + 1]! - this.numbers[index * fields]!
  }

  /** How many events of the page have at most this sequence. */
  countUpTo(sequence: number): number {
    let events = 0
    for (let index = this.taken; index < this.count; index++) if (this.sequenceOf(index) <= sequence) events++
    return events
  }
}

export const make = (): Pages => {
  let oldest: Page | undefined
  let newest: Page | undefined
  let position = 0
  /** The oldest event, if it was read before. */
  let head: StoredEvent | undefined

  const remove = (page: Page): void => {
    const { newer, older } = page
    if (older === undefined) oldest = newer
    else older.newer = newer
    if (newer === undefined) newest = older
    else newer.older = older
    // a page that is gone must not keep the next one in memory
    page.older = page.newer = undefined
  }

  const pageFor = (event: EncodedEvent): Page => {
    if (newest?.accepts(event) === true) return newest
    const page = new Page(event, position)
    page.older = newest
    if (newest === undefined) oldest = page
    else newest.newer = page
    newest = page
    return page
  }

  const first = (): StoredEvent | undefined => head ??= oldest?.get(oldest.taken)

  return {
    push: (event) => {
      pageFor(event).push(event)
      position++
    },
    first,
    shift: () => {
      const event = first()
      head = undefined
      if (oldest !== undefined && ++oldest.taken === oldest.count) remove(oldest)
      return event
    },
    pop: () => {
      if (newest === undefined) return undefined
      const page = newest
      const event = page.get(--page.count)
      position--
      if (page.taken === page.count) {
        head = undefined
        remove(page)
      }
      return event
    },
    take: ({ maxBytes, maxEvents }) => {
      head = undefined
      const events: Array<StoredEvent> = []
      let room = maxBytes
      while (oldest !== undefined) {
        const page = oldest
        while (page.taken < page.count) {
          // one byte more for the comma
          room -= page.bytesOf(page.taken) + 1
          if (events.length >= maxEvents || (events.length > 0 && room < 0)) return events
          events.push(page.get(page.taken++))
        }
        remove(page)
      }
      return events
    },
    count: ({ clientId, upTo }) => {
      let events = 0
      for (let page = oldest; page !== undefined; page = page.newer) {
        if (page.clientId === clientId) events += page.countUpTo(upTo)
      }
      return events
    }
  }
}

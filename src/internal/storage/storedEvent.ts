/** An event of the storage in memory that has been looked at, and its place there. */
import type { EventStorage } from "../../EventStorage.js"
import * as Utf8 from "../event/utf8.js"
import type { Ids, Page } from "./pages.js"

/** The events that one call of `lease` took, in order. */
export interface Lease {
  readonly id: number
  /** Nothing in the place of one that is not leased any more. */
  readonly nodes: Array<Node | undefined>
  /** How many still are. */
  held: number
  /** Where the next one is expected that is acknowledged or released: most come in order. */
  at: number
  /** Where the others are found, once that was asked for. */
  places: Map<string, number> | undefined
  /** Whether its events are counted in their lanes. */
  counted: boolean
}

/**
 * What an event says is read from its page each time, until it is taken out of it. It is a class because of where the
 * engine puts its objects: those of a literal go to the old part of the heap at once when many of them have lived long,
 * and stay there, with all that they refer to, until a major collection.
 */
export class Node implements EventStorage.EncodedEvent {
  /** None when it was taken out of it. */
  page: Page | undefined
  readonly index: number
  /** The order of acceptance. */
  readonly sequence: number
  /** How many bytes its JSON takes. */
  readonly bytes: number
  attempts: number
  notBefore = 0
  /** The lease that took it, and its place in it. */
  lease: Lease | undefined = undefined
  place = 0
  older: Node | undefined = undefined
  newer: Node | undefined = undefined
  /** The next one that is parked with the same lane. */
  parked: Node | undefined = undefined
  private knownId: string | undefined = undefined
  private knownLane: string | undefined = undefined
  private ownJson: string | undefined = undefined

  constructor(page: Page, index: number, bytes: number) {
    this.page = page
    this.index = index
    this.bytes = bytes
    this.sequence = page.sequence + index
    this.attempts = page.attemptsOf(index)
  }

  /** The number that it was written with by these ids. */
  numberIn(ids: Ids): number | undefined {
    return this.page?.numberOf(this.index, ids)
  }

  get id(): string {
    return this.knownId ??= this.page!.idOf(this.index)
  }

  get lane(): string {
    return this.knownLane ??= this.page!.laneOf(this.index)
  }

  get json(): string {
    return this.ownJson ?? this.page!.jsonOf(this.index)
  }

  /** Keeps what it says without its page. */
  standAlone(): void {
    if (this.page === undefined) return
    this.knownId = this.id
    this.knownLane = this.lane
    this.ownJson = this.json
  }
}

/** Plain data, which can be copied and kept. */
export const toPlain = ({ attempts, id, json, lane }: EventStorage.EncodedEvent): EventStorage.EncodedEvent => ({
  id,
  lane,
  json,
  attempts
})

/**
 * Events with a comma between them and something around them, copied from their pages: those that stand side by side in
 * one go. Nothing where one of them is in no page.
 */
export const joined = (
  head: string,
  events: ReadonlyArray<EventStorage.EncodedEvent>,
  tail: string
): Uint8Array | undefined => {
  const before = Utf8.encode(head)
  const after = Utf8.encode(tail)
  // the last event has no comma
  let length = before.length + after.length - 1
  for (const event of events) {
    if (!(event instanceof Node) || event.page === undefined) return undefined
    length += event.bytes + 1
  }
  const bytes = new Uint8Array(length)
  bytes.set(before)
  let at = before.length
  const nodes = events as ReadonlyArray<Node & { readonly page: Page }>
  for (let index = 0; index < nodes.length;) {
    const first = nodes[index]!
    let last = first
    for (index++; index < nodes.length; index++) {
      const next = nodes[index]!
      if (next.page !== first.page || next.index !== last.index + 1) break
      last = next
    }
    const end = first.page.endOf(last.index)
    // the comma behind the last one too: the next one stands there, or what comes after all of them
    const run = first.page.bytes.subarray(first.page.startOf(first.index), end + 1)
    bytes.set(index < nodes.length ? run : run.subarray(0, -1), at)
    at += run.length
  }
  bytes.set(after, at - 1)
  return bytes
}

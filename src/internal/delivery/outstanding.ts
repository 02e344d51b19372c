/**
 * The ledger of accepted events: the ids under which they are stored, how many have no outcome yet, and who waits for
 * them.
 *
 * Entries are numbered in the order in which they were opened, and an id tells the number of its entry. Those who wait
 * split the entries into sections: a section ends at the entry that was the last one when somebody began to wait, and
 * they go on when it and all before it are closed. Without anybody waiting an entry costs two increments.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import type { EventStorage } from "../../EventStorage.js"
import { Node } from "../storage/storedEvent.js"

interface Section {
  readonly last: number
  open: number
  readonly closed: Deferred.Deferred<void>
}

export interface Ledger {
  /** Opens an entry and gives its number. */
  readonly open: () => number
  /** The id of the entry with a number. */
  readonly idOf: (number: number) => string
  /** Gives an id whose entry is opened later, when its event is accepted: its caller may have to wait until then. */
  readonly reserve: () => string
  readonly openReserved: (id: string) => void
  /** Closes an entry; an unknown id is that of an event from before this client. */
  readonly close: (id: string) => void
  /** The same for many. */
  readonly closeEach: (events: ReadonlyArray<Pick<EventStorage.EncodedEvent, "id">>) => void
  /** Closes every entry for good: nobody is left who could close them one by one. */
  readonly closeAll: () => void
  /** How many entries are open. */
  readonly size: () => number
  /** Completes when every entry that is open now is closed. */
  readonly closed: Effect.Effect<void>
}

/** `before` entries were open when the ledger was; `prefix` tells its ids from those of every other client. */
export const make = (prefix: string, before: number): Ledger => {
  const sections: Array<Section> = []
  /** The numbers of entries that were opened later than their ids were given. */
  const late = new Map<string, number>()
  let numbers = 0
  let open = before
  let ended = false

  const numberOf = (id: string): number =>
    late.get(id) ?? (id.startsWith(prefix) ? parseInt(id.slice(prefix.length), 36) : 0)

  /** Where the section stands that an entry belongs to: the first one that ends at or after it. */
  const indexOf = (number: number): number => {
    let low = 0
    let high = sections.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sections[middle]!.last < number) low = middle + 1
      else high = middle
    }
    return low
  }

  const section = (): Section => {
    const last = sections[sections.length - 1]
    if (last?.last === numbers) return last
    const earlier = sections.reduce((sum, { open }) => sum + open, 0)
    const added = { last: numbers, open: open - earlier, closed: Deferred.unsafeMake<void>(FiberId.none) }
    sections.push(added)
    return added
  }

  const endSections = (): void => {
    while (sections[0]?.open === 0) Deferred.unsafeDone(sections.shift()!.closed, Effect.void)
  }

  /** The number of an entry that is closed, and forgotten where it is known by its id alone. */
  const forgetNumber = (event: Pick<EventStorage.EncodedEvent, "id">): number => {
    const written = event instanceof Node ? event.numberIn(ledger) : undefined
    if (written !== undefined) return written
    const number = numberOf(event.id)
    late.delete(event.id)
    return number
  }

  const closeEach: Ledger["closeEach"] = (events) => {
    if (ended) return
    open -= events.length
    if (sections.length === 0 && late.size === 0) return
    // most of them are in one section
    let [low, section] = [Infinity, undefined as Section | undefined]
    for (const event of events) {
      const number = forgetNumber(event)
      if (section === undefined || number <= low || number > section.last) {
        const index = indexOf(number)
        low = sections[index - 1]?.last ?? -Infinity
        section = sections[index]
      }
      if (section !== undefined) section.open--
    }
    endSections()
  }

  const idOf = (number: number): string => prefix + number.toString(36)

  const ledger: Ledger = {
    open: () => {
      if (!ended) open++
      return ++numbers
    },
    idOf,
    reserve: () => idOf(++numbers),
    openReserved: (id) => {
      if (ended) return
      open++
      late.set(id, ++numbers)
    },
    close: (id) => closeEach([{ id }]),
    closeEach,
    closeAll: () => {
      ended = true
      open = 0
      late.clear()
      for (const { closed } of sections.splice(0)) Deferred.unsafeDone(closed, Effect.void)
    },
    size: () => open,
    closed: Effect.suspend(() => open === 0 ? Effect.void : Deferred.await(section().closed))
  }
  return ledger
}

/**
 * The ledger of accepted events: how many have no outcome yet, and who waits for them.
 *
 * Entries are numbered in the order in which they were opened. Those who wait split them into sections: a section ends
 * at the entry that was the last one when somebody began to wait, and they go on when it and all before it are closed.
 * Without anybody waiting an entry costs two increments.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"

interface Section {
  readonly last: number
  open: number
  readonly closed: Deferred.Deferred<void>
}

export interface Ledger {
  /** Opens an entry and gives its number, from 1 up. */
  readonly open: () => number
  /** Closes an entry; 0 stands for an entry from before. `number` is only asked for when somebody waits. */
  readonly close: (number: () => number) => void
  /** Closes every entry: nobody is left who could close them one by one. */
  readonly closeAll: () => void
  /** How many entries are open. */
  readonly size: () => number
  /** Completes when every entry that is open now is closed. */
  readonly closed: Effect.Effect<void>
}

/** `before` entries were open when the ledger was. */
export const make = (before: number): Ledger => {
  const sections: Array<Section> = []
  let opened = 0
  let open = before
  let ended = false

  /** The section that an entry belongs to: the first one that ends at or after it. */
  const sectionOf = (number: number): Section | undefined => {
    let low = 0
    let high = sections.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sections[middle]!.last < number) low = middle + 1
      else high = middle
    }
    return sections[low]
  }

  const section = (): Section => {
    const last = sections[sections.length - 1]
    if (last?.last === opened) return last
    const earlier = sections.reduce((sum, { open }) => sum + open, 0)
    const added = { last: opened, open: open - earlier, closed: Deferred.unsafeMake<void>(FiberId.none) }
    sections.push(added)
    return added
  }

  return {
    open: () => {
      if (!ended) open++
      return ++opened
    },
    close: (number) => {
      if (ended) return
      open--
      if (sections.length === 0) return
      const section = sectionOf(number())
      if (section === undefined) return
      section.open--
      while (sections[0]?.open === 0) Deferred.unsafeDone(sections.shift()!.closed, Effect.void)
    },
    closeAll: () => {
      ended = true
      open = 0
      for (const { closed } of sections.splice(0)) Deferred.unsafeDone(closed, Effect.void)
    },
    size: () => open,
    closed: Effect.suspend(() => open === 0 ? Effect.void : Deferred.await(section().closed))
  }
}

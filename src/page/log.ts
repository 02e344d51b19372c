/**
 * The events of the page, oldest first, and the part of them that the list shows. A held list does not show newer
 * events, so that a new event never moves the text that the reader reads.
 */
import { batch, computed, effect, signal, untracked } from "@preact/signals"
import * as Filter from "./filter.js"
import { brief, cut } from "./format.js"
import { query } from "./router.js"
import type { Json, ReceivedEvent, Verdict } from "./wire.js"

/** The page holds as many events as the server does by default. */
const capacity = 10_000

/** An event in the list. */
export interface Entry {
  /** Increases in the order of arrival. */
  readonly order: number
  readonly event: ReceivedEvent
  readonly subject: Filter.Subject
}

const text = (value: unknown): string => typeof value === "string" ? value : value === undefined ? "" : String(value)

export const typeOf = ({ event }: ReceivedEvent): string =>
  typeof event.event_type === "string" && event.event_type.trim() !== "" ? event.event_type : "(no event_type)"

export const userOf = ({ event }: ReceivedEvent): string => text(event.user_id ?? event.device_id)

const entryOf = (order: number, event: ReceivedEvent): Entry => {
  let searchable: string | undefined
  return {
    order,
    event,
    subject: {
      type: typeOf(event),
      user: text(event.event.user_id),
      device: text(event.event.device_id),
      library: event.library,
      marks: [
        event.verdict,
        ...(event.verdict === "kept" ? [] : ["rejected"]),
        ...(event.alterations.length > 0 ? ["altered"] : []),
        ...(event.violations.length > 0 ? ["violation"] : [])
      ],
      properties: event.event.event_properties,
      text: () =>
        searchable ??= [
          JSON.stringify(event.event),
          event.library,
          event.because ?? "",
          ...event.reasons.map(({ fix, path, wanted }) => `${path} ${wanted} ${fix}`)
        ].join("\n").toLowerCase()
    }
  }
}

let held: Array<Entry> = []
let matching: Array<Entry> = []
const known = new Map<string, Entry>()
let newest = 0
let oldest = 0

const revision = signal(0)
const filter = computed(() => Filter.parse(query.value))

/** The order of the newest event that the list shows. `Infinity` if the list shows every new event at once. */
const horizon = signal(Number.POSITIVE_INFINITY)

const changed = (): void => {
  revision.value = untracked(() => revision.value) + 1
}

effect(() => {
  const selects = filter.value
  matching = held.filter(({ subject }) => selects(subject))
  changed()
})

const evict = (): void => {
  const excess = held.length - capacity
  if (excess > 0) {
    for (const { event } of held.splice(0, excess)) {
      known.delete(event.id)
    }
    const first = held[0]?.order ?? 0
    const kept = matching.findIndex(({ order }) => order >= first)
    matching.splice(0, kept === -1 ? matching.length : kept)
  }
}

const fresh = (events: ReadonlyArray<ReceivedEvent>, order: () => number): ReadonlyArray<Entry> =>
  events.flatMap((event) => {
    if (known.has(event.id)) {
      return []
    }
    const entry = entryOf(order(), event)
    known.set(event.id, entry)
    return [entry]
  })

/** Adds new events, oldest first. */
export const append = (events: ReadonlyArray<ReceivedEvent>): void => {
  const entries = fresh(events, () => ++newest)
  const selects = untracked(() => filter.value)
  for (const entry of entries) {
    held.push(entry)
    if (selects(entry.subject)) {
      matching.push(entry)
    }
  }
  evict()
  if (entries.length > 0) {
    changed()
  }
}

/** Adds older events, newest first. Events newer than those of the page are left out: the stream brings them. */
export const prepend = (events: ReadonlyArray<ReceivedEvent>): void => {
  const room = capacity - held.length
  const last = Number(held[held.length - 1]?.event.id ?? Number.POSITIVE_INFINITY)
  const earlier = events.filter(({ id }) => Number(id) <= last)
  const entries = [...fresh(earlier.slice(0, Math.max(0, room)), () => --oldest)].reverse()
  const selects = untracked(() => filter.value)
  held = [...entries, ...held]
  matching = [...entries.filter(({ subject }) => selects(subject)), ...matching]
  changed()
}

/** Whether there is room for older events. */
export const hasRoom = (): boolean => held.length < capacity

export const clear = (): void => {
  held = []
  matching = []
  known.clear()
  batch(() => {
    horizon.value = Number.POSITIVE_INFINITY
    changed()
  })
}

/** Holds the list: it shows no newer events. */
export const hold = (): void => {
  if (untracked(() => horizon.value) === Number.POSITIVE_INFINITY) {
    horizon.value = newest
  }
}

/** Shows the events that arrived. A held list stays held. */
export const advance = (): void => {
  if (horizon.value !== Number.POSITIVE_INFINITY) {
    horizon.value = newest
  }
}

/** Shows the events that arrived, and every new one at once. */
export const follow = (): void => {
  horizon.value = Number.POSITIVE_INFINITY
}

export const isHeld = computed(() => horizon.value !== Number.POSITIVE_INFINITY)

/** How many events the page holds. */
export const size = computed(() => {
  void revision.value
  return held.length
})

/** How many events the list shows. */
export const length = computed(() => {
  void revision.value
  let low = 0
  let high = matching.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (matching[middle]!.order <= horizon.value) {
      low = middle + 1
    } else {
      high = middle
    }
  }
  return low
})

/** How many selected events the list does not show yet. */
export const waiting = computed(() => {
  void revision.value
  return matching.length - length.value
})

/** The event at an index of the list, newest first. */
export const at = (index: number): Entry | undefined => matching[length.value - 1 - index]

/** The index of an event in the list, or -1. */
export const indexOf = (id: string): number => {
  const entry = known.get(id)
  if (entry === undefined) {
    return -1
  }
  // a binary search: `matching` is sorted by order
  let low = 0
  let high = length.value
  while (low < high) {
    const middle = (low + high) >>> 1
    if (matching[middle]!.order < entry.order) {
      low = middle + 1
    } else {
      high = middle
    }
  }
  return matching[low] === entry && low < length.value ? length.value - 1 - low : -1
}

/** An event that the page holds. */
export const find = (id: string): ReceivedEvent | undefined => known.get(id)?.event

export interface Trouble {
  readonly verdict: Verdict
  readonly reason: string
  readonly count: number
  /** The newest event with this reason. */
  readonly example: ReceivedEvent
}

/** The reason for the verdict of an event, on one line. */
export const reasonOf = ({ alterations, because, of, reasons, verdict, violations }: ReceivedEvent): string => {
  const [first] = reasons
  if (first !== undefined) {
    const others = reasons.length - 1
    const given = "given" in first ? brief(first.given, 32) : "nothing"
    return `${first.path}: given ${given}, wanted ${first.wanted}${others === 0 ? "" : ` (and ${others} more)`}`
  }
  switch (verdict) {
    case "fault":
    case "refused":
    case "injected":
      return because ?? ""
    case "duplicate":
      return `insert_id was seen before${of === undefined ? "" : ` (event ${of})`}`
    case "kept": {
      const [alteration] = alterations
      const [violation] = violations
      return violation !== undefined ?
        `Against the plan: ${violation.path}: ${violation.wanted}` :
        alteration !== undefined ?
        `Altered: ${alteration.path}: ${alteration.what}` :
        ""
    }
  }
}

/** Why events were not kept, the most frequent reason first. */
export const troubles = (): ReadonlyArray<Trouble> => {
  void revision.value
  const groups = new Map<string, { -readonly [K in keyof Trouble]: Trouble[K] }>()
  for (let index = held.length - 1; index >= 0; index--) {
    const { event } = held[index]!
    if (event.verdict !== "kept") {
      const reason = reasonOf(event)
      const key = `${event.verdict} ${reason}`
      const group = groups.get(key)
      if (group === undefined) {
        groups.set(key, { verdict: event.verdict, reason, count: 1, example: event })
      } else {
        group.count++
      }
    }
  }
  return [...groups.values()].sort((left, right) =>
    Number(right.verdict === "fault") - Number(left.verdict === "fault") || right.count - left.count
  )
}

/** A line with the properties of an event, for the list. */
export const preview = ({ event }: ReceivedEvent): string => {
  const source = event.event_type === "$identify" ? event.user_properties : event.event_properties
  return typeof source === "object" && source !== null ?
    Object.entries(source as Json).slice(0, 6).map(([name, value]) =>
      `${name} ${typeof value === "string" ? cut(value, 32) : brief(value, 32)}`
    ).join("  ·  ") :
    ""
}

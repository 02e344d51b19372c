/**
 * Events that wait, in the order in which they came. What is known of each lies in pages, outside of the heap: its JSON,
 * as it is sent, and a few numbers. So an event that waits is nothing that a garbage collection would have to look at or
 * copy, and what is sent is copied from the pages as it stands.
 *
 * A page is filled from both ends: from the front with JSON and a comma for each event, from the back with a record of
 * each.
 */
import type { EventStorage } from "../../EventStorage.js"
import type { Limits } from "../delivery/batchLimits.js"
import type { Writer } from "../event/jsonWriter.js"
import { readText } from "../event/jsonWriter.js"
import * as Utf8 from "../event/utf8.js"

/** Gives the ids of events by their number. */
export interface Ids {
  readonly idOf: (number: number) => string
}

/** An event that is written, in bytes that are written over later. */
export interface Written {
  readonly writer: Pick<Writer, "at" | "bytes">
  /** Where the JSON of what tells its lane stands. */
  readonly laneFrom: number
  readonly laneTo: number
}

export interface Packed<E> {
  readonly push: (event: EventStorage.EncodedEvent) => void
  /** The same for an event that is only written, and was never carried by a request. */
  readonly write: (ids: Ids, number: number, written: Written) => void
  /** The oldest one, which stays. */
  readonly first: () => E | undefined
  /** Takes out the oldest one. */
  readonly shift: () => E | undefined
  /** Takes out as many of the oldest ones as fit; the first one fits whatever its size. */
  readonly take: (limits: Limits) => Array<E>
  /** Takes out the newest one, whose place is written over then. */
  readonly pop: () => EventStorage.EncodedEvent | undefined
  /** Nothing is read any more from a page of which all events were taken out: it is used again. */
  readonly reuse: (page: Page) => void
}

/** Makes what is handed out of the event with this index in a page, whose JSON takes so many bytes. */
export type Make<E> = (page: Page, index: number, bytes: number) => E

/** What is not in the record of an event that came with an id of its own. */
type Described = Pick<EventStorage.EncodedEvent, "id" | "lane" | "attempts">

const comma = 0x2c

/** The fields of a record, counted back from its beginning: where its JSON ends, its number, where its lane stands. */
const endField = 1
const numberField = 2
const laneFromField = 3
const laneToField = 4
const recordSize = 4
const recordBytes = recordSize * Uint32Array.BYTES_PER_ELEMENT

/** The bytes of a page: of the first one while nothing waits, and at most, unless one event takes more. */
const minBytes = 2048
const maxBytes = 131_072

/** So many pages are kept to be used again: half a megabyte. */
const maxSpare = 4

const maxNumber = 0xffff_ffff

/**
 * It is a class, and so are nodes, because of where the engine puts its objects: those of a literal go to the old part of
 * the heap at once when many of them have lived long, and stay there until a major collection.
 */
export class Page {
  bytes: Uint8Array
  private records: Uint32Array
  /** Where the next event is written. */
  private at = 0
  /** Of the events that are written: who gives their ids, and the number that those of their records count from. */
  private ids: Ids | undefined = undefined
  private base = 0
  /** Of the events that came with an id of their own, by their index. */
  private described: Map<number, Described> | undefined = undefined
  count = 0
  /** How many were taken from its beginning. */
  taken = 0
  /** Of how many nothing is read any more. */
  left = 0
  /** The order of acceptance of its first event. */
  sequence: number
  older: Page | undefined = undefined
  newer: Page | undefined = undefined

  constructor(size: number, sequence: number) {
    const buffer = allocate(size)
    this.bytes = new Uint8Array(buffer)
    this.records = new Uint32Array(buffer)
    this.sequence = sequence
  }

  /** Begins again. */
  clear(sequence: number): void {
    this.at =
      this.base =
      this.count =
      this.taken =
      this.left =
        0
    this.ids = this.described = undefined
    this.sequence = sequence
  }

  get size(): number {
    return this.bytes.length
  }

  /** Whether there is room for an event of as many bytes. */
  hasRoom(length: number): boolean {
    return this.at + length + 1 <= this.size - (this.count + 1) * recordBytes
  }

  /** Whether the number of an event that is written can stand in a record of this page. */
  canNumber(ids: Ids, entry: number): boolean {
    return this.ids === undefined || (this.ids === ids && entry >= this.base && entry - this.base <= maxNumber)
  }

  /** An event whose number cannot, that of another client, is described. */
  write(ids: Ids, entry: number, { laneFrom, laneTo, writer }: Written): void {
    const json = writer.bytes.subarray(0, writer.at)
    if (!this.canNumber(ids, entry)) {
      const lane = laneIn(writer.bytes, laneFrom, laneTo)
      this.describe({ id: ids.idOf(entry), lane, attempts: 0 }, json)
      return
    }
    if (this.ids === undefined) {
      this.ids = ids
      this.base = entry
    }
    const from = this.at
    this.bytes.set(json, from)
    this.record(from + writer.at, entry - this.base, from + laneFrom, from + laneTo)
  }

  describe({ attempts, id, lane }: Described, json: Uint8Array): void {
    this.described ??= new Map()
    this.described.set(this.count, { id, lane, attempts })
    this.bytes.set(json, this.at)
    this.record(this.at + json.length, 0, 0, 0)
  }

  private record(to: number, entry: number, lane: number, laneEnd: number): void {
    const { records } = this
    const record = this.recordOf(this.count++)
    records[record - endField] = to
    records[record - numberField] = entry
    records[record - laneFromField] = lane
    records[record - laneToField] = laneEnd
    this.bytes[to] = comma
    this.at = to + 1
  }

  private recordOf(index: number): number {
    return this.records.length - index * recordSize
  }

  private fieldOf(index: number, field: number): number {
    return this.records[this.recordOf(index) - field]!
  }

  /** Takes back the last event. */
  dropLast(): void {
    this.at = this.startOf(--this.count)
    this.described?.delete(this.count)
  }

  startOf(index: number): number {
    return index === 0 ? 0 : this.endOf(index - 1) + 1
  }

  /** Where the JSON of an event ends: a comma stands there. */
  endOf(index: number): number {
    return this.fieldOf(index, endField)
  }

  /** The number that the event was written with by these ids. */
  numberOf(index: number, ids: Ids): number | undefined {
    return this.ids !== ids || this.described?.has(index) === true
      ? undefined
      : this.base + this.fieldOf(index, numberField)
  }

  idOf(index: number): string {
    return this.described?.get(index)?.id ??
      this.ids!.idOf(this.base + this.fieldOf(index, numberField))
  }

  laneOf(index: number): string {
    const described = this.described?.get(index)
    if (described !== undefined) return described.lane
    return laneIn(this.bytes, this.fieldOf(index, laneFromField), this.fieldOf(index, laneToField))
  }

  attemptsOf(index: number): number {
    return this.described?.get(index)?.attempts ?? 0
  }

  jsonOf(index: number): string {
    return Utf8.decodeRange(this.bytes, this.startOf(index), this.endOf(index))
  }

  /**
   * Nothing is written any more: what was left free is given back, where that is worth a copy. The free middle of a mapped
   * page was never touched, and takes no memory.
   */
  seal(): void {
    const records = this.recordOf(this.count)
    const size = wholeRecords(this.at + this.count * recordBytes)
    if (isMapped(this.size) || size > this.size * maxUsed) return
    const buffer = new ArrayBuffer(size)
    const bytes = new Uint8Array(buffer)
    bytes.set(this.bytes.subarray(0, this.at))
    const packed = new Uint32Array(buffer)
    packed.set(this.records.subarray(records), packed.length - this.count * recordSize)
    this.bytes = bytes
    this.records = packed
  }
}

const isMapped = (size: number): boolean => size >= maxBytes

/**
 * A page that is mapped is given back to the system when it is collected; smaller ones are taken from what the process has,
 * and stay with it. Mapping costs a nanosecond for each byte that is touched, which pages that are used again do not pay.
 * It is never resized.
 */
const allocate = (size: number): ArrayBuffer =>
  isMapped(size) ? new Utf8.ResizableArrayBuffer(size, { maxByteLength: size }) : new ArrayBuffer(size)

/** A page of which at least this part is used is not worth a copy. */
const maxUsed = 0.875

/** A size that records can be counted back from. */
const wholeRecords = (bytes: number): number => Math.ceil(bytes / recordBytes) * recordBytes

/** The lane that a piece of JSON says: a text, or groups as they stand. */
export const laneIn = (bytes: Uint8Array, from: number, to: number): string =>
  from === to ? "{}" : readText(bytes, from, to)

export const make = <E>(makeEvent: Make<E>): Packed<E> => {
  let oldest: Page | undefined
  let newest: Page | undefined
  let sequence = 0
  /** The oldest event, once it was asked for. */
  let head: E | undefined
  /** Pages to be used again. */
  const spare: Array<Page> = []

  /** The more waits, the larger the pages. */
  const newPage = (length: number): Page => {
    const needed = wholeRecords(length + 1 + recordBytes)
    const used = needed <= maxBytes ? spare.pop() : undefined
    if (used === undefined) {
      const wanted = newest === undefined ? minBytes : Math.min(newest.size * 2, maxBytes)
      return new Page(Math.max(wanted, needed), sequence)
    }
    used.clear(sequence)
    return used
  }

  const addPage = (length: number): Page => {
    newest?.seal()
    const page = newPage(length)
    if (newest === undefined) oldest = page
    else newest.newer = page
    page.older = newest
    newest = page
    return page
  }

  const pageFor = (length: number): Page => newest !== undefined && newest.hasRoom(length) ? newest : addPage(length)

  const eventAt = (page: Page, index: number): E => makeEvent(page, index, page.endOf(index) - page.startOf(index))

  const first = (): E | undefined => head ??= oldest === undefined ? undefined : eventAt(oldest, oldest.taken)

  /** Takes out a page in which nothing is left. */
  const remove = (page: Page): void => {
    const { newer, older } = page
    if (older === undefined) oldest = newer
    else older.newer = newer
    if (newer === undefined) newest = older
    else newer.older = older
    page.older = page.newer = undefined
  }

  return {
    push: (event) => {
      const json = Utf8.encode(event.json)
      pageFor(json.length).describe(event, json)
      sequence++
    },
    write: (ids, entry, written) => {
      pageFor(written.writer.at).write(ids, entry, written)
      sequence++
    },
    first,
    shift: () => {
      const event = first()
      if (oldest === undefined) return undefined
      head = undefined
      if (++oldest.taken === oldest.count) remove(oldest)
      return event
    },
    take: ({ bytes, count }) => {
      head = undefined
      const events: Array<E> = []
      let room = bytes
      while (oldest !== undefined) {
        const page = oldest
        let start = page.startOf(page.taken)
        while (page.taken < page.count) {
          const end = page.endOf(page.taken)
          // with its comma
          room -= end - start + 1
          if (events.length >= count || (events.length > 0 && room < 0)) return events
          events.push(makeEvent(page, page.taken++, end - start))
          start = end + 1
        }
        remove(page)
      }
      return events
    },
    pop: () => {
      if (newest === undefined) return undefined
      const page = newest
      const index = page.count - 1
      const event = {
        id: page.idOf(index),
        lane: page.laneOf(index),
        json: page.jsonOf(index),
        attempts: page.attemptsOf(index)
      }
      page.dropLast()
      sequence--
      if (page.taken === page.count) {
        head = undefined
        remove(page)
      }
      return event
    },
    reuse: (page) => {
      if (page.taken === page.count && page.size === maxBytes && spare.length < maxSpare) spare.push(page)
    }
  }
}

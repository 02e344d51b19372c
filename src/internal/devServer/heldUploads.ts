/**
 * The uploads that are held, within bounds on events, requests and bytes. Of an event its text is held, as a part of
 * its upload, and it is read again when somebody asks: objects of thousands of events would be walked over by each
 * collection of garbage.
 */
import type * as Option from "effect/Option"
import type { DevServer } from "../../DevServer.js"
import * as Body from "./body.js"
import type * as Model from "./model.js"
import * as RequestBody from "./requestBody.js"

/** What was found out about an event when it arrived, and cannot be found out again. */
export interface Note {
  readonly verdict: typeof Model.Verdict.Type
  readonly of?: string
  readonly because?: string
  readonly changes: ReadonlyArray<typeof Model.Change.Type>
}

/** A body that was read again. */
export interface Content {
  readonly events: ReadonlyArray<unknown>
  readonly minIdLength: number
}

/** An upload and its answer. */
export interface HeldUpload {
  /** Its events are numbered from the number that comes next. */
  readonly number: number
  readonly apiKey: string
  readonly path: string
  readonly text: string
  readonly bytes: number
  readonly headers: { readonly [name: string]: string }
  readonly remoteAddress: Option.Option<string>
  readonly now: number
  readonly library: string
  readonly answer: DevServer.Answer
  /** Why it was answered in place of the service, if it was. */
  readonly inPlaceBecause?: string
  /** How many events came, and a note for each one that is held. */
  readonly events: number
  readonly notes: ReadonlyArray<Note>
}

interface Slot {
  readonly upload: HeldUpload
  /** The index of the first event that is still held. */
  first: number
  content: WeakRef<Content> | undefined
}

const maxRequests = 1000

/** Of all texts together. */
const maxCharacters = 128_000_000

/** Of the texts of those requests together whose events were all pushed out. */
const maxCharactersWithoutEvents = 16_000_000

/** An upload with the events of it that are held. */
export interface Found {
  readonly upload: HeldUpload
  readonly first: number
  readonly content: Content
}

/** The uploads of all projects, oldest first. */
export class HeldUploads {
  readonly #maxEvents: number
  #slots: Array<Slot> = []
  #events = 0
  #characters = 0
  #charactersWithoutEvents = 0
  #droppedEvents = 0
  #droppedRequests = 0

  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents
  }

  /** How many were pushed out. */
  get dropped(): { readonly events: number; readonly requests: number } {
    return { events: this.#droppedEvents, requests: this.#droppedRequests }
  }

  /** All of them, oldest first. */
  get all(): ReadonlyArray<HeldUpload> {
    return this.#slots.map(({ upload }) => upload)
  }

  /** Adds an upload and pushes out what is too much. */
  add(upload: HeldUpload): void {
    this.#slots.push({ upload, first: 0, content: undefined })
    this.#events += upload.notes.length
    this.#characters += upload.text.length
    this.#charactersWithoutEvents += upload.notes.length === 0 ? upload.text.length : 0
    this.#droppedEvents += upload.events - upload.notes.length
    this.#unlist()
    this.#pushOut()
  }

  /** Drops the oldest request from the list when there are too many. It is forgotten as well, unless it has events. */
  #unlist(): void {
    const place = this.#slots.length - 1 - maxRequests
    const slot = this.#slots[place]
    if (slot !== undefined) {
      this.#droppedRequests++
      if (isEmpty(slot)) {
        this.#forgetText(slot)
        this.#slots.splice(place, 1)
      }
    }
  }

  #forgetText(slot: Slot): void {
    this.#characters -= slot.upload.text.length
    this.#charactersWithoutEvents -= isEmpty(slot) ? slot.upload.text.length : 0
  }

  #pushOut(): void {
    let gone = 0
    let index = 0
    // Events go first: their request stays as long as it is one of the newest.
    while (this.#events > this.#maxEvents) {
      const slot = this.#slots[index++]
      if (slot === undefined) {
        break
      }
      const surplus = Math.min(slot.upload.notes.length - slot.first, this.#events - this.#maxEvents)
      slot.first += surplus
      this.#events -= surplus
      this.#droppedEvents += surplus
      if (surplus > 0 && isEmpty(slot)) {
        this.#charactersWithoutEvents += slot.upload.text.length
      }
    }
    for (const slot of this.#slots) {
      const isListed = this.#slots.length - gone <= maxRequests
      if (this.#characters <= maxCharacters && (isListed || !isEmpty(slot))) {
        break
      }
      const left = slot.upload.notes.length - slot.first
      gone++
      this.#forgetText(slot)
      this.#events -= left
      this.#droppedEvents += left
      this.#droppedRequests += isListed ? 1 : 0
    }
    this.#slots.splice(0, gone)
    if (this.#charactersWithoutEvents > maxCharactersWithoutEvents) {
      this.#pushOutEmpty()
    }
  }

  #pushOutEmpty(): void {
    const firstListed = this.#slots.length - maxRequests
    this.#slots = this.#slots.filter((slot, place) => {
      const stays = !isEmpty(slot) || this.#charactersWithoutEvents <= maxCharactersWithoutEvents
      if (!stays) {
        this.#forgetText(slot)
        this.#droppedRequests += place >= firstListed ? 1 : 0
      }
      return stays
    })
  }

  #found(slot: Slot): Found {
    const { first, upload } = slot
    const known = slot.content?.deref()
    if (known !== undefined) {
      return { upload, first, content: known }
    }
    const body = upload.notes.length === 0 ? undefined : Body.parse(upload.text, upload.path)
    const content: Content = body === undefined ?
      { events: [], minIdLength: 0 } :
      { events: RequestBody.eventsOf(body), minIdLength: RequestBody.minIdLengthOf(body) }
    slot.content = new WeakRef(content)
    return { upload, first, content }
  }

  /** The place of the newest upload whose number is at most the given one; -1 without one. */
  #placeOf(number: number): number {
    let low = 0
    let high = this.#slots.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#slots[middle]?.upload.number ?? 0) <= number) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low - 1
  }

  /** The upload of an event. */
  ofEvent(number: number): Found | undefined {
    const slot = this.#slots[this.#placeOf(number)]
    const index = slot === undefined ? -1 : number - slot.upload.number - 1
    return slot !== undefined && index >= slot.first && index < slot.upload.notes.length ? this.#found(slot) : undefined
  }

  /** Those with events that are held, of one API key or all, oldest first, from one number on. */
  *oldestFirst(apiKey: string | undefined, from = 0): Generator<Found> {
    for (const slot of this.#slots.slice(Math.max(0, this.#placeOf(from)))) {
      if (hasEvents(slot, apiKey)) {
        yield this.#found(slot)
      }
    }
  }

  /** Those with events that are held, of one API key or all, newest first. */
  *newestFirst(apiKey: string | undefined): Generator<Found> {
    for (const slot of this.#slots.slice().reverse()) {
      if (hasEvents(slot, apiKey)) {
        yield this.#found(slot)
      }
    }
  }

  /** The requests that are listed, of one API key or all, oldest first. */
  requests(apiKey: string | undefined): ReadonlyArray<HeldUpload> {
    return this.#slots.slice(-maxRequests)
      .filter(({ upload }) => apiKey === undefined || upload.apiKey === apiKey)
      .map(({ upload }) => upload)
  }

  /** A request that is listed. */
  request(number: number): HeldUpload | undefined {
    const place = this.#placeOf(number)
    const upload = place >= this.#slots.length - maxRequests ? this.#slots[place]?.upload : undefined
    return upload?.number === number ? upload : undefined
  }

  /** Forgets those of one API key, or all. */
  clear(apiKey: string | undefined): void {
    this.#slots = apiKey === undefined ? [] : this.#slots.filter(({ upload }) => upload.apiKey !== apiKey)
    this.#events = this.#slots.reduce((sum, { first, upload }) => sum + upload.notes.length - first, 0)
    this.#characters = this.#slots.reduce((sum, { upload }) => sum + upload.text.length, 0)
    this.#charactersWithoutEvents = this.#slots.filter(isEmpty)
      .reduce((sum, { upload }) => sum + upload.text.length, 0)
    if (apiKey === undefined) {
      this.#droppedEvents = 0
      this.#droppedRequests = 0
    }
  }
}

const isEmpty = ({ first, upload }: Slot): boolean => first === upload.notes.length

const hasEvents = (slot: Slot, apiKey: string | undefined): boolean =>
  !isEmpty(slot) && (apiKey === undefined || slot.upload.apiKey === apiKey)

/**
 * Holds uploads, with limits on events, requests and characters. An upload is held as text, and its events are parsed
 * when they are read: the objects of thousands of events would slow down every garbage collection.
 */
import type * as Option from "effect/Option"
import type { DevServer } from "../../DevServer.js"
import * as Body from "./body.js"
import type * as Model from "./model.js"
import * as RequestBody from "./requestBody.js"

/** The verdict of an event, and other results that depend on the time of its arrival. */
export interface Note {
  readonly verdict: typeof Model.Verdict.Type
  readonly of?: string
  readonly because?: string
  readonly changes: ReadonlyArray<typeof Model.Change.Type>
}

/** A body that was parsed again. */
export interface Content {
  readonly events: ReadonlyArray<unknown>
  readonly minIdLength: number
}

/** An upload and its answer. */
export interface HeldUpload {
  /** The number of the upload. Its events have the numbers that follow. */
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
  /** Why a fault or `intercept` answered the upload, if one did. */
  readonly inPlaceBecause?: string
  /** How many events arrived, and a note for each held one. */
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

/** The most characters of all texts. */
const maxCharacters = 128_000_000

/** The most characters of the requests without held events. */
const maxCharactersWithoutEvents = 16_000_000

/** An upload with its held events. */
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

  /** How many events and requests were dropped. */
  get dropped(): { readonly events: number; readonly requests: number } {
    return { events: this.#droppedEvents, requests: this.#droppedRequests }
  }

  /** All held uploads, oldest first. */
  get all(): ReadonlyArray<HeldUpload> {
    return this.#slots.map(({ upload }) => upload)
  }

  /** Adds an upload, and drops old events and requests over the limits. */
  add(upload: HeldUpload): void {
    this.#slots.push({ upload, first: 0, content: undefined })
    this.#events += upload.notes.length
    this.#characters += upload.text.length
    this.#charactersWithoutEvents += upload.notes.length === 0 ? upload.text.length : 0
    this.#droppedEvents += upload.events - upload.notes.length
    this.#unlist()
    this.#pushOut()
  }

  /** Removes the oldest request from the list if there are too many. It is forgotten if it has no held events. */
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
    // the request of a dropped event stays while it is one of the newest requests
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

  /** The index of the newest upload with at most the given number, or -1. */
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

  /** The uploads with held events from a number on, of one API key or all, oldest first. */
  *oldestFirst(apiKey: string | undefined, from = 0): Generator<Found> {
    for (const slot of this.#slots.slice(Math.max(0, this.#placeOf(from)))) {
      if (hasEvents(slot, apiKey)) {
        yield this.#found(slot)
      }
    }
  }

  /** The uploads with held events, of one API key or all, newest first. */
  *newestFirst(apiKey: string | undefined): Generator<Found> {
    for (const slot of this.#slots.slice().reverse()) {
      if (hasEvents(slot, apiKey)) {
        yield this.#found(slot)
      }
    }
  }

  /** The listed requests, of one API key or all, oldest first. */
  requests(apiKey: string | undefined): ReadonlyArray<HeldUpload> {
    return this.#slots.slice(-maxRequests)
      .filter(({ upload }) => apiKey === undefined || upload.apiKey === apiKey)
      .map(({ upload }) => upload)
  }

  /** A listed request by its number. */
  request(number: number): HeldUpload | undefined {
    const place = this.#placeOf(number)
    const upload = place >= this.#slots.length - maxRequests ? this.#slots[place]?.upload : undefined
    return upload?.number === number ? upload : undefined
  }

  /** Forgets the uploads of one API key, or all. */
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

/**
 * Events in `localStorage` that wait for the next page of this origin with the same project.
 *
 * Every page has its own keys, so that pages that are left at the same time do not overwrite each other's events. If
 * several pages begin at the same time, each of them can take the same events, and Amplitude drops the duplicates.
 */
import * as Arr from "effect/Array"
import type * as Clock from "effect/Clock"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { EventStorage } from "../../EventStorage.js"
import { apiKeyOf } from "../apiKey.js"
import * as InsertId from "../event/insertId.js"
import { encode, textOf } from "../event/utf8.js"

type EncodedEvent = EventStorage.EncodedEvent

/** The events of a key. The JSON of an event stays a text, so that its bytes do not change. */
const Stored = Schema.parseJson(Schema.NonEmptyArray(Schema.Struct({
  lane: Schema.String,
  attempts: Schema.Number,
  retries: Schema.Number,
  json: Schema.String
})))

const decode = Schema.decodeUnknownOption(Stored)

/** The most events of a key. If there is no room for all events, the others are lost. */
const eventsOfKey = 100

/** The client of the events that earlier pages have left. */
const earlierPages = "earlier pages"

export interface Leftovers {
  /** Stores events of this page. The result is the number of events that the browser did not take. */
  readonly store: (events: ReadonlyArray<EncodedEvent>) => number
  /** Removes the events that this page has stored. */
  readonly clear: () => void
  /** Takes the events that earlier pages have stored. */
  readonly take: () => ReadonlyArray<EncodedEvent>
}

/** `settings` are read for each use, since the API key can change. */
export const make = (settings: () => AmplitudeConfig.Settings, clock: Clock.Clock): Leftovers => {
  /** The name of this page, if it has stored events: pages are in the order in which they were left. */
  let page: string | undefined
  let ownKeys: Array<string> = []

  const prefix = (): string => `effect-amplitude/${Hash.string(apiKeyOf(settings()))}/`

  /** The keys of a page are in the order of their events. Events of earlier pages come before its own. */
  const keyOf = ({ clientId, sequence }: EncodedEvent): string => {
    page ??= `${clock.unsafeCurrentTimeMillis()}/${InsertId.randomUuidText()}`
    return `${prefix()}${page}/${clientId === earlierPages ? 0 : 1}/${String(sequence).padStart(16, "0")}`
  }

  return {
    store: (events) =>
      Arr.chunksOf(events, eventsOfKey).reduce((lost, chunk) => {
        const key = keyOf(chunk[0])
        if (!isDone(() => localStorage.setItem(key, JSON.stringify(chunk.map(toStored))))) return lost + chunk.length
        ownKeys.push(key)
        return lost
      }, 0),
    clear: () => {
      for (const key of ownKeys) isDone(() => localStorage.removeItem(key))
      ownKeys = []
      page = undefined
    },
    take: () => {
      const before = prefix()
      return keys().filter((key) => key.startsWith(before)).sort().flatMap((key) => {
        const stored = ifAllowed(() => localStorage.getItem(key))
        isDone(() => localStorage.removeItem(key))
        return Option.getOrElse(Option.flatMap(stored, decode), () => [])
      }).map(toEvent)
    }
  }
}

/** A browser can refuse the access to its storage, and an origin has a quota. */
const ifAllowed = <A>(access: () => A): Option.Option<A> => Option.liftThrowable(access)()

const isDone = (access: () => void): boolean => Option.isSome(ifAllowed(access))

const keys = (): ReadonlyArray<string> =>
  Option.getOrElse(
    ifAllowed(() => Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index) ?? "")),
    () => []
  )

const toStored = (event: EncodedEvent): typeof Stored.Type[number] => ({
  lane: event.lane,
  attempts: event.attempts,
  retries: event.retries,
  json: textOf(event)
})

const toEvent = ({ json, ...stored }: typeof Stored.Type[number], index: number): EncodedEvent => {
  const buffer = encode(json)
  return { ...stored, clientId: earlierPages, sequence: index + 1, buffer, start: 0, end: buffer.length }
}

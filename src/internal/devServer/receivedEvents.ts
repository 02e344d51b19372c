/** Makes the shown events from the held uploads. */
import * as Predicate from "effect/Predicate"
import type { DevServer } from "../../DevServer.js"
import { shown } from "./depth.js"
import type { Found, HeldUpload, Note } from "./heldUploads.js"
import type { JsonObject } from "./jsonObject.js"
import { alter, complete } from "./keptEvent.js"
import { mask } from "./mask.js"
import type * as Model from "./model.js"
import { reasonsOf } from "./reasons.js"

/** Finds how an event differs from the tracking plan. */
export type Violations = (event: JsonObject) => ReadonlyArray<typeof Model.Violation.Type>

const none: ReadonlyArray<never> = []

const fieldsOf = (event: unknown): JsonObject => Predicate.isRecord(event) ? event : {}

/** The library that sent an event: its field `library`, or else the library of the request. */
export const libraryOf = ({ library }: JsonObject, ofRequest: string): string =>
  Predicate.isString(library) ? library : ofRequest

const receivedEvent = (
  upload: HeldUpload,
  index: number,
  { because, of, verdict }: Note,
  given: unknown,
  minIdLength: number,
  violations: Violations
): typeof Model.ReceivedEvent.Type => {
  // the service keeps no event that nests too deep
  const event = verdict === "kept" || verdict === "duplicate" ? fieldsOf(given) : fieldsOf(shown(given))
  const altered = verdict === "kept" ? alter(event) : undefined
  return {
    id: String(upload.number + 1 + index),
    project: mask(upload.apiKey),
    receivedAt: upload.now,
    request: String(upload.number),
    library: libraryOf(event, upload.library),
    verdict,
    reasons: verdict === "fault" ? reasonsOf(given, minIdLength) : none,
    ...(because === undefined ? undefined : { because }),
    ...(of === undefined ? undefined : { of }),
    alterations: altered?.alterations ?? none,
    violations: altered === undefined ? none : violations(altered.event),
    event
  }
}

const noNote: Note = { verdict: "kept", changes: [] }

/** The held events of an upload, in order. */
export const receivedOf = (
  { content, first, upload }: Found,
  violations: Violations
): ReadonlyArray<typeof Model.ReceivedEvent.Type> =>
  upload.notes.slice(first).map((note, place) => {
    const index = first + place
    return receivedEvent(upload, index, note, content.events[index], content.minIdLength, violations)
  })

/** One event of an upload. */
export const receivedAt = (
  { content, upload }: Found,
  index: number,
  violations: Violations
): typeof Model.ReceivedEvent.Type =>
  receivedEvent(upload, index, upload.notes[index] ?? noNote, content.events[index], content.minIdLength, violations)

/** The kept events of an upload, as the service keeps them. */
export const keptOf = ({ content, first, upload }: Found): ReadonlyArray<DevServer.KeptEvent> =>
  upload.notes.slice(first).flatMap(({ verdict }, place) =>
    verdict === "kept" ? [complete(alter(fieldsOf(content.events[first + place])).event, upload)] : []
  )

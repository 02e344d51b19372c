/** Explains in plain words why events are refused. */
import * as Predicate from "effect/Predicate"
import type { Answer } from "./answers.js"
import { shown } from "./depth.js"
import { endpoints } from "./endpoints.js"
import { type Fault, faultsOf, idFields, isRefusedId, maxDepth, wantedOf } from "./eventFaults.js"
import { isJsonObject, type JsonObject } from "./jsonObject.js"
import { type Body, eventCount } from "./requestBody.js"

/** One fault of an event. */
export interface Reason {
  readonly path: string
  readonly given?: unknown
  readonly wanted: string
  readonly fix: string
  readonly doc: string
}

const keysOfEvent = "HTTP V2 API, Keys for the event argument"

/** The reasons for all faults of an event. */
export const reasonsOf = (event: unknown, minIdLength: number): ReadonlyArray<Reason> => {
  if (!isJsonObject(event)) {
    return [{
      path: "",
      given: shown(event),
      wanted: "a JSON object",
      fix: "Send each event as an object with an event_type",
      doc: keysOfEvent
    }]
  }
  return [
    ...faultsOf(event, 0, minIdLength).map(({ field, kind }) => reasonOf(event, field, kind, minIdLength)),
    ...idFields.filter((field) => isRefusedId(event[field])).map((field): Reason => ({
      path: field,
      given: event[field],
      wanted: "an id of one user or device",
      fix: `Leave ${field} out until the id is known`,
      doc: "Invalid user_id or device_id"
    }))
  ]
}

const reasonOf = (event: JsonObject, field: string, kind: Fault["kind"], minIdLength: number): Reason => {
  if (kind === "missing") {
    return {
      path: field,
      wanted: field === "event_type" ? "a text" : "user_id or device_id",
      fix: field === "event_type" ? "Add the name of the event" : "Add user_id, device_id or both",
      doc: "events_with_missing_fields"
    }
  }
  const given = shown(event[field])
  if (kind === "short") {
    return {
      path: field,
      given,
      wanted: `at least ${minIdLength} characters`,
      fix: "Send a longer id, or set options.min_id_length of the request",
      doc: "events_with_invalid_id_lengths"
    }
  }
  const wanted = wantedOf(field, event[field])
  return {
    path: field,
    given,
    wanted: wanted ?? `at most ${maxDepth} levels of objects and arrays`,
    fix: wanted === undefined ? `Send ${field} with fewer levels` : `Send ${field} as ${wanted}, or leave it out`,
    doc: "events_with_invalid_fields"
  }
}

/** Why events without a fault of their own are refused. `reasons` holds the reasons of each event of the request. */
export const becauseOf = (
  { body, status }: Answer,
  { bytes, body: sent, path }: { readonly path: string; readonly bytes: number; readonly body: Body },
  reasons: ReadonlyArray<ReadonlyArray<Reason>>
): string => {
  const endpoint = endpoints.get(path)
  if (endpoint === undefined) {
    return `No API of Amplitude takes events at ${path}: send to /2/httpapi or /batch`
  }
  if (status === 413) {
    return bytes > endpoint.maxBytes ?
      `The request has ${bytes} bytes: ${path} takes at most ${endpoint.maxBytes}` :
      `The request has ${eventCount(sent)} events: ${path} takes at most ${endpoint.maxEvents}`
  }
  if (status === 429) {
    return `Users or devices of the request sent too much: ${path} takes ${endpoint.eventsPerSecond} ` +
      `events a second of each, as an average over 30 seconds`
  }
  const index = reasons.findIndex((reasons) => reasons.length > 0)
  const reason = reasons[index]?.[0]
  // the error repeats the API key, which is never shown
  const error = String(body.error).replace(/^Invalid API key: .*/s, "Invalid API key")
  return reason === undefined ?
    `${error}${Predicate.isString(body.missing_field) ? `: ${body.missing_field}` : ""}` :
    `Event ${index + 1} of the request is at fault (${reason.path}): the service refuses all of them`
}

/** Writes events and requests as text: exports, curl commands, advice. */
import * as Predicate from "effect/Predicate"
import { chosenOf } from "./chosen.js"
import { splitAtKeys } from "./mask.js"
import { userOf } from "./matching.js"
import type * as Model from "./model.js"

type Received = typeof Model.ReceivedEvent.Type

const columns = ["receivedAt", "verdict", "event_type", "user", "insert_id", "library", "why", "event"] as const

/** A cell of CSV. A spreadsheet would run a text that begins with one of these characters as a formula. */
const cell = (value: unknown): string => {
  const text = value === undefined ? "" : Predicate.isString(value) ? value : JSON.stringify(value)
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, "\"\"")}"` : safe
}

/** Why an event was not kept, in one line. */
export const why = ({ because, of, reasons, verdict }: Received): string =>
  verdict === "duplicate" ?
    `the same insert_id as event ${of}` :
    because ?? reasons.map(({ path, wanted }) => `${path}: ${wanted}`).join("; ")

const row = (received: Received): string =>
  [
    received.receivedAt,
    received.verdict,
    received.event.event_type,
    userOf(received.event),
    received.event.insert_id,
    received.library,
    why(received),
    received.event
  ].map(cell).join(",")

/** A TypeScript module with the events as an array for `Recorder.expect`. */
const fixture = (events: ReadonlyArray<Received>): string =>
  `export const events = ${
    JSON.stringify(events.map(({ event }) => chosenOf(event)), null, 2)
      // in a literal, `__proto__: x` would set the prototype
      .replace(/^( *)"__proto__":/gm, "$1[\"__proto__\"]:")
  } as const\n`

/** Writes events, oldest first. */
export const write = (events: ReadonlyArray<Received>, format: "ndjson" | "csv" | "fixture"): string =>
  format === "csv" ?
    [columns.join(","), ...events.map(row)].map((line) => `${line}\r\n`).join("") :
    format === "fixture" ?
    fixture(events) :
    events.map(({ event }) => `${JSON.stringify(event)}\n`).join("")

const quote = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`

/** The command that sends a body again. The API key `key` becomes a variable of the shell. */
export const curl = (url: string, contentType: string, body: string, key: string): string =>
  // curl reads a file where `--data-binary` begins with `@`
  `curl ${quote(url)} -H ${quote(`content-type: ${contentType}`)} --data-${body.startsWith("@") ? "raw" : "binary"} ` +
  splitAtKeys(body, key)
    .map((part, index) => index % 2 === 0 ? quote(part) : "\"$AMPLITUDE_API_KEY\"")
    .join("")

const stop = "Stop: the same request would be refused again."

const adviceAt400 = (body: unknown): string => {
  const { error, missing_field } = (Predicate.isRecord(body) ? body : {}) as Record<string, unknown>
  return Predicate.isString(missing_field) ?
    `${stop} It has no ${missing_field}.` :
    /^Invalid API key/.test(String(error)) ?
    `${stop} The service does not know the API key.` :
    error === "Invalid JSON request body" || error === "Missing request body" || error === "Invalid request path" ?
    stop :
    "Drop the events at fault and send the others again at once. The same request would be refused again."
}

/** What an SDK should do after an answer with this status and body, to a request with this number of events. */
export const advice = (status: number, events: number, body?: unknown, path?: string): string =>
  status >= 200 && status < 300 ?
    "Nothing: the events are delivered." :
    status === 413 ?
    (events > 1 ?
      "Split the batch in halves and send each one at once." :
      "Drop the event: one event that is too large can never be sent.") :
    status === 429 ?
    `Wait ${path === "/batch" ? 15 : 30} seconds, then send the events of the throttled users and devices again; ` +
    "send the others at once." :
    status === 400 ?
    adviceAt400(body) :
    status === 0 || status === 408 || status >= 500 ?
    "Send the same events again, each time after a longer wait. Keep each insert_id, so that none is counted twice." :
    stop

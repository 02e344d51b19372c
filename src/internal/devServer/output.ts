/** Writes events and requests as text: exports, curl commands, advice. */
import * as Predicate from "effect/Predicate"
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

/** Writes events, oldest first. */
export const write = (events: ReadonlyArray<Received>, format: "ndjson" | "csv" | "fixture"): string =>
  format === "csv" ?
    [columns.join(","), ...events.map(row)].map((line) => `${line}\r\n`).join("") :
    format === "fixture" ?
    `export const events = ${JSON.stringify(events.map(({ event }) => event), null, 2)} as const\n` :
    events.map(({ event }) => `${JSON.stringify(event)}\n`).join("")

const quote = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`

/** The command that sends a body again. The API key `key` becomes a variable of the shell. */
export const curl = (url: string, contentType: string, body: string, key: string): string =>
  `curl ${quote(url)} -H ${quote(`content-type: ${contentType}`)} --data-binary ` +
  (key === "" ? [body] : body.split(key)).map(quote).join("\"$AMPLITUDE_API_KEY\"")

/** What an SDK should do after an answer. */
export const advice = (status: number, events: number): string =>
  status >= 200 && status < 300 ?
    "Nothing: the events are delivered." :
    status === 413 ?
    (events > 1 ?
      "Split the batch in halves and send each one at once." :
      "Drop the event: one event that is too large can never be sent.") :
    status === 429 ?
    "Wait 30 seconds, then send the events of the throttled users and devices again; send the others at once." :
    status === 400 ?
    "Drop the events at fault and send the others again at once. The same request would be refused again." :
    status === 0 || status === 408 || status >= 500 ?
    "Send the same events again, each time after a longer wait. Keep each insert_id, so that none is counted twice." :
    "Stop: the same request would be refused again."

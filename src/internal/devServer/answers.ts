/** The answers of the service. */
import type { JsonObject } from "./jsonObject.js"

/** An answer of the service. */
export interface Answer {
  readonly status: number
  readonly body: JsonObject
}

/** The answer to an accepted upload. */
export const accepted = (events: number, bytes: number, now: number): Answer => ({
  status: 200,
  body: {
    code: 200,
    // Amplitude HTTP V2 API, deduplication: duplicates count as ingested
    events_ingested: events,
    payload_size_bytes: bytes,
    server_upload_time: now
  }
})

/** The answer to a refused upload. */
export const refusal = (code: number, error: string, details: JsonObject = {}): Answer => ({
  status: code,
  body: { code, error, ...details }
})

/** The answer at a path without an endpoint. */
export const invalidPath: Answer = refusal(400, "Invalid request path")

/** The answer to too many bytes or events. */
export const payloadTooLarge: Answer = refusal(413, "Payload too large")

/** The answer to wrong `options`. Amplitude does not document its text. */
export const invalidOptions: Answer = refusal(400, "Invalid options")

/** The answer to a request without one of its fields. */
export const missingField = (field: string): Answer =>
  refusal(400, "Request missing required field", { missing_field: field })

/** Makes the answers about requests. */
import * as Arr from "effect/Array"
import * as Predicate from "effect/Predicate"
import type { HeldUpload } from "./heldUploads.js"
import { mask, masked } from "./mask.js"
import type * as Model from "./model.js"
import * as Output from "./output.js"

type Received = typeof Model.ReceivedEvent.Type

/** A request in a list. */
export const summaryOf = (
  { answer, apiKey, bytes, events, library, now, number, path }: HeldUpload
): typeof Model.RequestSummary.Type => ({
  id: String(number),
  project: mask(apiKey),
  receivedAt: now,
  path,
  status: answer.status,
  events,
  bytes,
  library
})

const jsonText = (body: unknown): string =>
  body === undefined ? "" : Predicate.isString(body) ? body : JSON.stringify(body)

const keyOf = ({ event: { device_id, insert_id, user_id } }: Received): string =>
  Predicate.isString(insert_id) ? JSON.stringify([device_id ?? user_id, insert_id]) : ""

/** A request with its details. `events` are all events of its project, oldest first. */
export const detailOf = (
  upload: HeldUpload,
  events: ReadonlyArray<Received>,
  url: string
): typeof Model.RequestDetail.Type => {
  const { answer, apiKey, headers, number, path, text } = upload
  const id = String(number)
  const own = events.filter(({ request }) => request === id)
  const keys = new Set(own.map(keyOf).filter((key) => key !== ""))
  const again = events.filter((event) => Number(event.request) > number && keys.has(keyOf(event)))
  return {
    ...summaryOf(upload),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, masked(value, apiKey)])),
    body: masked(text, apiKey),
    answer: { status: answer.status, headers: { ...answer.headers }, body: masked(jsonText(answer.body), apiKey) },
    advice: Output.advice(answer.status, upload.events, answer.body, path),
    resends: Arr.dedupe(again.map(({ request }) => request)),
    curl: Output.curl(`${url}${path}`, headers["content-type"] ?? "application/json", text, apiKey),
    eventIds: own.map(({ id }) => id)
  }
}

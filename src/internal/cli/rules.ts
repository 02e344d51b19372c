/** What the ingestion service would refuse of one event: every fault of it. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Ingestion from "../devServer/ingestion.js"
import { kindOf } from "../event/properties.js"
import type { Fields } from "./input.js"
import type { Reason } from "./reasons.js"

const wanted: { readonly [field: string]: string | undefined } = {
  event_type: "a string that is not blank",
  time: "an integer: milliseconds since 1970",
  session_id: "an integer: milliseconds since 1970, or -1",
  event_id: "an integer",
  quantity: "an integer",
  price: "a number",
  revenue: "a number",
  location_lat: "a number",
  location_lng: "a number",
  $skip_user_properties_sync: "true or false",
  event_properties: "an object that is nested at most 40 deep",
  user_properties: "an object that is nested at most 40 deep",
  group_properties: "an object that is nested at most 40 deep",
  groups: "an object of names, or lists of names, by their types",
  plan: "an object"
}

const take = Ingestion.ingest({ rateLimit: false })

/** None where the service would take the event. */
export const faultsOf = (event: Fields, bytes: number, minIdLength: number | undefined): ReadonlyArray<Reason> => {
  const { answer } = take(Ingestion.initial, {
    path: "/batch",
    body: Either.right({
      api_key: "key",
      events: [event],
      ...(minIdLength === undefined ? undefined : { options: { min_id_length: minIdLength } })
    }),
    bytes,
    remoteAddress: Option.none(),
    now: 0
  })
  if (answer.status === 200) return []
  const fieldsOf = (key: string): ReadonlyArray<string> => Object.keys(answer.body[key] ?? {})
  const reasons: ReadonlyArray<Reason> = [
    ...fieldsOf("events_with_missing_fields").map((field) => ({
      path: field,
      given: "nothing",
      wanted: field === "event_type" ? "the name of the event" : "a user_id or a device_id",
      fix: `Add ${field}.`,
      doc: "events_with_missing_fields"
    })),
    ...fieldsOf("events_with_invalid_fields").map((field) => ({
      path: field,
      given: kindOf(event[field]),
      wanted: wanted[field] ?? "a string",
      fix: `Make it ${wanted[field] ?? "a string"}.`,
      doc: "events_with_invalid_fields"
    })),
    ...fieldsOf("events_with_invalid_id_lengths").map((field) => ({
      path: field,
      given: `a string of ${String(event[field]).length} characters`,
      wanted: `at least ${minIdLength ?? 5} characters`,
      fix: "Send a longer id, or set --min-id-length.",
      doc: "events_with_invalid_id_lengths"
    }))
  ]
  return reasons.length > 0 ? reasons : [otherFault(event, answer)]
}

const otherFault = (event: Fields, { body, status }: Ingestion.Answer): Reason => {
  if (status === 413) {
    return {
      path: "",
      given: "a too large event",
      wanted: "at most 20 MB",
      fix: "Send less.",
      doc: "Payload too large"
    }
  }
  const field = ["user_id", "device_id"].find((field) => {
    const id = event[field]
    return typeof id === "string" && refusedId.test(id)
  })
  return {
    path: field ?? "",
    given: "an id that stands for no one",
    wanted: "the id of one user or device",
    fix: `Leave out ${field ?? "the id"} where it is not known. The service says: ${String(body["error"])}.`,
    doc: "Invalid user_id or device_id"
  }
}

const refusedId = /^(?:anonymous|nil|none|null|n\/a|na|undefined|unknown||0{8}-0{4}-0{4}-0{4}-0{12}|\{\}|lmy47d|0|-1)$/i

/**
 * Converts events of Amplitude's Export API, and of its exports to S3 and GCS, into events for the ingestion API. The
 * two APIs name the same fields differently.
 */
import type { Fields } from "./input.js"

/** The fields with the same name and type in both APIs. */
const same = [
  "user_id",
  "device_id",
  "session_id",
  "event_id",
  "event_type",
  "event_properties",
  "user_properties",
  "groups",
  "platform",
  "os_name",
  "os_version",
  "device_brand",
  "device_manufacturer",
  "device_model",
  "country",
  "region",
  "city",
  "dma",
  "language",
  "location_lat",
  "location_lng",
  "idfa",
  "idfv",
  "adid",
  "partner_id"
] as const

const renamed = [
  ["device_carrier", "carrier"],
  ["ip_address", "ip"],
  ["version_name", "app_version"]
] as const

/** The fields with the time, the best first. `event_time` is the time of the client, corrected by the service. */
const times = ["event_time", "client_event_time", "server_received_time", "server_upload_time"] as const

/** Converts one event. Fields that the service made, such as ids, other times and `paying`, cannot be sent. */
export const fromExport = (exported: Fields): Fields => {
  const event: Record<string, unknown> = {}
  const put = (name: string, value: unknown): void => {
    if (value !== null && value !== undefined && !isEmpty(value)) event[name] = value
  }
  for (const name of same) put(name, exported[name])
  for (const [from, to] of renamed) put(to, exported[from])
  put("insert_id", exported["$insert_id"] ?? exported["insert_id"] ?? exported["uuid"])
  put("time", timeOf(times.map((name) => exported[name]).find((value) => value !== null && value !== undefined)))
  put("plan", planOf(exported["plan"]))
  // in other events these are the properties of the groups at that time, which cannot be sent
  if (exported["event_type"] === "$groupidentify") put("group_properties", exported["group_properties"])
  return event
}

const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0

/** Parses a UTC time such as `2020-01-25 17:00:00.000000`. Any other value stays as it is, and is refused later. */
const timeOf = (value: unknown): unknown => {
  if (typeof value !== "string") return value
  const [, date, clock = "00:00:00", zone = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d+)?))?(Z|[+-]\d\d:?\d\d)?$/.exec(value) ?? []
  const millis = Date.parse(`${date}T${clock}${zone}`)
  return Number.isNaN(millis) ? value : millis
}

const planFields = ["branch", "source", "version", "versionId"] as const

const planOf = (plan: unknown): unknown => {
  if (typeof plan !== "object" || plan === null) return undefined
  const given = plan as Fields
  return Object.fromEntries(
    planFields.flatMap((name) => typeof given[name] === "string" ? [[name, given[name]]] : [])
  )
}

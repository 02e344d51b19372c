import type { Event } from "effect-amplitude"

/** The properties of every event. `bench_index` is what the sink finds it by, in whatever format it arrives. */
export const propertiesOf = (index: number): Record<string, unknown> => ({
  bench_index: index,
  source: "notification",
  path: "/checkout/payment?step=3",
  referrer: "https://example.com/cart",
  price: 19.99,
  tags: ["sale", "summer", "mobile"],
  experiment: { name: "one-page-checkout", variant: "treatment" },
  signed_in: true
})

/** A plain event of about 450 bytes of JSON, made anew each time, as callers make theirs. */
export const makeEvent = (index: number): Event.Input => ({
  event_type: "Button Clicked",
  user_id: `user-${index % 1000}`,
  device_id: `device-${index % 1000}`,
  session_id: 1_700_000_000_000,
  app_version: "4.2.1",
  platform: "Web",
  os_name: "Chrome",
  language: "English",
  event_properties: propertiesOf(index)
})

/** No property is longer than what the service takes in one string. */
const piece = "x".repeat(500)

/** Events of about so many bytes of JSON as sent, what a client adds included. The smallest have no padding. */
export const eventOfSize = (bytes: number): (index: number) => Event.Input => {
  const bare = { event_type: "Button Clicked", user_id: "user-12345" }
  const rest = bytes - JSON.stringify({ ...bare, event_properties: { bench_index: 100_000 } }).length - idsLength
  const padding: Record<string, string> = {}
  for (let left = rest, name = 0; left > keyLength; left -= keyLength + piece.length, name++) {
    padding[`pad_${String(name).padStart(2, "0")}`] = piece.slice(0, left - keyLength)
  }
  return (index) => ({ ...bare, event_properties: { bench_index: index, ...padding } })
}

/** What a client adds to each event: `insert_id`, `time`, `library`. */
const idsLength = `,"insert_id":"${crypto.randomUUID()}","time":${Date.now()},"library":"effect-amplitude/0.1.0"`.length
const keyLength = `,"pad_00":""`.length

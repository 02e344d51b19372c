import type { Event } from "effect-amplitude"

/** A plain event of about 430 bytes of JSON, made anew each time, as callers make theirs. */
export const makeEvent = (index: number): Event.Input => ({
  event_type: "Button Clicked",
  user_id: `user-${index % 1000}`,
  device_id: `device-${index % 1000}`,
  session_id: 1_700_000_000_000,
  app_version: "4.2.1",
  platform: "Web",
  os_name: "Chrome",
  language: "English",
  event_properties: {
    index,
    source: "notification",
    path: "/checkout/payment?step=3",
    referrer: "https://example.com/cart",
    price: 19.99,
    tags: ["sale", "summer", "mobile"],
    experiment: { name: "one-page-checkout", variant: "treatment" },
    signed_in: true
  }
})

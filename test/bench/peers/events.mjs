import { propertiesOf } from "../built/event.js"

/** The facts of an event that are no fields of their own: PostHog and Mixpanel have them as properties. */
export const flatPropertiesOf = (index) => ({
  device_id: `device-${index % 1000}`,
  session_id: 1_700_000_000_000,
  app_version: "4.2.1",
  platform: "Web",
  os_name: "Chrome",
  language: "English",
  ...propertiesOf(index)
})

/** The event as Segment has it, and RudderStack, whose format is the same. */
export const segmentEventOf = (index) => ({
  userId: `user-${index % 1000}`,
  anonymousId: `device-${index % 1000}`,
  event: "Button Clicked",
  properties: propertiesOf(index),
  context: {
    app: { version: "4.2.1" },
    os: { name: "Chrome" },
    device: { type: "Web" },
    locale: "English",
    session_id: 1_700_000_000_000
  }
})

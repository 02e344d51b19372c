/**
 * Every call of the client and every kind of event, each with the plain object that is sent for it. A call is compared
 * with `JSON.stringify` and `randomUUID` for that object.
 */
import type { Effect } from "effect"
import { Schema } from "effect"
import { Amplitude, Event, Identify, Revenue } from "effect-amplitude"
import { makeEvent, propertiesOf } from "./event.js"

export interface Door {
  readonly name: string
  /** The call, with values that are made anew as callers make theirs. */
  readonly call: (client: Amplitude.Client, index: number) => Effect.Effect<void>
  /** The event that the call sends, without the fields that the client adds. */
  readonly sent: (index: number) => object
  /** Around all calls of a burst. */
  readonly within?: (calls: Effect.Effect<void>) => Effect.Effect<void>
}

const user = (index: number) => ({ user_id: `user-${index % 1000}`, device_id: `device-${index % 1000}` })

const options = (index: number) => ({
  user_id: `user-${index % 1000}`,
  device_id: `device-${index % 1000}`,
  session_id: 1_700_000_000_000,
  app_version: "4.2.1",
  platform: "Web",
  os_name: "Chrome",
  language: "English"
})

/** The event with these options. It uses no spread, since the comparison must be as cheap as possible. */
const withOptions = (index: number, event_type: string, event_properties: object) => ({
  event_type,
  user_id: `user-${index % 1000}`,
  device_id: `device-${index % 1000}`,
  session_id: 1_700_000_000_000,
  app_version: "4.2.1",
  platform: "Web",
  os_name: "Chrome",
  language: "English",
  event_properties
})

const withGroups = (index: number) => ({
  event_type: "Button Clicked",
  user_id: `user-${index % 1000}`,
  device_id: `device-${index % 1000}`,
  session_id: 1_700_000_000_000,
  app_version: "4.2.1",
  platform: "Web",
  os_name: "Chrome",
  language: "English",
  event_properties: propertiesOf(index),
  groups: groups(index)
})

const withUser = (index: number, event_properties: object) => ({
  event_type: "Button Clicked",
  user_id: `user-${index % 1000}`,
  device_id: `device-${index % 1000}`,
  event_properties
})

const withPlan = (index: number) => ({
  event_type: "Button Clicked",
  user_id: `user-${index % 1000}`,
  device_id: `device-${index % 1000}`,
  session_id: 1_700_000_000_000,
  app_version: "4.2.1",
  platform: "Web",
  os_name: "Chrome",
  language: "English",
  event_properties: propertiesOf(index),
  plan: { branch: "main", source: "web", version: "12" },
  ingestion_metadata: { source_name: "web", source_version: "1" }
})

const optionsWithGroups = (index: number) => ({
  user_id: `user-${index % 1000}`,
  device_id: `device-${index % 1000}`,
  session_id: 1_700_000_000_000,
  app_version: "4.2.1",
  platform: "Web",
  os_name: "Chrome",
  language: "English",
  groups: groups(index)
})

const groups = (index: number) => ({ org_id: `org-${index % 50}`, team: ["growth", `team-${index % 20}`] })

const texts = (index: number) => ({
  index,
  title: "Größe wählen – 尺寸",
  comment: "Ça marche très bien, 很好 👍",
  city: "Zürich",
  "prix unitaire (€)": 19.99,
  quoted: "she said \"yes\"\nand left"
})

const nested = (index: number) => ({
  index,
  cart: {
    currency: "EUR",
    items: [
      { sku: "sku-1", price: 19.99, quantity: 2, tags: ["sale", "summer"] },
      { sku: "sku-2", price: 5, quantity: 1, tags: [] }
    ],
    shipping: { method: "express", address: { country: "CH", zip: "8000" } }
  },
  scores: [0.5, 12, 7.25, 3, 1.125]
})

const song = (index: number) => ({
  index,
  title: "So What",
  artist: "Miles Davis",
  seconds: 562.5,
  position: 1,
  liked: true,
  quality: "high" as const,
  tags: ["jazz", "modal"]
})

const SongPlayed = Event.define("Song Played", {
  index: Schema.Number,
  title: Schema.String,
  artist: Schema.NonEmptyString,
  seconds: Schema.Number,
  position: Schema.Int,
  liked: Schema.Boolean,
  quality: Schema.Literal("low", "high"),
  tags: Schema.Array(Schema.String)
})

const DatedPlayed = Event.define("Song Played", { index: Schema.Number, title: Schema.String, at: Schema.Date })

const identify = (index: number) =>
  Identify.empty.pipe(Identify.set("plan", "pro"), Identify.add("logins", 1), Identify.set("last", index))

const madeIdentify = identify(1)

const operations = (index: number) => ({ $set: { plan: "pro", last: index }, $add: { logins: 1 } })

const sale = (index: number) => ({
  price: 3.99,
  quantity: 3,
  productId: "sku-1",
  revenueType: "purchase",
  currency: "EUR",
  properties: { index, color: "red" }
})

const saleProperties = (index: number) => ({
  index,
  color: "red",
  $price: 3.99,
  $quantity: 3,
  $productId: "sku-1",
  $revenueType: "purchase",
  $currency: "EUR"
})

const inOptions = Amplitude.withEventOptions(options(1))

export const doors: ReadonlyArray<Door> = [
  {
    name: "track(event)",
    call: (client, index) => client.track(makeEvent(index)),
    sent: makeEvent
  },
  {
    name: "track(type, properties, options)",
    call: (client, index) => client.track("Button Clicked", propertiesOf(index), options(index)),
    sent: makeEvent
  },
  {
    name: "track(event) with two groups",
    call: (client, index) => client.track(withGroups(index)),
    sent: withGroups
  },
  {
    name: "track(type, ...) with two groups",
    call: (client, index) => client.track("Button Clicked", propertiesOf(index), optionsWithGroups(index)),
    sent: withGroups
  },
  {
    name: "track(event) with plan and ingestion metadata",
    call: (client, index) => client.track(withPlan(index)),
    sent: withPlan
  },
  {
    name: "text that is not ASCII",
    call: (client, index) => client.track("Button Clicked", texts(index), user(index)),
    sent: (index) => withUser(index, texts(index))
  },
  {
    name: "nested objects and arrays",
    call: (client, index) => client.track("Button Clicked", nested(index), user(index)),
    sent: (index) => withUser(index, nested(index))
  },
  {
    name: "Event.define, 8 properties",
    call: (client, index) => client.track(SongPlayed(song(index), options(index))),
    sent: (index) => withOptions(index, "Song Played", song(index))
  },
  {
    name: "Event.define, one of 3 is a Schema.Date",
    call: (client, index) => client.track(DatedPlayed({ index, title: "So What", at: new Date(0) }, options(index))),
    sent: (index) => withOptions(index, "Song Played", { index, title: "So What", at: new Date(0) })
  },
  {
    name: "within withEventOptions",
    call: (client, index) => client.track({ event_type: "Button Clicked", event_properties: propertiesOf(index) }),
    sent: makeEvent,
    within: inOptions
  },
  {
    name: "withEventOptions around each call",
    call: (client, index) =>
      inOptions(client.track({ event_type: "Button Clicked", event_properties: propertiesOf(index) })),
    sent: makeEvent
  },
  {
    name: "revenue",
    call: (client, index) => client.revenue(sale(index), options(index)),
    sent: (index) => withOptions(index, "revenue_amount", saleProperties(index))
  },
  {
    name: "revenue of a Revenue",
    call: (client, index) => client.revenue(aSale, options(index)),
    sent: (index) => withOptions(index, "revenue_amount", saleProperties(1))
  },
  {
    name: "identify, 3 operations that were made before",
    call: (client, index) => client.identify(madeIdentify, options(index)),
    sent: (index) => withOptions(index, "$identify", operations(1))
  },
  {
    name: "identify, 3 operations made for the call",
    call: (client, index) => client.identify(identify(index), options(index)),
    sent: (index) => withOptions(index, "$identify", operations(index))
  },
  {
    name: "groupIdentify",
    call: (client, index) => client.groupIdentify("org_id", `org-${index % 50}`, madeIdentify),
    sent: (index) => ({
      event_type: "$groupidentify",
      groups: { org_id: `org-${index % 50}` },
      group_properties: operations(1)
    })
  },
  {
    name: "setGroup",
    call: (client, index) => client.setGroup("org_id", `org-${index % 50}`, options(index)),
    sent: (index) => ({
      event_type: "$identify",
      user_id: `user-${index % 1000}`,
      device_id: `device-${index % 1000}`,
      session_id: 1_700_000_000_000,
      app_version: "4.2.1",
      platform: "Web",
      os_name: "Chrome",
      language: "English",
      groups: { org_id: `org-${index % 50}` },
      user_properties: { $set: { org_id: `org-${index % 50}` } }
    })
  },
  {
    name: "new Event(...), then track",
    call: (client, index) => client.track(new Event(makeEvent(index))),
    sent: makeEvent
  }
]

const aSale = new Revenue(sale(1))

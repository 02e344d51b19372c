/** The events of a small shop, valid and invalid ones. */

const products = ["tea", "mug", "teapot", "honey", "kettle"]

const users = ["ada.lovelace", "grace.hopper", "alan.turing", "katherine.johnson", "edsger.dijkstra"]

const minute = 60_000

/** The events of one visit. */
export const visit = (index: number, now: number): ReadonlyArray<object> => {
  const user_id = users[index % users.length]!
  const sku = products[index % products.length]!
  const common = { user_id, device_id: `device-${index % users.length}`, session_id: now - now % minute }
  const event = (event_type: string, event_properties: object) => ({
    ...common,
    event_type,
    event_properties,
    insert_id: `visit-${index}-${event_type}`,
    time: now,
    library: index % 3 === 0 ? "amplitude-python/1.2.0" : "amplitude-ts/2.17.4"
  })
  return [
    {
      ...common,
      event_type: "$identify",
      user_properties: { $set: { plan: index % 2 === 0 ? "pro" : "free" }, $add: { visits: 1 } }
    },
    event("Page Viewed", { path: `/products/${sku}`, referrer: index % 2 === 0 ? "search" : "newsletter" }),
    event("Product Added", { sku, quantity: 1 + index % 3, price: 4.5 + index % 7 }),
    ...(index % 2 === 0 ? [event("Checkout Started", { items: 1 + index % 4, coupon: null })] : []),
    ...(index % 4 === 0
      ? [{
        ...event("Order Completed", { order: 1000 + index }),
        price: 12.5,
        quantity: 2,
        groups: { company: "Analytical Engines" }
      }]
      : [])
  ]
}

/** Requests that the service refuses. Each also has valid events, which are refused with it. */
export const refused = (now: number): ReadonlyArray<ReadonlyArray<object>> => [
  [
    {
      event_type: "Song Played",
      user_id: "ada.lovelace",
      time: "yesterday",
      event_properties: { title: "Nocturne", seconds: 214 }
    },
    { event_type: "Song Skipped", user_id: "ada.lovelace", time: now, event_properties: { title: "Prelude" } }
  ],
  [{ event_type: "Product Added", user_id: "a1", time: now, event_properties: { sku: "tea" } }],
  [{ event_type: "", user_id: "grace.hopper", time: now }],
  [{ event_type: "Order Completed", user_id: "alan.turing", time: now, price: "12.50", quantity: 2 }]
]

/** Sends a request as an SDK does. */
export const send = (url: string, events: ReadonlyArray<object>, key = "dev-key"): Promise<number> =>
  fetch(`${url}/2/httpapi`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ api_key: key, events })
  }).then(({ status }) => status, () => 0)

/** Sends visits, each as a request of its own. */
export const visits = async (url: string, count: number, from = 0): Promise<void> => {
  for (let index = from; index < from + count; index++) await send(url, visit(index, Date.now()))
}

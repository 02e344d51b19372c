/** The fields of an event that a program chooses. A test cannot expect the ones that an SDK adds, such as `time`. */
const names = [
  "event_type",
  "user_id",
  "event_properties",
  "user_properties",
  "groups",
  "group_properties",
  "price",
  "quantity",
  "revenue",
  "productId",
  "revenueType",
  "currency"
]

/** The event with these fields only. The server and its page write fixtures of it. */
export const chosenOf = (event: { readonly [field: string]: unknown }): { readonly [field: string]: unknown } =>
  Object.fromEntries(names.flatMap((name) => Object.hasOwn(event, name) ? [[name, event[name]]] : []))

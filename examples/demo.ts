/**
 * A day of a small shop against a local server that fails twice. Prints what was tracked and what arrived.
 *
 *     npm run demo
 *
 * With `--keep` the server and its page run until they are interrupted.
 *
 *     npm run dev
 */
import { Console, Effect, Option } from "effect"
import { Amplitude, AmplitudeLive, Identify } from "effect-amplitude"
import { DevServer } from "effect-amplitude/DevServer"

const users = Array.from({ length: 36 }, (_, index) => `customer-${index + 1}`)
const products = [
  { sku: "tea", price: 4.5 },
  { sku: "mug", price: 12 },
  { sku: "teapot", price: 38.25 },
  { sku: "honey", price: 7.75 }
]

const isKept = process.argv.includes("--keep")

/** The server answers the second request with an error, and refuses the fourth for one second. */
const DevServerLive = DevServer.layer({
  port: isKept ? 8267 : 0,
  intercept: ({ index }) =>
    index === 1
      ? Option.some({ status: 500, body: "Internal Server Error" })
      : index === 3
      ? Option.some({ status: 429, body: { code: 429, error: "Too many requests" }, headers: { "retry-after": "1" } })
      : Option.none()
})

/** One customer's visit. Gives the number of events that it tracked. */
const visit = (user_id: string, index: number) =>
  Effect.gen(function*() {
    let tracked = 0
    const count = <A, E, R>(call: Effect.Effect<A, E, R>) => Effect.tap(call, () => Effect.sync(() => tracked++))
    const plan = index % 3 === 0 ? "pro" : "free"
    const team = `team-${index % 4 + 1}`
    yield* count(Amplitude.identify(Identify.empty.pipe(Identify.set("plan", plan), Identify.add("visits", 1))))
    yield* count(Amplitude.setGroup("team", team))
    if (index < 4) {
      yield* count(Amplitude.groupIdentify("team", team, Identify.empty.pipe(Identify.set("region", "north"))))
    }
    for (let page = 0; page < 3 + index % 4; page++) {
      yield* count(Amplitude.track("Page Viewed", { path: `/products/${products[page % products.length]!.sku}` }))
      yield* Effect.sleep("5 millis")
    }
    const { price, sku } = products[index % products.length]!
    const quantity = 1 + index % 3
    if (index % 2 === 0) {
      yield* count(Amplitude.track("Product Added", { sku, quantity }))
      yield* count(Amplitude.revenue({ price, quantity, productId: sku, revenueType: "sale" }))
    }
    if (index === 10) {
      yield* count(Amplitude.revenue({ price: -price, quantity: 1, productId: sku, revenueType: "refund" }))
    }
    return tracked
  }).pipe(Amplitude.withEventOptions({ user_id }))

/** All visits. At the end the layer closes and delivers what waits. */
const day = Effect.forEach(users, visit, { concurrency: 8 }).pipe(
  Effect.map((counts) => counts.reduce((sum, count) => sum + count, 0)),
  Effect.tap(Amplitude.flush),
  Effect.provide(AmplitudeLive)
)

type Row = ReadonlyArray<string | number>

/** A table with its first column aligned to the left and the others to the right. */
const table = (title: string, rows: ReadonlyArray<Row>): string => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)))
  const line = (row: Row) =>
    row.map((cell, column) =>
      typeof cell === "number" || column > 0
        ? String(cell).padStart(widths[column]!)
        : cell.padEnd(widths[column]!)
    ).join("  ")
  return [`\n${title}`, ...rows.map((row) => `  ${line(row)}`)].join("\n")
}

const countBy = <A>(values: ReadonlyArray<A>, key: (value: A) => string): ReadonlyArray<readonly [string, number]> => {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(key(value), (counts.get(key(value)) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => a < b ? -1 : 1)
}

const demo = Effect.gen(function*() {
  const server = yield* DevServer
  yield* Console.log(`${server.url} shows what arrives`)
  Object.assign(process.env, {
    AMPLITUDE_API_KEY: "demo-key",
    AMPLITUDE_SERVER_URL: server.urlV2,
    AMPLITUDE_FLUSH_QUEUE_SIZE: "40",
    AMPLITUDE_FLUSH_INTERVAL: "200 millis"
  })
  const tracked = yield* day
  const events = yield* server.events
  const requests = yield* server.requests

  const refused = requests.filter(({ status }) => status !== 200)
  const sales = events.filter(({ event_type }) => event_type === "revenue_amount")
  const amount = (type: string) =>
    sales.filter(({ event_properties }) => event_properties.$revenueType === type)
      .reduce((sum, { event_properties }) => sum + event_properties.$price * event_properties.$quantity, 0)
  const seen = new Set(events.flatMap(({ user_id }) => user_id === undefined ? [] : [user_id]))
  const bytes = requests.reduce((sum, request) => sum + request.bytes, 0)
  const money = (value: number) => value.toFixed(2)

  yield* Console.log(table("Events by type", [...countBy(events, ({ event_type }) => event_type)]))
  yield* Console.log(table("Users", [["customers", users.length], ["seen by the server", seen.size]]))
  yield* Console.log(table("Revenue", [
    ["sales", money(amount("sale"))],
    ["refunds", money(amount("refund"))],
    ["total", money(amount("sale") + amount("refund"))]
  ]))
  yield* Console.log(table("Requests by status", [...countBy(requests, ({ status }) => String(status))]))
  yield* Console.log(table("Delivery", [
    ["requests", requests.length],
    ["bytes", bytes],
    ["refused with 500 or 429", refused.length],
    ["events in refused requests", refused.reduce((sum, request) => sum + request.events, 0)],
    ["tracked", tracked],
    ["received", events.length]
  ]))

  if (tracked !== events.length || seen.size !== users.length || refused.length !== 2) {
    yield* Console.error(
      `\nThe numbers do not match: ${tracked} events tracked and ${events.length} received, ` +
        `${users.length} customers and ${seen.size} seen, 2 requests to refuse and ${refused.length} refused.`
    )
    process.exitCode = 1
  } else {
    yield* Console.log("\nEvery event that was tracked was received, once.")
  }
  if (isKept) {
    yield* Console.log(`\n${server.url} stays until you interrupt it`)
    return yield* Effect.never
  }
}).pipe(Effect.provide(DevServerLive))

await Effect.runPromise(demo)

/**
 * The examples, each as a process of its own against a local server.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { run, start } from "./support/example.js"

const typesOf = (events: ReadonlyArray<DevServer.KeptEvent>) => events.map(({ event_type }) => event_type)

describe("the examples", { timeout: 60_000 }, () => {
  it.scopedLive("quickstart", () =>
    Effect.gen(function*() {
      yield* run("quickstart")
      const events = yield* DevServer.events
      assert.deepStrictEqual(typesOf(events), [
        "Button Clicked",
        "Button Clicked",
        "$identify",
        "$identify",
        "$groupidentify",
        "revenue_amount"
      ])
      const [first, second, identify, setGroup, groupIdentify, revenue] = events
      assert.deepStrictEqual(first?.event_properties, { source: "notification" })
      assert.deepStrictEqual(second?.event_properties, { source: "menu" })
      assert.deepStrictEqual(identify?.user_properties, { $set: { plan: "pro" }, $add: { logins: 1 } })
      assert.deepStrictEqual(setGroup?.groups, { org_id: ["15", "21"] })
      assert.deepStrictEqual(groupIdentify?.groups, { org_id: "15" })
      assert.deepStrictEqual(groupIdentify?.group_properties, { $set: { locale: "en-us" } })
      assert.deepStrictEqual(revenue?.event_properties, { $price: 3.99, $quantity: 3, $productId: "sku-1" })
      assert.isTrue(events.every(({ user_id }) => user_id === "user-12345"))
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("plain-promise", () =>
    Effect.gen(function*() {
      assert.include(yield* run("plain-promise"), "user-12345 is on the pro plan")
      const events = yield* DevServer.events
      assert.deepStrictEqual(typesOf(events), ["Signed Up", "Plan Upgraded", "revenue_amount"])
      assert.deepStrictEqual(events[1]?.event_properties, { from: "free", to: "pro" })
      assert.deepStrictEqual(events[2]?.event_properties, { $price: 49, $quantity: 1, $productId: "pro" })
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("cli", () =>
    Effect.gen(function*() {
      assert.include(yield* run("cli", { args: ["Ada"] }), "Hello, Ada!")
      const events = yield* DevServer.events
      assert.deepStrictEqual(typesOf(events), ["Command Run"])
      assert.deepStrictEqual(events[0]?.event_properties, { command: "greet", name: "Ada" })
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("testing", () =>
    Effect.gen(function*() {
      const output = yield* run("testing")
      assert.strictEqual(output.match(/^ok: /gm)?.length, 6, output)
      assert.include(output, `Checkout Completed {"items":2,"total":20.5}`)
      assert.deepStrictEqual(yield* DevServer.requests, [])
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("http-server", () =>
    Effect.gen(function*() {
      const example = yield* start("http-server")
      const port = (yield* example.printed(/http:\/\/[^\s"]+:\d+(?=\D)/)).replace(/^.*:/, "")
      const request = (path: string, init: RequestInit) =>
        Effect.promise(async () => {
          const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
          return { status: response.status, body: await response.json() as unknown }
        })
      const post = (body: object) =>
        request("/orders", {
          method: "POST",
          headers: { "content-type": "application/json", "x-user-id": "user-12345" },
          body: JSON.stringify({ price: 2.5, quantity: 2, ...body })
        })
      assert.deepStrictEqual(yield* post({ sku: "sku-1" }), { status: 200, body: { sku: "sku-1", total: 5 } })
      assert.deepStrictEqual(yield* post({ sku: "sku-9" }), { status: 409, body: { _tag: "OutOfStock", sku: "sku-9" } })
      const headers = { "x-user-id": "listener-1", "user-agent": "agent/1", "accept-language": "de-CH,de;q=0.9" }
      assert.deepStrictEqual(yield* request("/songs/1", { headers }), {
        status: 200,
        body: { id: 1, title: "So What" }
      })
      assert.deepStrictEqual(yield* request("/songs/9", { headers }), {
        status: 404,
        body: { _tag: "SongNotFound", id: 9 }
      })
      yield* example.signal("SIGTERM")
      const { code, signal, stderr } = yield* example.ended
      assert.deepStrictEqual({ code, signal }, { code: 0, signal: null }, stderr)
      const events = yield* DevServer.events
      assert.deepStrictEqual(typesOf(events), ["Order Placed", "revenue_amount", "Order Refused", "Song Viewed"])
      assert.deepStrictEqual(events[1]?.event_properties, { $price: 2.5, $quantity: 2, $productId: "sku-1" })
      assert.deepStrictEqual(events.map(({ user_id }) => user_id), [
        "user-12345",
        "user-12345",
        "user-12345",
        "listener-1"
      ])
      assert.deepInclude(events[3], { ip: "127.0.0.1", user_agent: "agent/1", language: "de-CH" })
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("lambda, frozen between its calls", () =>
    Effect.gen(function*() {
      const example = yield* start("lambda")
      // the first time for longer than the server keeps an idle connection
      for (const [sku, frozen] of [["sku-1", "6 seconds"], ["sku-2", "200 millis"]] as const) {
        yield* example.printed(new RegExp(`${sku} is on its way`))
        yield* example.signal("SIGSTOP")
        // what a call tracked was delivered before it answered
        assert.include((yield* DevServer.events).map(({ event_properties }) => event_properties.sku), sku)
        yield* Effect.sleep(frozen)
        yield* example.signal("SIGCONT")
      }
      const { code, signal, stderr, stdout } = yield* example.ended
      assert.deepStrictEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" })
      // the connection that the server closed in the meantime can cost a retry, which is all that is logged
      const lines = stdout.split("\n").filter((line) => !/level=WARN .*1 retry: the event is sent again/.test(line))
      assert.deepStrictEqual(lines, ["sku-1 is on its way", "sku-2 is on its way", "sku-3 is on its way", ""])
      const events = yield* DevServer.events
      assert.deepStrictEqual(typesOf(events), ["Order Placed", "Order Placed", "Order Placed"])
      assert.deepStrictEqual(events.map(({ event_properties }) => event_properties?.request), [
        "request-1",
        "request-2",
        "request-3"
      ])
    }).pipe(Effect.provide(DevServer.layer())))

  it.scopedLive("lambda, whose service is down: it answers in its own time", () =>
    Effect.gen(function*() {
      const stdout = yield* run("lambda")
      assert.strictEqual(stdout.match(/is on its way\n/g)?.length, 3, stdout)
      assert.deepStrictEqual((yield* DevServer.events).map(({ event_properties }) => event_properties?.sku), [
        "sku-1",
        "sku-2",
        "sku-3"
      ])
    }).pipe(Effect.provide(
      // down for the whole of the first call
      DevServer.layer({ intercept: ({ index }) => index < 4 ? Option.some({ status: 503 }) : Option.none() })
    )))

  it.scopedLive("demo", () =>
    Effect.gen(function*() {
      const output = yield* run("demo")
      for (const title of ["Events by type", "Users", "Revenue", "Requests by status", "Delivery"]) {
        assert.include(output, `\n${title}\n`)
      }
      assert.match(output, /^ +500 +1$/m)
      assert.match(output, /^ +429 +1$/m)
      const numberOf = (row: string) => new RegExp(`^ +${row} +(\\d+)$`, "m").exec(output)?.[1]
      assert.isAbove(Number(numberOf("tracked")), 200)
      assert.strictEqual(numberOf("received"), numberOf("tracked"))
    }).pipe(Effect.provide(DevServer.layer())))
})

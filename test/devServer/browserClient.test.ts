/**
 * Amplitude's SDK for browsers, unchanged, in Chromium, on a page of another site than the server. Without Chromium
 * these tests are skipped, with a note in their name.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Browser, Page } from "playwright-core"
import { chromium } from "playwright-core"
import { DevServer } from "../../src/DevServer.js"
import { get, upload } from "./support.js"

interface Tracked {
  readonly promise: Promise<{ readonly code: number }>
}

interface Identify {
  readonly set: (name: string, value: unknown) => Identify
}

/** What the tests use of the SDK. Its own types do not pass the checks of this package. */
interface Sdk {
  readonly init: (apiKey: string, userId: string, options: object) => { readonly promise: Promise<unknown> }
  readonly track: (type: string, properties?: object, options?: object) => Tracked
  readonly identify: (identify: Identify) => Tracked
  readonly groupIdentify: (type: string, name: string, identify: Identify) => Tracked
  readonly setTransport: (transport: "beacon") => void
  readonly flush: () => Tracked
  readonly Identify: new() => Identify
}

declare global {
  interface Window {
    readonly amplitude: Sdk
  }
}

const apiKey = "0123456789abcdef0123456789abcdef"
const executablePath = "/usr/bin/chromium"
const isMissing = !existsSync(executablePath)

const script = readFileSync(
  new URL("../../node_modules/@amplitude/analytics-browser/lib/scripts/amplitude-min.umd.js", import.meta.url)
)

let browser: Browser

beforeAll(async () => {
  if (isMissing) return
  browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
  })
}, 60_000)

afterAll(() => browser?.close())

/** A site whose pages load the SDK. It is `localhost`, and the server is `127.0.0.1`. */
const site = Effect.acquireRelease(
  Effect.promise(async () => {
    const server = createServer((request, response) =>
      request.url === "/sdk.js" ?
        response.setHeader("content-type", "text/javascript").end(script) :
        response.setHeader("content-type", "text/html").end("<!doctype html><script src=\"/sdk.js\"></script>")
    )
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return { server, url: `http://localhost:${(server.address() as AddressInfo).port}` }
  }),
  ({ server }) =>
    Effect.promise(() =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
    )
)

const newPage = Effect.map(
  Effect.acquireRelease(
    Effect.promise(() => browser.newContext()),
    (context) => Effect.promise(() => context.close())
  ).pipe(Effect.flatMap((context) => Effect.promise(() => context.newPage()))),
  (page) => page
)

/** A page with a client that sends to the server. */
const open = (server: DevServer.Service, options: object = {}) =>
  Effect.gen(function*() {
    const { url } = yield* site
    const page = yield* newPage
    yield* Effect.promise(async () => {
      await page.goto(url)
      await page.evaluate(
        ([apiKey, options]) =>
          window.amplitude.init(apiKey, "user-12345", {
            autocapture: false,
            fetchRemoteConfig: false,
            offline: null,
            flushIntervalMillis: 50,
            ...options
          }).promise,
        [apiKey, { serverUrl: server.urlV2, ...options }] as const
      )
    })
    return { page, url }
  })

const track = (page: Page, type: string) =>
  Effect.promise(() => page.evaluate((type) => window.amplitude.track(type, { title: "Für Elise" }).promise, type))

const suite = `Amplitude's SDK for browsers${isMissing ? " (the Debian package chromium is missing)" : ""}`

describe.skipIf(isMissing)(suite, { timeout: 60_000 }, () => {
  it.scopedLive("sends with fetch, as text and as gzip, and is told which event is at fault", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const { page } = yield* open(server)
      assert.strictEqual((yield* track(page, "Song Played")).code, 200)
      yield* Effect.promise(() =>
        page.evaluate(() => {
          const { Identify, groupIdentify, identify } = window.amplitude
          return Promise.all([
            identify(new Identify().set("plan", "pro")).promise,
            groupIdentify("company", "Analytical Engines", new Identify().set("seats", 12)).promise
          ])
        })
      )
      const compressed = yield* open(server, { enableRequestBodyCompression: true, flushIntervalMillis: 1 })
      assert.strictEqual((yield* track(compressed.page, "x".repeat(5000))).code, 200)
      const received = yield* server.received
      assert.deepStrictEqual(received.map(({ event, verdict }) => [String(event["event_type"])[0], verdict]).sort(), [
        ["$", "kept"],
        ["$", "kept"],
        ["S", "kept"],
        ["x", "kept"]
      ])
      for (const { event, library, project } of received) {
        assert.match(library, /^amplitude-ts\//)
        assert.strictEqual(project, "0123")
        // What the SDK writes for the address of the page
        assert.strictEqual(event["ip"], "$remote")
      }
      for (const { ip } of yield* server.events) assert.strictEqual(ip, "127.0.0.1")
      assert.strictEqual((yield* server.requests).at(-1)?.contentEncoding, "gzip")
      const user = Option.getOrThrow(yield* server.user("user-12345"))
      assert.deepStrictEqual(user.properties.map(({ name, value }) => [name, value]), [["plan", "pro"]])
      const group = yield* get(server, "/api/groups/company/Analytical%20Engines")
      assert.deepStrictEqual(group.properties.map(({ value }: any) => value), [12])

      const refused = yield* Effect.promise(() =>
        page.evaluate(() => window.amplitude.track("Song Played", {}, { user_id: "abc" }).promise)
      )
      assert.strictEqual(refused.code, 400)
      const event = (yield* server.received).at(-1)
      assert.deepStrictEqual([event?.verdict, event?.reasons.map(({ path }) => path)], ["fault", ["user_id"]])
    }))

  it.scopedLive("sends with sendBeacon when the page is left", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const { page, url } = yield* open(server, { flushIntervalMillis: 3_600_000 })
      const arrived = yield* Effect.fork(Stream.runHead(server.stream))
      yield* Effect.promise(() =>
        page.evaluate(() => {
          window.addEventListener("pagehide", () => {
            window.amplitude.setTransport("beacon")
            window.amplitude.flush()
          })
          window.amplitude.track("Left")
        })
      )
      assert.deepStrictEqual(yield* server.received, [])
      yield* Effect.promise(() => page.goto(`${url}/another`))
      const event = Option.getOrThrow(yield* arrived)
      assert.deepStrictEqual([event.event["event_type"], event.verdict], ["Left", "kept"])
      // A beacon is text: the page need not ask whether it may send.
      const { headers } = yield* get(server, `/api/requests/${event.request}`)
      assert.match(headers["content-type"], /^text\/plain/)
      assert.strictEqual(headers["sec-fetch-mode"], "no-cors")
    }))

  it.scopedLive("cannot read from another site what arrived, nor clear it", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const { page } = yield* open(server)
      yield* track(page, "Song Played")
      const outcomes = yield* Effect.promise(() =>
        page.evaluate(async (url) => {
          const asked = [
            fetch(`${url}/api/events`),
            fetch(`${url}/events`),
            fetch(`${url}/api/clear`, { method: "POST", body: "{}" }),
            fetch(`${url}/api/clear`, { method: "POST", body: "{}", headers: { "content-type": "application/json" } }),
            fetch(`${url}/api/faults`, { method: "DELETE" }),
            new Promise((resolve, reject) => {
              const source = new EventSource(`${url}/api/stream`)
              source.onopen = resolve
              source.onerror = reject
            })
          ]
          navigator.sendBeacon(`${url}/api/clear`, "{}")
          return (await Promise.allSettled(asked)).map(({ status }) => status)
        }, server.url)
      )
      assert.deepStrictEqual(new Set(outcomes), new Set(["rejected"]))
      // A request of the SDK that comes after the beacon shows that there was time for it.
      yield* track(page, "Song Paused")
      assert.lengthOf(yield* server.received, 2)
    }))

  it.scopedLive("hostile events are text wherever a browser opens them", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const hostile = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
      yield* upload(server, [{
        event_type: hostile,
        user_id: `user ${hostile}`,
        library: hostile,
        event_properties: { [hostile]: hostile },
        time: hostile
      }, { event_type: hostile, user_id: `user ${hostile}` }])
      yield* upload(server, [{ event_type: hostile, user_id: `user ${hostile}` }])
      const page = yield* newPage
      for (
        const path of [
          "/events",
          "/api/events",
          "/api/events/2",
          `/api/users/${encodeURIComponent(`user ${hostile}`)}`,
          "/api/requests/1",
          "/api/plan",
          "/api/stats",
          "/api/export?format=fixture"
        ]
      ) {
        const [text, title] = yield* Effect.promise(async () => {
          await page.goto(`${server.url}${path}`)
          return [await page.evaluate(() => document.body.innerText), await page.title()]
        })
        assert.include(text, "<script>document.title", path)
        assert.notStrictEqual(title, "run", path)
      }
    }))
})

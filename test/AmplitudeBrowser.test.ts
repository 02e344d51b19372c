/**
 * The client in a page, in Chromium. Without Chromium these tests are skipped, with a note in their name.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import { createServer } from "node:http"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import type { Browser, Page } from "playwright-core"
import * as Chromium from "./support/chromium.js"

const root = fileURLToPath(new URL("..", import.meta.url))

const serve = (listener: RequestListener) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer(listener)
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        return server
      }),
      (server) =>
        Effect.promise(() =>
          new Promise((resolve) => {
            server.close(resolve)
            server.closeAllConnections()
          })
        )
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

interface Upload {
  readonly bytes: number
  readonly indices: ReadonlyArray<number>
  readonly insertIds: ReadonlyArray<string>
}

/** The ingestion server. It has another origin than the page. */
const ingestion = Effect.gen(function*() {
  const uploads: Array<Upload> = []
  const watching = new Set<() => void>()
  const held: Array<() => void> = []
  let isHolding = false
  let status = 200
  const url = yield* serve((request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("access-control-allow-origin", "*")
    response.setHeader("access-control-allow-headers", "content-type")
    if (request.method === "OPTIONS") return void response.writeHead(204).end()
    void text(request).then((body) => {
      const events: ReadonlyArray<any> = JSON.parse(body).events
      uploads.push({
        bytes: Buffer.byteLength(body),
        indices: events.map(({ event_properties }) => event_properties.index),
        insertIds: events.map(({ insert_id }) => insert_id)
      })
      for (const look of watching) look()
      const answer = () => response.writeHead(status, { "content-type": "application/json" }).end(`{"code":${status}}`)
      if (isHolding) held.push(answer)
      else answer()
    }, () => {})
  })
  return {
    url: `${url}/2/httpapi`,
    uploads,
    /** Answers nothing until `answer`. */
    hold: Effect.sync(() => void (isHolding = true)),
    answer: Effect.sync(() => {
      isHolding = false
      for (const one of held.splice(0)) one()
    }),
    answerWith: (code: number) => Effect.sync(() => void (status = code)),
    /** Completes when this many different events have arrived. */
    arrived: (count: number) =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          const look = () => {
            if (new Set(uploads.flatMap(({ insertIds }) => insertIds)).size >= count) resolve()
          }
          watching.add(look)
          look()
        })
      ).pipe(
        Effect.timeoutFail({
          duration: "10 seconds",
          onTimeout: () =>
            new Error(
              `of ${count} events arrived: ${
                JSON.stringify(uploads.map(({ bytes, indices }) => ({ bytes, events: indices.length })))
              }`
            )
        }),
        Effect.orDie
      )
  }
})

let browser: Browser
let script: Uint8Array

beforeAll(async () => {
  if (Chromium.isMissing) return
  browser = await Chromium.launch()
  const { outputFiles } = await build({
    entryPoints: [join(root, "test/support/page.ts")],
    bundle: true,
    format: "esm",
    write: false,
    tsconfig: join(root, "tsconfig.json")
  })
  script = outputFiles[0]!.contents
}, 60_000)

afterAll(() => browser?.close())

/** A site with the page at `/` and an empty one at `/empty`. Requests to `/other` have no answer. */
const site = serve((request, response) => {
  if (request.url === "/page.js") {
    response.setHeader("content-type", "text/javascript").end(script)
  } else if (request.url !== "/other") {
    response.setHeader("content-type", "text/html")
    response.end(request.url === "/empty" ? "" : `<!doctype html><script type="module" src="/page.js"></script>`)
  }
})

const open = (page: Page, url: string) =>
  Effect.promise(async () => {
    await page.goto(url)
    await page.waitForFunction(() => "track" in window)
  })

const track = (page: Page, count: number, textLength = 0) =>
  Effect.promise(() => page.evaluate(([count, textLength]) => window.track(count!, textLength!), [count, textLength]))

const setUpIn = Effect.fnUntraced(function*(browser: Browser) {
  const server = yield* ingestion
  const origin = yield* site
  const context = yield* Effect.acquireRelease(
    Effect.promise(() => browser.newContext()),
    (context) => Effect.promise(() => context.close())
  )
  const page = yield* Effect.promise(() => context.newPage())
  const url = `${origin}/?serverUrl=${encodeURIComponent(server.url)}`
  yield* open(page, url)
  return { server, page, url, leave: Effect.promise(() => page.goto(`${origin}/empty`)) }
})

const setUp = Effect.suspend(() => setUpIn(browser))

/** A browser that keeps pages alive, and a page of it that was left offline with 30 events. */
const leftOffline = Effect.gen(function*() {
  const cachingBrowser = yield* Effect.acquireRelease(
    Effect.promise(() => Chromium.launch({ hasPageCache: true })),
    (browser) => Effect.promise(() => browser.close())
  )
  const { page, server, url } = yield* setUpIn(cachingBrowser)
  yield* track(page, 30)
  yield* Effect.promise(() => page.context().setOffline(true))
  yield* Effect.promise(() => page.goto("about:blank"))
  yield* Effect.promise(() => page.context().setOffline(false))
  return { page, server, url }
})

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

describe.skipIf(Chromium.isMissing)(`AmplitudeBrowser${Chromium.unlessThere}`, {
  timeout: 60_000
}, () => {
  it.scopedLive("what waits when the page is left arrives, once and in order", () =>
    Effect.gen(function*() {
      const { leave, page, server } = yield* setUp
      yield* track(page, 120)
      assert.deepStrictEqual(server.uploads, [])
      yield* leave
      yield* server.arrived(120)
      assert.deepStrictEqual(server.uploads.flatMap(({ indices }) => indices), range(120))
    }))

  it.scopedLive("what waits when the tab is closed arrives", () =>
    Effect.gen(function*() {
      const { page, server } = yield* setUp
      yield* track(page, 120)
      yield* Effect.promise(() => page.close())
      yield* server.arrived(120)
      assert.deepStrictEqual(server.uploads.flatMap(({ indices }) => indices), range(120))
    }))

  it.scopedLive("a page that is hidden sends all that waits, in bodies of less than 60 kB", () =>
    Effect.gen(function*() {
      const { page, server } = yield* setUp
      yield* track(page, 190, 1000)
      // full bodies leave by themselves, and the last one waits until it is full
      assert.isBelow(server.uploads.flatMap(({ indices }) => indices).length, 190)
      yield* Effect.promise(() => page.evaluate(() => window.hide()))
      yield* server.arrived(190)
      assert.deepStrictEqual(server.uploads.flatMap(({ indices }) => indices), range(190))
      assert.isTrue(server.uploads.every(({ bytes }) => bytes < 60_000))
    }))

  it.scopedLive("events that were tracked while a request was under way arrive when the page is left", () =>
    Effect.gen(function*() {
      const { leave, page, server } = yield* setUp
      yield* server.hold
      yield* track(page, 20)
      yield* Effect.promise(() => page.evaluate(() => void window.flush()))
      yield* server.arrived(20)
      yield* track(page, 50)
      yield* leave
      yield* server.arrived(70)
      assert.deepStrictEqual(server.uploads.map(({ indices }) => indices), [range(20), range(50)])
      yield* server.answer
    }))

  it.scopedLive("what the browser does not take when the page is left is sent by the next page", () =>
    Effect.gen(function*() {
      const { leave, page, server, url } = yield* setUp
      yield* track(page, 150, 1000)
      yield* leave
      yield* open(page, url)
      yield* Effect.promise(() => page.evaluate(() => window.flush()))
      yield* server.arrived(150)
      assert.isTrue(server.uploads.every(({ bytes }) => bytes < 60_000))
      assert.sameMembers(server.uploads.flatMap(({ indices }) => [...indices]), range(150))
      // nothing is left for a third page
      yield* open(page, url)
      yield* Effect.promise(() => page.evaluate(() => window.flush()))
      assert.strictEqual(server.uploads.flatMap(({ indices }) => indices).length, 150)
    }))

  it.scopedLive("a page that is left without a connection leaves its events to the next page", () =>
    Effect.gen(function*() {
      const { page, server, url } = yield* leftOffline
      yield* open(page, url)
      yield* Effect.promise(() => page.evaluate(() => window.flush()))
      yield* server.arrived(30)
      assert.deepStrictEqual(server.uploads.flatMap(({ indices }) => indices), range(30))
    }))

  it.scopedLive("a page that comes back from the browser's cache sends what it still has", () =>
    Effect.gen(function*() {
      const { page, server } = yield* setUp
      yield* track(page, 150, 1000)
      yield* Effect.promise(() =>
        page.evaluate(() => {
          dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }))
          dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))
        })
      )
      assert.strictEqual(yield* Effect.promise(() => page.evaluate(() => localStorage.length)), 0)
      yield* Effect.promise(() => page.evaluate(() => window.flush()))
      yield* server.arrived(150)
    }))

  it.scopedLive("what is tracked while the page is left arrives", () =>
    Effect.gen(function*() {
      const { leave, page, server } = yield* setUp
      yield* track(page, 3)
      yield* Effect.promise(() => page.evaluate(() => window.trackWhenLeft()))
      yield* leave
      yield* server.arrived(5)
      assert.sameMembers(server.uploads.flatMap(({ indices }) => [...indices]), [0, 1, 2, 100, 101])
    }))

  it.scopedLive("no event is lost while another script has used the limit of the browser", () =>
    Effect.gen(function*() {
      const { leave, page, server, url } = yield* setUp
      yield* track(page, 20, 1000)
      yield* Effect.promise(() => page.evaluate(() => window.useBudget(60_000)))
      // the browser refuses the request, and the next page sends the events, unless the other request ends with the page
      yield* leave
      yield* open(page, url)
      yield* server.arrived(20)
      assert.deepStrictEqual(server.uploads.flatMap(({ indices }) => indices), range(20))
    }))

  it.scopedLive("tabs that are left at the same time leave all of their events to the next page", () =>
    Effect.gen(function*() {
      const { page, server, url } = yield* setUp
      const context = page.context()
      const other = yield* Effect.promise(() => context.newPage())
      yield* open(other, url)
      const tabs = [page, other]
      yield* Effect.forEach(tabs, (tab) => track(tab, 30), { concurrency: "unbounded" })
      yield* Effect.promise(() => context.setOffline(true))
      yield* Effect.promise(() => Promise.all(tabs.map((tab) => tab.close())))
      yield* Effect.promise(() => context.setOffline(false))
      yield* open(yield* Effect.promise(() => context.newPage()), url)
      yield* server.arrived(60)
      assert.strictEqual(server.uploads.flatMap(({ indices }) => indices).length, 60)
    }))

  it.scopedLive("what the service refused before the page was left is sent by the next page", () =>
    Effect.gen(function*() {
      const { leave, page, server, url } = yield* setUp
      yield* server.answerWith(500)
      yield* track(page, 20)
      const isRetryLogged = page.waitForEvent("console", (line) => line.text().includes("20 retries"))
      yield* Effect.promise(() => page.evaluate(() => void window.flush()))
      yield* Effect.promise(() => isRetryLogged)
      yield* leave
      yield* server.answerWith(200)
      server.uploads.length = 0
      yield* open(page, url)
      yield* server.arrived(20)
    }))

  it.scopedLive("a page that the browser kept alive sends its events, also if another page has sent them", () =>
    Effect.gen(function*() {
      const { page, server, url } = yield* leftOffline
      yield* open(yield* Effect.promise(() => page.context().newPage()), url)
      yield* server.arrived(30)
      yield* Effect.promise(async () => {
        await page.goBack({ waitUntil: "commit" })
        await page.waitForFunction(() => "track" in window)
      })
      yield* track(page, 1)
      yield* Effect.promise(() => page.evaluate(() => window.flush()))
      yield* server.arrived(31)
      assert.strictEqual(new Set(server.uploads.flatMap(({ insertIds }) => insertIds)).size, 31)
      assert.strictEqual(yield* Effect.promise(() => page.evaluate(() => localStorage.length)), 0)
    }))
})

/** The page of `DevServer`, built and served as in the package, in Chromium. Without Chromium these tests are skipped. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { readFileSync } from "node:fs"
import { request } from "node:http"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import type { Browser, Locator, Page } from "playwright-core"
import { build } from "vite"
import * as Chromium from "../support/chromium.js"
import { freePort } from "../support/processes.js"
import { refused, send, visit, visits } from "./shop.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

const views = ["events", "users", "requests", "faults", "plan", "connect"]

let browser: Browser

beforeAll(async () => {
  await build({ configFile: `${root}vite.config.ts`, logLevel: "error" })
  if (!Chromium.isMissing) browser = await Chromium.launch()
}, 60_000)

afterAll(() => browser?.close())

/** A page, and what went wrong in it. */
const open = (url: string, options: Parameters<Browser["newPage"]>[0] = {}) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options })
        page.setDefaultTimeout(60_000)
        const errors: Array<string> = []
        page.on("console", (message) =>
          message.type() === "error" && errors.push(`${message.text()} ${message.location().url}`))
        page.on("pageerror", ({ message }) =>
          errors.push(message))
        page.on("dialog", (dialog) => {
          errors.push(`a dialog: ${dialog.message()}`)
          void dialog.dismiss()
        })
        await page.goto(url)
        return { page, errors }
      }),
      ({ page }) => Effect.promise(() => page.close())
    ),
    ({ errors, page }) => ({
      page,
      errors,
      rows: page.locator("[data-event]"),
      detail: page.locator("#detail"),
      go: (path: string) => page.goto(`${new URL(url).origin}/#/${path}`),
      says: (text: string | RegExp, within: Locator | Page = page) => within.getByText(text).first().waitFor()
    })
  )

/** Waits until a condition holds in the page. */
const until = (page: Page, condition: () => boolean): Promise<unknown> => page.waitForFunction(condition)

const json = { "content-type": "application/json" }

const get = (url: string, path: string, headers: { readonly [name: string]: string } = {}) =>
  Effect.promise(() =>
    new Promise<
      { readonly status: number; readonly headers: { readonly [name: string]: unknown }; readonly text: string }
    >(
      (resolve, reject) => {
        request(url, { path, headers }, (response) => {
          let text = ""
          response.setEncoding("utf8").on("data", (chunk: string) => text += chunk)
          response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, text }))
        }).on("error", reject).end()
      }
    )
  )

describe("the files of the page", () => {
  it.scopedLive("are three, of at most 45 KB, and are served with the headers of the rest", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      const document = yield* get(url, "/")
      assert.strictEqual(document.headers["content-type"], "text/html; charset=utf-8")
      assert.strictEqual(document.headers["cache-control"], "no-store")
      const names = document.text.match(/page-[\w-]+\.(?:js|css)/g) ?? []
      assert.strictEqual(names.length, 2)
      for (const name of names) {
        const file = yield* get(url, `/${name}`)
        assert.match(String(file.headers["content-type"]), name.endsWith(".js") ? /javascript/ : /css/)
        assert.strictEqual(file.headers["cache-control"], "private, max-age=31536000, immutable")
        for (const { headers } of [document, file]) {
          assert.match(String(headers["content-security-policy"]), /^default-src 'none'/)
          assert.strictEqual(headers["x-content-type-options"], "nosniff")
        }
        assert.strictEqual((yield* get(url, `/${name}`, { origin: "http://evil.example" })).status, 403)
        assert.strictEqual((yield* get(url, `/${name}`, { "sec-fetch-site": "cross-site" })).status, 403)
        assert.strictEqual((yield* get(url, `/${name}`, { host: "evil.example" })).status, 403)
      }
      const { gzipSync } = yield* Effect.promise(() => import("node:zlib"))
      const sizes = ["index.html", ...names].map((name) => gzipSync(readFileSync(`${root}dist/page/${name}`)).length)
      assert.isBelow(sizes.reduce((sum, size) => sum + size, 0), 45_000)
      // no code and no style of another origin, and none in the document
      assert.notMatch(document.text, /<script(?![^>]*src=)|<style|style=|https?:/)
    }))

  it.scopedLive("no other file is served", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      for (
        const path of [
          "/page-missing.js",
          "/page-../index.html",
          "/index.html",
          "/../package.json",
          "/%2e%2e/package.json"
        ]
      ) {
        assert.include([400, 404], (yield* get(url, path)).status, path)
      }
      assert.strictEqual((yield* get(url, "/favicon.ico")).status, 204)
    }))

  it.scopedLive("HEAD has the head of GET", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      for (const path of ["/", "/favicon.ico", "/api/events", "/events"]) {
        const [head, get] = yield* Effect.promise(() =>
          Promise.all(["HEAD", "GET"].map((method) => fetch(`${url}${path}`, { method })))
        )
        assert.strictEqual(head!.status, get!.status, path)
        assert.strictEqual(head!.headers.get("content-type"), get!.headers.get("content-type"), path)
        assert.strictEqual(yield* Effect.promise(() => head!.text()), "", path)
      }
    }))

  it.scopedLive("with a token, the page asks with a cookie that scripts cannot read", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make({ token: "let me in" })
      assert.strictEqual((yield* get(url, "/")).status, 401)
      const { headers, status } = yield* get(url, "/?token=let%20me%20in")
      assert.strictEqual(status, 200)
      assert.match(String(headers["set-cookie"]), /^devserver_token=let%20me%20in; HttpOnly; SameSite=Strict/)
      const [cookie = ""] = String(headers["set-cookie"]).split(";")
      assert.strictEqual((yield* get(url, "/api/stats", { cookie })).status, 200)
      assert.strictEqual((yield* get(url, "/api/stats", { cookie: "devserver_token=%e0%a4%a" })).status, 401)
    }))
})

describe.skipIf(Chromium.isMissing)(`the page${Chromium.unlessThere}`, { timeout: 120_000 }, () => {
  it.scopedLive("shows within ten seconds which event was rejected, and why: by keys, and by clicks", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      yield* Effect.promise(async () => {
        await visits(url, 3)
        for (const events of refused(Date.now())) await send(url, events)
        await visits(url, 3, 3)
      })
      for (const way of ["keys", "clicks"] as const) {
        const { detail, errors, page, rows, says } = yield* open(url)
        yield* Effect.promise(async () => {
          await until(page, () => document.title.startsWith("(4 at fault)"))
          if (way === "keys") {
            await rows.first().waitFor()
            for (const key of ["x", "j", "j", "j", "j", "Enter"]) await page.keyboard.press(key)
          } else {
            await page.getByRole("button", { name: /At fault/ }).click()
            await rows.filter({ hasText: "Song Played" }).click()
          }
          for (const text of ["Why it was refused", "\"yesterday\"", "an integer", /^Send time as an integer/]) {
            await says(text, detail)
          }
          await says("events_with_invalid_fields", detail)
          assert.strictEqual(
            await detail.locator(".line.marked").innerText().then((line) => line.includes("yesterday")),
            true
          )
        })
        assert.deepStrictEqual(errors, [])
      }
    }))

  it.scopedLive("an empty server shows how to connect each SDK, and its button sends an event", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const { errors, page, rows, says } = yield* open(server.url)
      yield* Effect.promise(async () => {
        await says("Connect an SDK")
        for (const sdk of ["Node", "Browser", "Python", "Go", "Java", "Kotlin", "Swift", "curl"]) {
          await page.getByRole("button", { name: sdk, exact: true }).click()
          await page.locator("pre", { hasText: server.urlV2 }).waitFor()
        }
        await page.getByRole("button", { name: "Send a test event" }).click()
        await rows.filter({ hasText: "Test Event" }).waitFor()
      })
      assert.deepStrictEqual((yield* server.received).map(({ verdict }) => verdict), ["kept"])
      assert.deepStrictEqual(errors, [])
    }))

  it.scopedLive("a new event appears within a moment and never moves what is being read", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      yield* Effect.promise(() => visits(url, 12))
      const { page, rows, says } = yield* open(`${url}/#/events`)
      yield* Effect.promise(async () => {
        await rows.first().waitFor()
        await send(url, [{ event_type: "First", user_id: "ada.lovelace" }])
        await rows.filter({ hasText: "First" }).waitFor()
        await page.locator(".list").hover()
        await page.mouse.wheel(0, 300)
        await until(page, () => document.querySelector(".list")!.scrollTop > 0)
        const placeOf = () => rows.filter({ hasText: "Order Completed" }).first().boundingBox()
        const before = await placeOf()
        await send(url, [{ event_type: "Second", user_id: "ada.lovelace" }])
        await page.getByRole("button", { name: "1 new" }).waitFor()
        assert.deepStrictEqual(await placeOf(), before)
        await page.getByRole("button", { name: "1 new" }).click()
        await rows.filter({ hasText: "Second" }).waitFor()
        // paused, it holds still as well
        await page.mouse.move(1000, 600)
        await page.keyboard.press("Space")
        await says("Paused")
        await send(url, [{ event_type: "Third", user_id: "ada.lovelace" }])
        await page.getByRole("button", { name: "1 new" }).waitFor()
        await page.getByRole("button", { name: "Resume the list" }).click()
        await page.mouse.move(1000, 600)
        await page.evaluate(() => (document.activeElement as HTMLElement).blur())
        await rows.filter({ hasText: "Third" }).waitFor()
      })
    }))

  it.scopedLive("filters by type, user, library, verdict, property and text", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      yield* Effect.promise(async () => {
        await visits(url, 5)
        await send(url, refused(Date.now())[0]!)
      })
      const { page, rows } = yield* open(`${url}/#/events`)
      const shown = async (query: string) => {
        await page.getByRole("searchbox").fill(query)
        await until(page, () => location.hash.includes("q="))
        return rows.count()
      }
      yield* Effect.promise(async () => {
        await rows.first().waitFor()
        assert.strictEqual(await shown("type:checkout"), 3)
        assert.strictEqual(await shown("user:grace"), 3)
        assert.strictEqual(await shown("lib:python type:\"Page Viewed\""), 2)
        assert.strictEqual(await shown("is:fault"), 1)
        assert.strictEqual(await shown("prop.referrer=newsletter"), 2)
        assert.strictEqual(await shown("nocturne"), 1)
        assert.strictEqual(await shown("nothing like this"), 0)
        await page.getByRole("button", { name: "Clear the filter" }).click()
        await rows.first().waitFor()
      })
    }))

  it.scopedLive("an event leads to its request, user and previous event, shows what it changed, and is copied", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      yield* Effect.promise(async () => {
        await visits(url, 11)
      })
      const { detail, errors, go, page, rows, says } = yield* open(`${url}/#/events`, {
        permissions: ["clipboard-read", "clipboard-write"]
      })
      yield* Effect.promise(async () => {
        await rows.filter({ hasText: "$identify" }).first().click()
        await says("What it changed", detail)
        assert.deepStrictEqual(
          await detail.locator("tbody tr").filter({ hasText: "visits" }).locator("td").allInnerTexts(),
          [
            "visits",
            "2",
            "3"
          ]
        )
        // the message of an earlier copy is still shown
        const copied = async (name: string, what: string) => {
          await page.getByRole("button", { name, exact: true }).click()
          await says(`Copied ${what}`)
          return page.evaluate(() => navigator.clipboard.readText())
        }
        assert.strictEqual(JSON.parse(await copied("JSON", "the event as JSON")).event_type, "$identify")
        assert.match(await copied("curl", "a curl command"), /^curl '.*\$AMPLITUDE_API_KEY/s)
        assert.match(await copied("Fixture", "a fixture"), /^\[\s*\{\s*event_type: "\$identify"/)
        assert.match(await copied("Event.define", "a definition"), /^const \w+ = Event\.define\("\$identify"/)
        await detail.getByRole("link", { name: /^Previous/ }).click()
        await says("What it changed", detail)
        await detail.getByRole("link", { name: /^User / }).click()
        await says("User properties")
        await says("Sessions")
        await page.goBack()
        await detail.getByRole("link", { name: /^Request / }).click()
        await says("What an SDK should do now")
        await says("Nothing: the events are delivered.")
        assert.include(await copied("Copy as curl", "a curl command"), "$AMPLITUDE_API_KEY")
        await go("users")
        await page.getByRole("link", { name: /Analytical Engines/ }).click()
        await says("Group properties")
        await go("plan")
        await page.getByRole("link", { name: /Product Added/ }).click()
        await says("quantity")
        const download = page.waitForEvent("download")
        await go("events")
        await page.getByRole("link", { name: "CSV" }).click()
        assert.strictEqual((await download).suggestedFilename(), "events.csv")
      })
      assert.deepStrictEqual(errors, [])
    }))

  it.scopedLive("a fault is armed by a button, said on every view, stopped, and its delivery verdict told", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      const { page, says } = yield* open(`${url}/#/faults`)
      const event = (insert_id: string) => ({
        event_type: "Played",
        user_id: "ada.lovelace",
        device_id: "device-1",
        insert_id
      })
      yield* Effect.promise(async () => {
        await page.getByRole("button", { name: /^503 for the next 3/ }).click()
        await says("A fault is on:")
        assert.strictEqual(await send(url, [event("once"), event("twice"), event("never")]), 503)
        for (const view of views) {
          await page.locator(".tabs").getByRole("link", { name: new RegExp(view, "i") }).click()
          await says("A fault is on:")
        }
        await page.getByRole("button", { name: "Stop" }).click()
        await page.getByText("A fault is on:").waitFor({ state: "detached" })
        assert.strictEqual(await send(url, [event("once"), event("twice")]), 200)
        await send(url, [event("twice")])
        await page.keyboard.press("4")
        const fateOf = (id: string) => page.locator("tr", { hasText: id })
        await says(/came back after/, fateOf("once"))
        await says("came back 2 times", fateOf("twice"))
        await says("never came back", fateOf("never"))
        await page.getByLabel("429 for a user for 30 s").fill("grace.hopper")
        await page.getByRole("button", { name: "Switch on" }).click()
        await says(/429 for user grace.hopper/)
        // the answer names the user, so that an SDK can send the events of others
        const answer = await fetch(`${url}/2/httpapi`, {
          method: "POST",
          body: JSON.stringify({ api_key: "dev-key", events: [{ ...event("held"), user_id: "grace.hopper" }] })
        })
        assert.strictEqual(answer.status, 429)
        assert.deepInclude(await answer.json(), { throttled_users: { "grace.hopper": 31 } })
        for (const name of [/^413/, /^Timeout/, /^Reset/, /share of 10 %/]) {
          await page.getByRole("button", { name }).click()
          await says(/^On: /)
        }
        await says("5 faults are on:")
        await page.getByRole("button", { name: "Stop all" }).click()
        await page.getByText("5 faults are on:").waitFor({ state: "detached" })
      })
    }))

  it.scopedLive("is used by keys alone", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      yield* Effect.promise(() => send(url, visit(0, Date.now())))
      const { detail, page, rows, says } = yield* open(`${url}/#/events`, {
        permissions: ["clipboard-read", "clipboard-write"]
      })
      const press = async (...keys: ReadonlyArray<string>) => {
        for (const key of keys) await page.keyboard.press(key)
      }
      // the browser tells of a new address some time after the key that changed it
      const isAt = (address: string | RegExp) =>
        page.waitForURL(({ href }) => typeof address === "string" ? href.includes(address) : address.test(href))
      yield* Effect.promise(async () => {
        await rows.first().waitFor()
        for (const [index, view] of views.entries()) {
          await press(String(index + 1))
          await isAt(`#/${view}`)
        }
        await press("1")
        await rows.first().waitFor()
        await press("j", "j", "k", "Enter")
        await says("Order Completed", detail)
        await press("c")
        await says("Copied the event as JSON")
        assert.strictEqual(
          JSON.parse(await page.evaluate(() => navigator.clipboard.readText())).event_type,
          "Order Completed"
        )
        await press("Escape")
        await isAt(/#\/events$/)
        await press("/")
        await until(page, () => document.activeElement?.id === "filter")
        await page.keyboard.type("x")
        await isAt(/\?q=x$/)
        await press("Escape", "x")
        await isAt("is%3Afault")
        await press("?")
        await page.getByRole("dialog").waitFor()
        await press("Escape")
        await page.getByRole("dialog").waitFor({ state: "detached" })
      })
    }))

  it.scopedLive("content of events is text, whatever it says", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      const markup = "<img src=x onerror=\"alert(1)\"><script>alert(2)</script>"
      const hostile = JSON.stringify({
        api_key: "dev-key",
        events: [
          { event_type: markup, user_id: markup, event_properties: { [markup]: markup, nested: { a: [markup] } } },
          { event_type: "\u202egnp.exe\u0007\u0000\u001b[31m", user_id: "\u200f\u202euser-12345" },
          { event_type: "Huge", user_id: "ada.lovelace", event_properties: { text: "W".repeat(300_000) } },
          { event_type: "PROTO", user_id: "constructor", event_properties: "PROTOTYPE" },
          { event_type: "../../api/clear", user_id: "../%2e%2e/#?", groups: { "<b>": "<i>" }, time: markup },
          { event_type: "Rich", user_id: "rich-user", revenue: 1e308 },
          { event_type: "Deep \"\\", user_id: "rich-user", revenue: 1e308, event_properties: "DEEP" }
        ]
      }).replace("\"PROTOTYPE\"", `{"__proto__":{"polluted":true},"constructor":1,"toString":2}`)
        .replace("\"DEEP\"", `{"deep":${"[".repeat(20_000)}${"]".repeat(20_000)}}`)
      for (
        const body of [hostile, hostile.replace(/,"time":"[^}]*"}/, "}").replace(/\[{20000}\]{20000}/, "[]")]
      ) {
        yield* Effect.promise(() => fetch(`${url}/2/httpapi`, { method: "POST", headers: json, body }))
      }
      const { detail, errors, go, page, rows } = yield* open(`${url}/#/events`)
      const inert = async () => {
        assert.strictEqual(await page.locator("img, #root script, #root b, #root i").count(), 0)
        assert.strictEqual(await page.evaluate(() => "polluted" in {}), false)
        assert.isAtMost(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0)
      }
      yield* Effect.promise(async () => {
        await rows.first().waitFor()
        assert.strictEqual(await rows.count(), 14)
        await inert()
        for (let index = 0; index < 14; index++) {
          await rows.nth(index).click()
          await detail.locator(".line").first().waitFor()
          await inert()
          const user = detail.getByRole("link", { name: /^User / })
          if (index < 7 && await user.count() > 0) {
            await user.click()
            await page.getByText("Sessions", { exact: true }).waitFor()
            await inert()
            await page.goBack()
            await rows.first().waitFor()
          }
        }
        for (const view of ["users", "requests", "plan"]) {
          await go(view)
          // the items of the view before may still be there, and those of this one are read from the server
          await page.locator(".tabs [aria-current=page]", { hasText: new RegExp(view, "i") }).waitFor()
          await page.locator(".item").first().waitFor()
          for (const item of await page.locator(".item").all()) {
            await item.click()
            await page.locator(".title").waitFor()
            await inert()
          }
        }
        await page.setViewportSize({ width: 360, height: 740 })
        for (const view of views) {
          await go(view)
          await page.locator("main").waitFor()
          await inert()
        }
      })
      assert.deepStrictEqual(errors, [])
    }))

  it.scopedLive("shows ids that no address can hold", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      const half = { event_type: "Half \ud800", user_id: "half-\udc00", groups: { "\ud800": "\udc00" } }
      yield* Effect.promise(() => send(url, [half]))
      const { errors, go, page, rows, says } = yield* open(`${url}/#/events`)
      yield* Effect.promise(async () => {
        await rows.first().click()
        await says("As it was sent")
        await go("users")
        await page.locator(".item").nth(1).waitFor()
      })
      assert.deepStrictEqual(errors, [])
    }))

  it.scopedLive("comes back by itself when the server was started again, and shows what it holds then", () =>
    Effect.gen(function*() {
      const first = yield* Scope.make()
      const port = yield* freePort
      const { url } = yield* DevServer.make({ port }).pipe(Scope.extend(first))
      yield* Effect.promise(() => send(url, [{ event_type: "Before", user_id: "ada.lovelace" }]))
      const { page, rows, says } = yield* open(`${url}/#/events`)
      yield* Effect.promise(() => rows.filter({ hasText: "Before" }).waitFor())
      yield* Scope.close(first, Exit.void)
      yield* Effect.promise(() => says(/The server does not answer/))
      yield* DevServer.make({ port })
      yield* Effect.promise(async () => {
        await send(url, [{ event_type: "After", user_id: "ada.lovelace" }])
        await rows.filter({ hasText: "After" }).waitFor()
        await page.getByText(/The server does not answer/).waitFor({ state: "detached" })
        assert.strictEqual(await rows.filter({ hasText: "Before" }).count(), 0)
        await send(url, [{ event_type: "Later", user_id: "ada.lovelace" }])
        await rows.filter({ hasText: "Later" }).waitFor()
        await until(page, () => document.title.startsWith("2 events"))
      })
    }))

  it.scopedLive("answers keys while thousands of events arrive, and counts each once", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make({ rateLimit: false })
      const { page, rows } = yield* open(`${url}/#/events`)
      yield* Effect.promise(async () => {
        for (let batch = 0; batch < 6; batch++) {
          const events = Array.from(
            { length: 1000 },
            (_, index) => ({ event_type: "Tick", user_id: `user-${batch}-${index}` })
          )
          await fetch(`${url}/batch`, {
            method: "POST",
            headers: json,
            body: JSON.stringify({ api_key: "dev-key", events })
          })
        }
        await until(page, () => document.title.startsWith("6,000 events"))
        await rows.first().waitFor()
        await page.keyboard.press("j")
        await until(page, () => document.activeElement?.hasAttribute("data-event") === true)
        await page.keyboard.press("Enter")
        await page.locator("#detail .title").waitFor()
        // rows that are out of sight do not exist
        assert.isBelow(await rows.count(), 60)
      })
    }))

  it.scopedLive("an event that comes between two answers of the server is counted once", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make()
      yield* Effect.promise(() => send(url, [{ event_type: "First", user_id: "ada.lovelace" }]))
      const { page, rows } = yield* open(`${url}/#/events`)
      yield* Effect.promise(async () => {
        await rows.first().waitFor()
        let isRead = (): void => {}
        const statsAreRead = new Promise<void>((resolve) => {
          isRead = resolve
        })
        page.on("response", (response) => {
          if (response.url().includes("/api/stats")) void response.finished().then(isRead)
        })
        await page.route(/\/api\/events\?.*limit=500/, async (route) => {
          await statsAreRead
          await send(url, [{ event_type: "Second", user_id: "ada.lovelace" }])
          await route.continue()
        }, { times: 1 })
        await page.reload()
        await rows.filter({ hasText: "Second" }).waitFor()
        await until(page, () => document.title.startsWith("2 events"))
        await send(url, [{ event_type: "Third", user_id: "ada.lovelace" }])
        await until(page, () => document.title.startsWith("3 events"))
      })
    }))

  it.scopedLive("axe finds nothing on any view in either theme, and nothing is wider than 360 pixels", () =>
    Effect.gen(function*() {
      const { url } = yield* DevServer.make({ plan: { "Page Viewed": { type: "object", required: ["title"] } } })
      yield* Effect.promise(async () => {
        await visits(url, 3)
        for (const events of refused(Date.now())) await send(url, events)
        await fetch(`${url}/api/faults`, {
          method: "POST",
          headers: json,
          body: JSON.stringify({ answer: { status: 503 }, user: "nobody-there" })
        })
      })
      const { errors, go, page } = yield* open(`${url}/#/events`)
      const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
      yield* Effect.promise(async () => {
        await page.locator("[data-event]").first().waitFor()
        const fault = await page.locator("[data-event]", { hasText: "At fault" }).first().getAttribute("data-event")
        await page.evaluate(`${axe};0`)
        for (
          const view of [
            `events/${fault}`,
            "users/ada.lovelace",
            "requests/1",
            "plan/Page%20Viewed",
            "events",
            "faults",
            "connect"
          ]
        ) {
          await go(view)
          await page.locator(view.includes("/") ? ".title" : "main").first().waitFor()
          await page.getByText("A fault is on:").waitFor()
          for (const colorScheme of ["light", "dark"] as const) {
            await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
            const found = await page.evaluate(async () =>
              (await (globalThis as any).axe.run()).violations.map(({ id, nodes }: any) =>
                `${id}: ${nodes.map(({ html }: any) => html).join(" ")}`
              )
            )
            assert.deepStrictEqual(found, [], `${view} ${colorScheme}`)
          }
          await page.setViewportSize({ width: 360, height: 740 })
          assert.isAtMost(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, view)
          await page.setViewportSize({ width: 1280, height: 800 })
        }
        const colour = () => page.evaluate(() => getComputedStyle(document.body).color)
        const dark = await colour()
        const button = page.getByRole("button", { name: /^Colours:/ })
        await button.click()
        assert.notStrictEqual(await colour(), dark)
        // the choice is kept
        await page.reload()
        await page.getByRole("button", { name: /^Colours: Light/ }).waitFor()
      })
      assert.deepStrictEqual(errors, [])
    }))
})

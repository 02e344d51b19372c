/**
 * A test of a page that tracks, in Chromium by Playwright. A local server takes the events of the page, and
 * `effect-amplitude/DevServerClient` says what arrived. It needs the Debian package `chromium`, or the path of another
 * Chromium in `CHROMIUM`.
 *
 *     npx tsx examples/playwright.ts
 *
 * In your project each of them is a test of `@playwright/test`, which gives the `page`:
 *
 *     test("a purchase is tracked", async ({ page }) => {
 *       const amplitude = connect("http://127.0.0.1:8267")
 *       ...
 *     })
 *
 * and `npx effect-amplitude dev -- npx playwright test` starts the server for them.
 */
import { ManagedRuntime } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { type Client, connect } from "effect-amplitude/DevServerClient"
import { deepStrictEqual, rejects } from "node:assert/strict"
import { existsSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { chromium, type Page } from "playwright-core"

// The page under test has two buttons. Your page uses an SDK, with `serverUrl` as its server URL.

const pageOf = (apiKey: string, serverUrl: string): string =>
  `<!doctype html>
<title>A shop</title>
<button id="buy">Buy tea</button>
<button id="like">Like tea</button>
<p role="status"></p>
<script>
  const track = (event_type, user_id, event_properties) =>
    fetch(${JSON.stringify(serverUrl)}, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        api_key: ${JSON.stringify(apiKey)},
        events: [{ event_type, user_id, event_properties, insert_id: crypto.randomUUID() }]
      })
    }).then(({ ok }) => {
      document.querySelector("p").textContent = ok ? "Thank you" : "Please try again"
    })
  buy.addEventListener("click", () => track("Product Bought", "user-12345", { sku: "tea", price: 4.5 }))
  like.addEventListener("click", () => track("Product Liked", "u1", { sku: "tea" }))
</script>`

/** The page, on a port of its own. */
const serveShop = async (apiKey: string, serverUrl: string) => {
  const shop = createServer((_, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8").end(pageOf(apiKey, serverUrl))
  })
  await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve))
  return { shop, url: `http://localhost:${(shop.address() as AddressInfo).port}` }
}

// The tests

const aPurchaseIsTracked = async (page: Page, amplitude: Client) => {
  await page.getByRole("button", { name: "Buy tea" }).click()
  await amplitude.expect({ type: "Product Bought", user: "user-12345", where: { "event_properties.sku": "tea" } })
  await amplitude.expectNone({ type: "Product Liked", noneAtFault: true, within: 50 })
}

const theShopBearsAnOutage = async (page: Page, amplitude: Client) => {
  await amplitude.inject({ answer: { status: 503 }, times: 1 })
  await page.getByRole("button", { name: "Buy tea" }).click()
  await page.getByText("Please try again").waitFor()
  await page.getByRole("button", { name: "Buy tea" }).click()
  await page.getByText("Thank you").waitFor()
  const events = await amplitude.events({ type: "Product Bought" })
  deepStrictEqual(events.map(({ verdict }) => verdict), ["kept", "injected"])
}

/** The page sends a user id that Amplitude refuses. A test that expects the event says why it is not kept. */
const aRefusedEventIsExplained = async (page: Page, amplitude: Client) => {
  await page.getByRole("button", { name: "Like tea" }).click()
  await page.getByText("Please try again").waitFor()
  await rejects(amplitude.expect({ type: "Product Liked", within: 50 }), /user_id must be at least 5 characters/)
}

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium"

const main = async () => {
  const runtime = ManagedRuntime.make(DevServer.layer())
  const server = await runtime.runPromise(DevServer)
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] })
  const test = async (name: string, run: (page: Page, amplitude: Client) => Promise<void>) => {
    // The API key is the project: each test has its own.
    const { shop, url } = await serveShop(name, server.urlV2)
    const page = await browser.newPage()
    await page.goto(url)
    await run(page, connect(server.url, { project: name }))
    await page.close()
    shop.close()
    shop.closeAllConnections()
    console.log(`ok: ${name}`)
  }
  try {
    await test("a purchase is tracked", aPurchaseIsTracked)
    await test("the shop bears an outage", theShopBearsAnOutage)
    await test("a refused event is explained", aRefusedEventIsExplained)
  } finally {
    await browser.close()
    await runtime.dispose()
  }
}

if (existsSync(executablePath)) {
  await main()
} else {
  console.error(`There is no ${executablePath}: install the Debian package chromium, or set CHROMIUM`)
  process.exitCode = 1
}

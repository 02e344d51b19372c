/**
 * Makes the pictures of the README.
 *
 *     npm run screenshots
 *
 * With a folder, it makes pictures of every state of the page there, at three widths and in both themes.
 *
 *     npm run screenshots -- /tmp/pictures
 */
import { Console, Effect, Exit, Scope } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Chromium from "../support/chromium.js"
import { refused, send, visits } from "./shop.js"

const wide = { width: 1280, height: 800 }

const pictures = [
  { name: "event-light", view: "#/events/FAULT", theme: "light", viewport: wide, shows: "Why it was refused" },
  { name: "events-dark", view: "#/events", theme: "dark", viewport: wide, shows: "Why events were not kept" },
  { name: "faults-light", view: "#/faults", theme: "light", viewport: wide, shows: "Never came back" },
  {
    name: "event-narrow",
    view: "#/events/FAULT",
    theme: "dark",
    viewport: { width: 360, height: 740 },
    shows: "Wanted"
  }
] as const

const states = [
  { name: "empty", view: "", shows: "Connect an SDK" },
  { name: "busy", view: "#/events", shows: "Order Completed" },
  { name: "busy-user", view: "#/users/ada.lovelace", shows: "User properties" },
  { name: "busy-request", view: "#/requests/FAULT", shows: "What an SDK should do" },
  { name: "busy-plan", view: "#/plan/Page%20Viewed", shows: "path" },
  { name: "trouble", view: "#/events/FAULT", shows: "Why it was refused" },
  { name: "trouble-list", view: "#/events?q=is%3Afault", shows: "At fault" },
  { name: "trouble-faults", view: "#/faults", shows: "Never came back" },
  { name: "gone", view: "#/events", shows: "The server does not answer" }
] as const

const viewports = [{ width: 1440, height: 900 }, { width: 1024, height: 768 }, { width: 360, height: 740 }]

/** Kept and refused events, an armed fault, and the returns of an SDK after it. */
const fill = ({ inject, received, url }: DevServer.Service, count: number) =>
  Effect.gen(function*() {
    yield* Effect.promise(() => visits(url, count))
    for (const events of refused(Date.now())) yield* Effect.promise(() => send(url, events))
    yield* inject({ answer: { status: 503 }, times: 4 })
    const event = (insert_id: string) => ({
      event_type: "Song Played",
      user_id: "ada.lovelace",
      device_id: "device-0",
      insert_id
    })
    const batches = [["song-1", "song-2"], ["song-3"], ["song-4"], ["song-1", "song-2"], ["song-3"], ["song-3"]]
    for (const batch of batches) yield* Effect.promise(() => send(url, batch.map(event)))
    yield* inject({ answer: { status: 503 }, share: 0.1 })
    return (yield* received).find(({ verdict }) => verdict === "fault")!
  })

const browser = Effect.acquireRelease(
  Effect.promise(() => Chromium.launch()),
  (browser) => Effect.promise(() => browser.close())
)

const forReadme = Effect.gen(function*() {
  const folder = fileURLToPath(new URL("../../media", import.meta.url))
  mkdirSync(folder, { recursive: true })
  const server = yield* DevServer.make()
  const fault = yield* fill(server, 20)
  const chromium = yield* browser
  for (const { name, shows, theme, view, viewport } of pictures) {
    yield* Effect.promise(async () => {
      const page = await chromium.newPage({ viewport, colorScheme: theme })
      await page.goto(`${server.url}/${view.replace("FAULT", fault.id)}`)
      await page.getByText(shows).first().waitFor()
      await page.getByText("A fault is on:").waitFor()
      await page.screenshot({ path: join(folder, `${name}.png`) })
      await page.close()
    })
  }
  yield* Console.log(`${pictures.length} pictures in ${folder}`)
})

const ofEveryState = (folder: string) =>
  Effect.gen(function*() {
    mkdirSync(folder, { recursive: true })
    const life = yield* Scope.make()
    const server = yield* Scope.extend(DevServer.make(), life)
    const chromium = yield* browser
    const page = yield* Effect.promise(() => chromium.newPage())
    let fault: DevServer.ReceivedEvent | undefined
    for (const { name, shows, view } of states) {
      if (name === "busy") fault = yield* fill(server, 300)
      const id = view.startsWith("#/requests") ? fault?.request : fault?.id
      yield* Effect.promise(() => page.goto(`${server.url}/${view.replace("FAULT", id ?? "")}`))
      if (name === "gone") yield* Scope.close(life, Exit.void)
      for (const viewport of viewports) {
        for (const colorScheme of ["light", "dark"] as const) {
          yield* Effect.promise(async () => {
            await page.setViewportSize(viewport)
            await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
            await page.getByText(shows).locator("visible=true").first().waitFor()
            if (fault !== undefined) await page.getByText("A fault is on:").waitFor()
            await page.screenshot({ path: join(folder, `${name}-${viewport.width}-${colorScheme}.png`) })
          })
        }
      }
    }
    yield* Console.log(`${states.length * viewports.length * 2} pictures in ${folder}`)
  })

const [folder] = process.argv.slice(2)

await Effect.runPromise(
  Chromium.isMissing
    ? Console.error("The Debian package chromium is missing")
    : Effect.scoped(folder === undefined ? forReadme : ofEveryState(folder))
)

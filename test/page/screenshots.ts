/**
 * Makes the pictures of the README.
 *
 *     npm run screenshots
 */
import { Console, Effect } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Chromium from "../support/chromium.js"
import { refused, send, visits } from "./shop.js"

const folder = fileURLToPath(new URL("../../media", import.meta.url))

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

const program = Effect.gen(function*() {
  if (Chromium.isMissing) return yield* Console.error("The Debian package chromium is missing")
  mkdirSync(folder, { recursive: true })
  const { inject, received, url } = yield* DevServer.make()
  yield* Effect.promise(() => visits(url, 20))
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
  const fault = (yield* received).find(({ verdict }) => verdict === "fault")!
  const browser = yield* Effect.acquireRelease(
    Effect.promise(Chromium.launch),
    (browser) => Effect.promise(() => browser.close())
  )
  for (const { name, shows, theme, view, viewport } of pictures) {
    yield* Effect.promise(async () => {
      const page = await browser.newPage({ viewport, colorScheme: theme })
      await page.goto(`${url}/${view.replace("FAULT", fault.id)}`)
      await page.getByText(shows).first().waitFor()
      await page.getByText("A fault is on:").waitFor()
      await page.screenshot({ path: join(folder, `${name}.png`) })
      await page.close()
    })
  }
  yield* Console.log(`${pictures.length} pictures in ${folder}`)
}).pipe(Effect.scoped)

await Effect.runPromise(program)

/**
 * The page of `DevServer` in Chromium. The server is in this process; what loads it is in one of its own.
 */
import { Effect, Exit, Scope } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { fork } from "node:child_process"
import { once } from "node:events"
import type { Page } from "playwright-core"
import { chromium } from "playwright-core"
import { executablePath } from "../chromium.js"
import { builtOf } from "../paths.js"
import type { Sampler } from "../sample.js"
import { percentile } from "../statistics.js"

interface Taken {
  readonly taken: number
  readonly slowest: number
}

const send = async (url: string, event_type: string): Promise<void> => {
  const events = [{ event_type, user_id: "user-12345", insert_id: event_type }]
  const { ok } = await fetch(url, { method: "POST", body: JSON.stringify({ api_key: "page", events }) })
  if (!ok) throw new Error(`${event_type} was refused`)
}

/** When a row with a text was painted: the first task after the frame that has it. Milliseconds since the epoch. */
const painted = (page: Page, text: string): Promise<number> =>
  page.evaluate((text) =>
    new Promise<number>((resolve) => {
      const look = () => {
        if (!document.querySelector(".list")?.textContent?.includes(text)) return
        observer.disconnect()
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel()
          port1.onmessage = () => resolve(performance.timeOrigin + performance.now())
          port2.postMessage(undefined)
        })
      }
      const observer = new MutationObserver(look)
      observer.observe(document.body, { childList: true, subtree: true, characterData: true })
      look()
    }), text)

/** From before an event is sent until its row is painted. What arrives comes every 250 ms: the starts are spread. */
const arrivals = async (page: Page, url: string, count: number): Promise<ReadonlyArray<number>> => {
  const times: Array<number> = []
  for (let index = 0; index < count; index++) {
    await new Promise((resolve) => setTimeout(resolve, 300 + index * 37 % 250))
    const name = `Arrival ${index};`
    const row = painted(page, name)
    const began = performance.timeOrigin + performance.now()
    await send(url, name)
    times.push(await row - began)
  }
  return times
}

/** Presses keys until it is stopped. */
const pressKeys = (page: Page) => {
  let isOver = false
  const run = async () => {
    for (let index = 0; !isOver; index++) {
      await page.keyboard.press(index % 8 < 4 ? "j" : "k")
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const done = run()
  return () => {
    isOver = true
    return done
  }
}

interface Observed {
  /** The longest task, in milliseconds. */
  task: number
  /** From each key to the frame that answers it, in milliseconds. The browser leaves out what takes less than 16. */
  readonly keys: Array<number>
}

/** Lets the browser itself note how it responds: this process is busy with the server. */
const observe = (page: Page) =>
  page.evaluate(() => {
    const observed: Observed = { task: 0, keys: [] }
    Object.assign(globalThis, { observed })
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) observed.task = Math.max(observed.task, duration)
    }).observe({ type: "longtask" })
    new PerformanceObserver((list) => {
      for (const { duration, name } of list.getEntries()) if (name === "keydown") observed.keys.push(duration)
    }).observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit)
  })

export const sample: Sampler = async (_, { arrived = 40, events = 1000, uploads = 100 }) => {
  const scope = await Effect.runPromise(Scope.make())
  const server = await Effect.runPromise(Scope.extend(DevServer.make({ rateLimit: false }), scope))
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
  const child = fork(builtOf("load.js"), { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    await send(server.urlV2, "First")
    await page.goto(`${server.url}/#/events`)
    await page.locator("[data-event]").first().waitFor()
    const times = await arrivals(page, server.urlV2, arrived)

    await observe(page)
    const stop = pressKeys(page)
    const done = once(child, "message") as Promise<[Taken]>
    child.send({ url: server.urlBatch, uploads, events, from: 0, every: 1000 * events / 10_000 })
    const [{ slowest, taken }] = await done
    await stop()
    const total = (1 + arrived + uploads * events).toLocaleString("en-US")
    const ended = performance.now()
    await page.waitForFunction((total) => document.title.includes(`${total} events`), total, { timeout: 30_000 })
    const behind = performance.now() - ended
    const { keys, task } = await page.evaluate(() => (globalThis as any).observed as Observed)
    return {
      median: percentile(times, 0.5),
      p95: percentile(times, 0.95),
      lost: (uploads - taken) * events,
      slowest,
      key: percentile(keys, 0.5),
      slowestKey: Math.max(...keys, 16),
      task,
      behind
    }
  } finally {
    child.kill()
    await browser.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

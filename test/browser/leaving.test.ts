/**
 * The client of a page, with a fake page that has only the members that the client uses.
 * `test/AmplitudeBrowser.test.ts` tests it in a real browser.
 */
import { FetchHttpClient } from "@effect/platform"
import { assert, describe, it, vi } from "@effect/vitest"
import { Config, Effect, Layer, Logger } from "effect"
import { Amplitude, Plugin } from "effect-amplitude"
import { AmplitudeBrowser } from "effect-amplitude/AmplitudeBrowser"

interface Sent {
  readonly keepalive: boolean | undefined
  readonly bytes: number
  readonly api_key: string
  readonly options: unknown
  readonly indices: ReadonlyArray<number>
  readonly types: ReadonlyArray<string>
}

/** A page, its storage, and a server. */
const makePage = Effect.gen(function*() {
  const sent: Array<Sent> = []
  const stored = new Map<string, string>()
  const page = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" })
  const navigator = { onLine: true }
  const localStorage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key)
  }
  let answering = Promise.resolve()
  let answer = () => {}
  const globals = {
    document,
    navigator,
    localStorage,
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page)
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value)
    }),
    () => Effect.sync(() => vi.unstubAllGlobals())
  )
  const fetch = async (_: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const text = new TextDecoder().decode(init?.body as Uint8Array)
    const isCompressed = new Headers(init?.headers).has("content-encoding")
    const { api_key, events, options } = isCompressed ? { events: [] } as any : JSON.parse(text)
    sent.push({
      keepalive: init?.keepalive,
      bytes: (init?.body as Uint8Array).length,
      api_key,
      options,
      indices: events.map(({ event_properties }: any) => event_properties.index),
      types: events.map(({ event_type }: any) => event_type)
    })
    await answering
    return new Response(`{"code":200}`)
  }
  return {
    sent,
    stored,
    localStorage,
    navigator,
    fetch: Layer.succeed(FetchHttpClient.Fetch, fetch),
    hold: Effect.sync(() => {
      answering = new Promise((resolve) => (answer = resolve))
    }),
    answer: Effect.sync(() => answer()),
    hide: Effect.sync(() => {
      document.visibilityState = "hidden"
      document.dispatchEvent(new Event("visibilitychange"))
    }),
    leave: Effect.sync(() => {
      page.dispatchEvent(new Event("pagehide"))
      document.visibilityState = "hidden"
      document.dispatchEvent(new Event("visibilitychange"))
    }),
    comeBack: Effect.sync(() => void page.dispatchEvent(new Event("pageshow")))
  }
})

const layerOf = (
  { fetch }: Effect.Effect.Success<typeof makePage>,
  options: Partial<Parameters<typeof AmplitudeBrowser.layer>[0]> = {}
) => Layer.provide(AmplitudeBrowser.layer({ apiKey: "key", flushInterval: "1 hour", ...options }), fetch)

const track = (count: number, textLength = 0) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) => Amplitude.track("Clicked", { index, text: "x".repeat(textLength) }, { device_id: "device-1" }),
    { discard: true }
  )

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

const indicesOf = (sent: ReadonlyArray<Sent>) => sent.flatMap(({ indices }) => [...indices])

/** Lets the fibers of the client run. */
const settle = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

describe("a page", () => {
  it.scopedLive("that is hidden flushes with keepalive", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* track(3)
        yield* page.hide
        yield* Amplitude.flush
        assert.deepStrictEqual(page.sent.map(({ indices, keepalive }) => ({ indices, keepalive })), [
          { indices: range(3), keepalive: true }
        ])
      }).pipe(Effect.provide(layerOf(page)))
    }))

  it.scopedLive("that is left hands over what waits, once", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* track(3)
        yield* settle
        yield* page.hold
        yield* page.leave
        yield* settle
        assert.deepStrictEqual(
          page.sent.map(({ api_key, indices, keepalive, options }) => ({
            api_key,
            indices,
            keepalive,
            options
          })),
          [{ api_key: "key", indices: range(3), keepalive: true, options: { min_id_length: 3 } }]
        )
        assert.strictEqual(page.stored.size, 0)
        yield* page.answer
      }).pipe(Effect.provide(layerOf(page, { minIdLength: 3 })))
    }))

  it.scopedLive("that is left does not hand over what is on its way", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* page.hold
        yield* track(2)
        const flushing = yield* Effect.fork(Amplitude.flush)
        yield* settle
        yield* track(4)
        yield* settle
        yield* page.leave
        assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [range(2), range(4)])
        yield* page.answer
        yield* flushing
      }).pipe(Effect.provide(layerOf(page)))
    }))

  it.scopedLive("that is left stores what is too much, and the next page sends it", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* page.hold
        yield* track(150, 1000)
        yield* settle
        yield* page.leave
        yield* settle
        assert.isTrue(page.sent.every(({ bytes, keepalive }) => keepalive === true && bytes < 60_000))
        assert.isAtMost(page.sent.reduce((sum, { bytes }) => sum + bytes, 0), 65_536)
        assert.strictEqual(page.stored.size, 1)
        assert.notInclude([...page.stored].flat().join(), `"key"`)
        yield* page.answer
      }).pipe(Effect.provide(layerOf(page, { shutdownTimeout: 0 })))
      const before = indicesOf(page.sent)
      page.sent.length = 0
      const rename = Plugin.before("rename", (event) => Effect.succeed({ ...event, event_type: "Renamed" }))
      yield* Effect.gen(function*() {
        assert.strictEqual(page.stored.size, 0)
        yield* Amplitude.flush
      }).pipe(Effect.provide(layerOf(page, { plugins: [rename] })))
      // stored events do not pass through plugins again
      assert.isTrue(page.sent.flatMap(({ types }) => types).every((type) => type === "Clicked"))
      assert.includeMembers([...before, ...indicesOf(page.sent)], range(150))
    }))

  it.scopedLive("that is left offline stores everything, also for several clients", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      page.navigator.onLine = false
      for (let visit = 0; visit < 2; visit++) {
        yield* Effect.gen(function*() {
          yield* page.hold
          yield* track(2)
          yield* settle
          yield* page.leave
          assert.deepStrictEqual(page.sent, [])
          yield* page.answer
        }).pipe(Effect.provide(layerOf(page, { shutdownTimeout: 0, apiKey: `key-${visit}` })))
        page.sent.length = 0
      }
      assert.strictEqual(page.stored.size, 2)
    }))

  it.scopedLive("that comes back keeps nothing stored, and sends what waits", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        page.navigator.onLine = false
        yield* track(2)
        yield* settle
        yield* page.leave
        assert.strictEqual(page.stored.size, 1)
        yield* page.comeBack
        yield* page.comeBack
        assert.strictEqual(page.stored.size, 0)
        yield* page.hide
        yield* Amplitude.flush
        assert.deepStrictEqual(indicesOf(page.sent), range(2))
      }).pipe(Effect.provide(layerOf(page)))
    }))

  it.scopedLive("whose storage is full or closed says that events are lost", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      page.localStorage.getItem = () => {
        throw new Error("no access")
      }
      page.localStorage.setItem = () => {
        throw new Error("no access")
      }
      const lines: Array<string> = []
      const logger = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => void lines.push(String(message)))
      )
      page.navigator.onLine = false
      yield* Effect.gen(function*() {
        yield* track(2)
        yield* settle
        yield* page.leave
        yield* settle
        assert.deepStrictEqual(lines, ["2 events are lost: the page was left, and the browser stores no more"])
      }).pipe(Effect.provide(Layer.provideMerge(layerOf(page), logger)))
    }))

  it.scopedLive("whose storage holds something else begins with nothing", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      for (const text of ["{", "{}", "null"]) {
        page.localStorage.getItem = () => text
        yield* Effect.provide(track(1), layerOf(page))
      }
      assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [[0], [0], [0]])
    }))

  it.scopedLive("that compresses may send what is on its way again", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* page.hold
        yield* track(3, 1000)
        const flushing = yield* Effect.fork(Amplitude.flush)
        yield* Effect.repeat(settle, { until: () => page.sent.length === 1 })
        yield* page.leave
        assert.deepStrictEqual(page.sent.at(-1)?.indices, range(3))
        yield* page.answer
        yield* flushing
      }).pipe(Effect.provide(layerOf(page, { compression: "gzip" })))
    }))
})

describe("AmplitudeBrowser", () => {
  it.scopedLive("is an ordinary client where there is no page", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      vi.unstubAllGlobals()
      yield* Effect.provide(
        track(1),
        Layer.provide(AmplitudeBrowser.layerConfig({ apiKey: Config.succeed("key") }), page.fetch)
      )
      assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [[0]])
    }))

  it.scopedLive("fails with InvalidConfig when a plugin cannot be added", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      const failing = Plugin.before("failing", Effect.succeed, { setup: () => Effect.fail("a reason") })
      const error = yield* Effect.flip(Effect.provide(track(1), layerOf(page, { plugins: [failing] })))
      assert.strictEqual(error.option, "plugins")
    }))
})

/**
 * The client of a page, with a fake page that has only the members that the client uses.
 * `test/AmplitudeBrowser.test.ts` tests it in a real browser.
 */
import { FetchHttpClient } from "@effect/platform"
import { assert, describe, it, vi } from "@effect/vitest"
import { Config, Deferred, Effect, Layer, Logger, Runtime, Schedule, Scope } from "effect"
import { Amplitude, Plugin } from "effect-amplitude"
import type { DeliveryReport } from "effect-amplitude"
import { AmplitudeBrowser } from "effect-amplitude/AmplitudeBrowser"

const fail = (message: string): never => {
  throw new Error(message)
}

interface Sent {
  readonly keepalive: boolean | undefined
  readonly bytes: number
  readonly api_key: string
  readonly options: unknown
  readonly indices: ReadonlyArray<number>
  readonly types: ReadonlyArray<string>
  readonly insertIds: ReadonlyArray<string>
  readonly body: string
}

/** A page, its storage, and a server. */
const makePage = Effect.gen(function*() {
  const sent: Array<Sent> = []
  const stored = new Map<string, string>()
  const page = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" })
  const navigator = { onLine: true }
  const localStorage = {
    get length() {
      return stored.size
    },
    key: (index: number) => [...stored.keys()][index] ?? null,
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key)
  }
  let answering = Promise.resolve()
  let answerOf = (_: RequestInit | undefined) => new Response(`{"code":200}`)
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
      types: events.map(({ event_type }: any) => event_type),
      insertIds: events.map(({ insert_id }: any) => insert_id),
      body: isCompressed ? "" : text
    })
    await answering
    return answerOf(init)
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
    /** Answers with another status, or fails with the status 0. */
    answerWith: (status: number) =>
      Effect.sync(() => {
        answerOf = () => status === 0 ? fail("no connection") : new Response(`{"code":${status}}`, { status })
      }),
    /** Fails requests with `keepalive`, as a browser does when other scripts hold its budget. */
    refuseKeepalive: Effect.sync(() => {
      answerOf = (init) => init?.keepalive === true ? fail("over the budget") : new Response(`{"code":200}`)
    }),
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

/** A page that tracks events and is left without a connection. Its client is closed afterwards. */
const leaveOffline = (
  page: Effect.Effect.Success<typeof makePage>,
  tracking: Effect.Effect<void, never, Amplitude>,
  options: Parameters<typeof layerOf>[1] = {}
) =>
  Effect.gen(function*() {
    page.navigator.onLine = false
    yield* page.hold
    yield* Effect.provide(Effect.zipRight(tracking, page.leave), layerOf(page, { shutdownTimeout: 0, ...options }))
    yield* page.answer
    page.navigator.onLine = true
    page.sent.length = 0
  })

/** A page that sends what earlier pages have left. */
const nextPage = (page: Effect.Effect.Success<typeof makePage>, options: Parameters<typeof layerOf>[1] = {}) =>
  Effect.provide(Amplitude.flush, layerOf(page, options))

/** A schedule of retries that are far away, and an effect that completes when a client waits for one. */
const longRetry = Effect.map(Deferred.make<void>(), (begun) => ({
  retrySchedule: Schedule.tapInput(Schedule.spaced("1 hour"), () => Deferred.succeed(begun, undefined)),
  waits: Deferred.await(begun)
}))

/** Tracks events whose request gets this status, and runs `then` in the page while it waits for the retry. */
const inOutage = (
  page: Effect.Effect.Success<typeof makePage>,
  { count, status }: { readonly count: number; readonly status: number },
  then: Effect.Effect<void, never, Amplitude>
) =>
  Effect.gen(function*() {
    yield* page.answerWith(status)
    const { retrySchedule, waits } = yield* longRetry
    yield* track(count).pipe(
      Effect.zipRight(Effect.fork(Amplitude.flush)),
      Effect.zipRight(waits),
      Effect.zipRight(then),
      Effect.provide(layerOf(page, { shutdownTimeout: 0, retrySchedule }))
    )
  })

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

const indicesOf = (sent: ReadonlyArray<Sent>) => sent.flatMap(({ indices }) => [...indices])

/** Lets the fibers of the client run. */
const settle = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** Lets fibers run without a new task. */
const microtasks = Effect.promise(async () => {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve()
})

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

  it.scopedLive("that cannot send with keepalive sends without it, until a request succeeds", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* page.refuseKeepalive
        yield* track(2)
        yield* Amplitude.flush
        yield* page.answerWith(200)
        yield* track(1)
        yield* Amplitude.flush
        assert.deepStrictEqual(page.sent.map(({ indices, keepalive }) => ({ indices, keepalive })), [
          { indices: range(2), keepalive: true },
          { indices: range(2), keepalive: false },
          { indices: range(1), keepalive: true }
        ])
      }).pipe(Effect.provide(layerOf(page, { retrySchedule: Schedule.spaced("1 millis") })))
    }))

  it.scopedLive("that is hidden flushes what its other listeners track as well", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        const runtime = yield* Effect.runtime<Amplitude>()
        yield* track(2)
        // in a browser, microtasks run between two listeners of an event
        const trackLater = Effect.zipRight(microtasks, track(1))
        document.addEventListener("visibilitychange", () => void Runtime.runFork(runtime)(trackLater))
        yield* page.hide
        yield* Effect.repeat(settle, { until: () => indicesOf(page.sent).length === 3 })
      }).pipe(Effect.provide(layerOf(page)))
      assert.deepStrictEqual(indicesOf(page.sent), [0, 1, 0])
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
      yield* leaveOffline(page, track(1))
      const [key] = page.stored.keys()
      for (const text of ["{", "{}", "null", "[]", `[{"lane":1}]`]) {
        page.stored.set(key!, text)
        yield* Effect.provide(track(1), layerOf(page))
        assert.strictEqual(page.stored.size, 0)
      }
      assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [[0], [0], [0], [0], [0]])
    }))

  it.scopedLive("that is left hands over what is tracked afterwards", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* page.leave
        yield* track(1)
        assert.deepStrictEqual(page.sent.map(({ indices, keepalive }) => ({ indices, keepalive })), [
          { indices: [0], keepalive: true }
        ])
        assert.strictEqual(page.stored.size, 0)
      }).pipe(Effect.provide(layerOf(page)))
    }))

  it.scopedLive("that is left stores what is tracked afterwards, if the browser takes no more", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* page.hold
      yield* Effect.gen(function*() {
        yield* track(60, 1000)
        yield* page.leave
        const before = page.stored.size
        yield* track(2, 60_000)
        assert.strictEqual(page.stored.size, before + 2)
        yield* page.answer
      }).pipe(Effect.provide(layerOf(page, { shutdownTimeout: 0 })))
    }))

  it.scopedLive("sends what an earlier page has left as it was, also if it is opted out", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      const properties = { index: 0, b: 1e21, a: "\ud83d\ude00" }
      yield* leaveOffline(page, Amplitude.track("Clicked", properties), {
        eventOptions: { user_id: "user-1", session_id: 1 }
      })
      const before = [...page.stored.values()].flatMap((text) => JSON.parse(text).map(({ json }: any) => json))
      yield* nextPage(page, {
        eventOptions: { user_id: "user-2", session_id: 2, country: "France" },
        plan: { branch: "main" },
        ingestionMetadata: { source_name: "page" },
        optOut: true
      }).pipe(Amplitude.withEventOptions({ device_id: "device-2" }))
      assert.include(before[0], `"user_id":"user-1"`)
      assert.include(before[0], `"session_id":1`)
      assert.deepStrictEqual(page.sent.map(({ body }) => body), [`{"api_key":"key","events":[${before}]}`])
      assert.strictEqual(page.stored.size, 0)
    }))

  it.scopedLive("sends what earlier pages have left in their order, and before its own events", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* leaveOffline(page, track(250))
      yield* leaveOffline(page, track(3))
      yield* Effect.gen(function*() {
        yield* track(2)
        yield* Amplitude.flush
      }).pipe(Effect.provide(layerOf(page)))
      assert.deepStrictEqual(indicesOf(page.sent), [...range(250), ...range(3), ...range(2)])
    }))

  it.scopedLive("reports what an earlier page has left, with all of its requests", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* inOutage(page, { count: 1, status: 500 }, page.leave)
      yield* page.answerWith(200)
      const reports: Array<DeliveryReport.DeliveryReport> = []
      yield* nextPage(page, { callback: (report) => Effect.sync(() => void reports.push(report)) })
      assert.deepStrictEqual(
        reports.map(({ _tag, attempts, event }) => [_tag, attempts, event.event_properties?.["index"]]),
        [["Delivered", 2, 0]]
      )
    }))

  it.scopedLive("does not send delivered events when it is left, however few reports may wait", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* track(3)
        yield* Amplitude.flush
        yield* page.leave
        assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [range(3)])
        assert.strictEqual(page.stored.size, 0)
      }).pipe(Effect.provide(layerOf(page, { reportCapacity: 1 })))
    }))

  it.scopedLive("that is left stores every event of a large trackAll", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      const events = range(10_050).map((index) => ({
        event_type: "Clicked",
        device_id: "device-1",
        event_properties: { index }
      }))
      yield* leaveOffline(page, Amplitude.trackAll(events))
      const stored = [...page.stored].sort().flatMap(([_, text]) => JSON.parse(text))
      assert.deepStrictEqual(stored.map(({ json }) => JSON.parse(json).event_properties.index), range(10_050))
    }), 30_000)

  it.scopedLive("does not overwrite what other pages store at the same time", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      const { getItem } = page.localStorage
      yield* Effect.gen(function*() {
        const one = yield* Layer.build(layerOf(page, { shutdownTimeout: 0 }))
        const other = yield* Layer.build(layerOf(page, { shutdownTimeout: 0 }))
        yield* Effect.provide(track(2), one)
        yield* Effect.provide(track(3), other)
        page.navigator.onLine = false
        // a browser shows a page what pages of other processes have stored only some time later
        page.localStorage.getItem = () => null
        yield* page.leave
        page.localStorage.getItem = getItem
        page.navigator.onLine = true
      }).pipe(Effect.scoped)
      yield* nextPage(page)
      assert.sameMembers(indicesOf(page.sent), [...range(2), ...range(3)])
      assert.strictEqual(page.stored.size, 0)
    }))

  it.scopedLive("can take the same events as another page, and each sends them with their ids", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* leaveOffline(page, track(2))
      const stored = [...page.stored]
      yield* Effect.gen(function*() {
        yield* Layer.build(layerOf(page))
        for (const [key, text] of stored) page.stored.set(key, text)
        yield* Layer.build(layerOf(page))
      }).pipe(Effect.scoped)
      assert.deepStrictEqual(indicesOf(page.sent), [...range(2), ...range(2)])
      assert.deepStrictEqual(page.sent[0]?.insertIds, page.sent[1]?.insertIds)
      assert.strictEqual(page.stored.size, 0)
    }))

  it.scopedLive("that comes back when another page has sent its events sends them with the same ids", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        page.navigator.onLine = false
        yield* track(2)
        yield* page.leave
        page.navigator.onLine = true
        yield* nextPage(page)
        yield* page.comeBack
        yield* Amplitude.flush
      }).pipe(Effect.provide(layerOf(page)))
      assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [range(2), range(2)])
      assert.deepStrictEqual(page.sent[0]?.insertIds, page.sent[1]?.insertIds)
      assert.strictEqual(page.stored.size, 0)
    }))

  it.scopedLive.each([0, 503])(
    "that is left stores what it handed over, if the answer is %s",
    (status) =>
      Effect.gen(function*() {
        const page = yield* makePage
        yield* page.answerWith(status)
        yield* Effect.gen(function*() {
          yield* track(2)
          yield* page.leave
          assert.strictEqual(page.stored.size, 0)
          yield* Effect.repeat(settle, { until: () => page.stored.size === 1 })
        }).pipe(Effect.provide(layerOf(page, { shutdownTimeout: 0 })))
        yield* page.answerWith(200)
        yield* nextPage(page)
        assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [range(2), range(2)])
        assert.deepStrictEqual(page.sent[0]?.insertIds, page.sent[1]?.insertIds)
      })
  )

  it.scopedLive("that came back stores nothing when a request fails that it handed over before", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* page.hold
        yield* page.answerWith(0)
        yield* track(2)
        yield* page.leave
        yield* page.comeBack
        yield* page.answer
        yield* settle
        yield* page.answerWith(200)
        yield* Amplitude.flush
        assert.strictEqual(page.stored.size, 0)
        assert.deepStrictEqual(page.sent.at(-1)?.indices, range(2))
      }).pipe(Effect.provide(layerOf(page)))
    }))

  it.scopedLive("that is left during an outage hands over what waits, and stores it", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* inOutage(
        page,
        { count: 2, status: 503 },
        Effect.gen(function*() {
          yield* track(3)
          yield* page.leave
          assert.strictEqual(page.stored.size, 1)
        })
      )
      yield* page.answerWith(200)
      yield* nextPage(page)
      const all = [...range(2), ...range(3)]
      assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [range(2), all, all])
      assert.deepStrictEqual(page.sent[1]?.insertIds, page.sent[2]?.insertIds)
    }))

  it.scopedLive("does not hand over requests that the browser has failed right before it was left", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* page.hold
        yield* track(2)
        yield* Effect.fork(Amplitude.flush)
        yield* Effect.repeat(settle, { until: () => page.sent.length === 1 })
        yield* page.answerWith(0)
        yield* page.answer
        yield* microtasks
        yield* page.leave
        assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [range(2)])
        assert.strictEqual(page.stored.size, 0)
        yield* page.answerWith(200)
      }).pipe(Effect.provide(layerOf(page)))
    }))

  it.scopedLive("that is left offline stores what is on its way as well", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* Effect.gen(function*() {
        yield* page.hold
        yield* track(2)
        yield* Effect.fork(Amplitude.flush)
        yield* Effect.repeat(settle, { until: () => page.sent.length === 1 })
        page.navigator.onLine = false
        yield* page.leave
        assert.strictEqual(page.stored.size, 1)
        page.navigator.onLine = true
        yield* page.answer
      }).pipe(Effect.provide(layerOf(page)))
      yield* nextPage(page)
      assert.deepStrictEqual(page.sent.map(({ indices }) => indices), [range(2), range(2)])
    }))

  it.scopedLive("whose client is closed before its events could be sent stores them", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      const reports: Array<DeliveryReport.DeliveryReport> = []
      const callback = (report: DeliveryReport.DeliveryReport) => Effect.sync(() => void reports.push(report))
      yield* page.hold
      yield* Effect.provide(track(2), layerOf(page, { shutdownTimeout: 0, callback }))
      assert.deepStrictEqual(reports, [])
      yield* page.answer
      page.sent.length = 0
      yield* nextPage(page, { callback })
      assert.deepStrictEqual(indicesOf(page.sent), range(2))
      assert.deepStrictEqual(reports.map(({ _tag }) => _tag), ["Delivered", "Delivered"])
    }))

  it.scopedLive("whose storage has little room stores as much as fits, and says how much is lost", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      const { setItem } = page.localStorage
      page.localStorage.setItem = (key, value) => page.stored.size < 2 ? setItem(key, value) : fail("no room")
      const lines: Array<string> = []
      const logger = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => void lines.push(String(message)))
      )
      yield* Effect.provide(leaveOffline(page, track(201)), logger)
      assert.deepStrictEqual(lines, ["1 event is lost: the page was left, and the browser stores no more"])
      yield* nextPage(page)
      assert.deepStrictEqual(indicesOf(page.sent), range(200))
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

  it.scopedLive("is built without waiting, so that the first track of a page can be synchronous", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      yield* leaveOffline(page, track(1))
      const scope = yield* Effect.scope
      const context = Effect.runSync(Scope.extend(Layer.build(layerOf(page)), scope))
      Effect.runSync(Effect.provide(track(1), context))
      yield* page.leave
      assert.deepStrictEqual(indicesOf(page.sent), [0, 0])
    }))

  it.scopedLive("needs no secure origin", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      // an origin that is not secure has no randomUUID
      vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) })
      yield* leaveOffline(page, track(1))
      yield* nextPage(page)
      assert.deepStrictEqual(indicesOf(page.sent), [0])
    }))

  it.scopedLive("fails with InvalidConfig when a plugin cannot be added", () =>
    Effect.gen(function*() {
      const page = yield* makePage
      const failing = Plugin.before("failing", Effect.succeed, { setup: () => Effect.fail("a reason") })
      const error = yield* Effect.flip(Effect.provide(track(1), layerOf(page, { plugins: [failing] })))
      assert.strictEqual(error.option, "plugins")
    }))
})

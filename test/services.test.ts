/** Services of the user, and decorators around services of this package: their methods are called as given. */
import { FetchHttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import type { LogLevel } from "effect"
import { Config, Context, Effect, Layer, Option, Schedule } from "effect"
import type { DeliveryReport } from "effect-amplitude"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import { vi } from "vitest"

type Services = EventStorage | Transport | AmplitudeLogger

/** The reports of two events, of which the second one is refused. */
const reportsOf = (services: Layer.Layer<Services, never, AmplitudeConfig>) =>
  Effect.gen(function*() {
    const reports: Array<DeliveryReport.DeliveryReport> = []
    yield* Effect.gen(function*() {
      for (const event_type of ["taken", "refused"]) {
        yield* Amplitude.track({ event_type, user_id: "user-12345" })
        yield* Amplitude.flush
      }
    }).pipe(Effect.provide(
      Amplitude.layerServices.pipe(
        Layer.provide(services),
        Layer.provide(AmplitudeConfig.layer({
          apiKey: "a-key",
          flushMaxRetries: 0,
          retrySchedule: Schedule.forever,
          callback: (report) => Effect.sync(() => reports.push(report))
        }))
      )
    ))
    return reports.map((report) => report._tag === "Dropped" ? report.reason : report._tag)
  })

const answer = (body: Uint8Array): Transport.Answer => ({
  status: new TextDecoder().decode(body).includes("refused") ? 422 : 200,
  headers: {},
  body: ""
})

class OwnTransport implements Transport.Service {
  readonly answer = answer
  send(request: Transport.Request) {
    return Effect.sync(() => this.answer(request.body))
  }
}

class OwnLogger implements AmplitudeLogger.Service {
  readonly lines: Array<string> = []
  log(level: LogLevel.LogLevel, message: string) {
    return Effect.sync(() => {
      this.lines.push(`${level.label} ${message}`)
    })
  }
}

/** A storage that is a class, over the one in memory. */
class OwnStorage implements EventStorage.Service {
  readonly inner: EventStorage.Service
  readonly durability = "process"
  constructor(inner: EventStorage.Service) {
    this.inner = inner
  }
  append(...given: Parameters<EventStorage.Service["append"]>) {
    return this.inner.append(...given)
  }
  lease(...given: Parameters<EventStorage.Service["lease"]>) {
    return this.inner.lease(...given)
  }
  evict(...given: Parameters<EventStorage.Service["evict"]>) {
    return this.inner.evict(...given)
  }
  count(...given: Parameters<EventStorage.Service["count"]>) {
    return this.inner.count(...given)
  }
  get changes() {
    return this.inner.changes
  }
}

const fetchThat = (answers: () => unknown): typeof globalThis.fetch => answers as typeof globalThis.fetch

describe("a service of the user's", () => {
  it.effect("may be a class, whose methods need it", () =>
    Effect.gen(function*() {
      const logger = new OwnLogger()
      const ends = yield* reportsOf(Layer.mergeAll(
        Layer.effect(EventStorage, Effect.map(EventStorage, (inner) => new OwnStorage(inner))).pipe(
          Layer.provide(EventStorage.layerMemory)
        ),
        Layer.succeed(Transport, new OwnTransport()),
        Layer.succeed(AmplitudeLogger, logger)
      ))
      assert.deepStrictEqual(ends, ["Delivered", "Rejected"])
      assert.deepStrictEqual(logger.lines, [
        "DEBUG sent 1 event",
        "DEBUG sent 1 event",
        "WARN 1 event dropped: Rejected (the service refuses it): HTTP 422; event type \"refused\""
      ])
    }))

  it.effect("a spy or a proxy of one of ours is called, and not what it stands for", () =>
    Effect.gen(function*() {
      let fetched = 0
      const fetch = fetchThat(() => {
        fetched++
        return Promise.resolve(new Response("{}"))
      })
      const stand = (kind: "spy" | "proxy") => <S extends object>(service: S, method: keyof S & string) => {
        const original = service[method] as (...given: ReadonlyArray<unknown>) => unknown
        const calls = { count: 0 }
        const called = (...given: ReadonlyArray<unknown>) => {
          calls.count++
          return method === "send"
            ? Effect.succeed(answer((given[0] as Transport.Request).body))
            : original.apply(service, [...given])
        }
        const copy = { ...service }
        if (kind === "proxy") {
          copy[method] = new Proxy(original, { apply: (_, __, given: Array<unknown>) => called(...given) }) as never
        } else vi.spyOn(copy, method as never).mockImplementation(called as never)
        return [copy, calls] as const
      }
      /** A storage with decorated leases. */
      const standForLeases = (kind: "spy" | "proxy", storage: EventStorage.Service) => {
        const calls = { count: 0 }
        const lease: EventStorage.Service["lease"] = (options) =>
          Effect.map(
            storage.lease(options),
            Option.map((lease) => {
              const [copy, called] = stand(kind)(lease, "acknowledge")
              return {
                ...copy,
                acknowledge: (...given: Parameters<EventStorage.Lease["acknowledge"]>) =>
                  Effect.tap(copy.acknowledge(...given), () => {
                    calls.count += called.count
                  })
              }
            })
          )
        return [{ ...storage, lease }, calls] as const
      }
      for (const kind of ["spy", "proxy"] as const) {
        for (const method of ["append", "lease", "acknowledge"] as const) {
          const services = yield* Layer.build(Layer.mergeAll(
            EventStorage.layerMemory,
            Transport.layerFetch,
            AmplitudeLogger.layerNone
          ))
          const memory = Context.get(services, EventStorage)
          const [storage, stored] = method === "acknowledge"
            ? standForLeases(kind, memory)
            : stand(kind)(memory, method)
          const [transport, sent] = stand(kind)(Context.get(services, Transport), "send")
          const [logger, logged] = stand(kind)(Context.get(services, AmplitudeLogger), "log")
          const ends = yield* reportsOf(Layer.mergeAll(
            Layer.succeed(EventStorage, storage),
            Layer.succeed(Transport, transport),
            Layer.succeed(AmplitudeLogger, logger)
          )).pipe(Effect.provideService(FetchHttpClient.Fetch, fetch))
          assert.deepStrictEqual(ends, ["Delivered", "Rejected"], `${kind} of ${method}`)
          assert.deepStrictEqual([sent.count, logged.count], [2, 3], `${kind} of send and log`)
          assert.isAtLeast(stored.count, 2, `${kind} of ${method}`)
        }
      }
      assert.strictEqual(fetched, 0)
    }).pipe(Effect.scoped))

  it.effect("that is no service is an answer that did not come", () =>
    Effect.gen(function*() {
      for (const transport of [{}, { send: () => 1 }, { send: () => Effect.succeed({}) }]) {
        const ends = yield* reportsOf(Layer.mergeAll(
          EventStorage.layerMemory,
          Layer.succeed(Transport, transport as unknown as Transport.Service),
          AmplitudeLogger.layerNone
        ))
        assert.deepStrictEqual(ends, ["RetriesExhausted", "RetriesExhausted"])
      }
    }))
})

describe("two projects in one graph of layers", () => {
  class Web extends Context.Tag("Web")<Web, Amplitude.Client>() {}
  class Shop extends Context.Tag("Shop")<Shop, Amplitude.Client>() {}

  it.scoped("are two clients, each with its own key, storage and settings", () =>
    Effect.gen(function*() {
      const sent: Array<string> = []
      const transport = Layer.succeed(Transport, {
        send: ({ body }) =>
          Effect.sync(() => {
            const { api_key, events } = JSON.parse(new TextDecoder().decode(body)) as {
              readonly api_key: string
              readonly events: ReadonlyArray<{ readonly event_type: string }>
            }
            for (const { event_type } of events) sent.push(`${api_key} ${event_type}`)
            return { status: 200, headers: {}, body: "" }
          })
      })
      const project = <I>(tag: Context.Tag<I, Amplitude.Client>, apiKey: string) =>
        Layer.map(Amplitude.layerServices, (context) => Context.make(tag, Context.get(context, Amplitude))).pipe(
          Layer.provide([EventStorage.layerMemory, transport, AmplitudeLogger.layerNone]),
          Layer.provide(AmplitudeConfig.layer({ apiKey }))
        )
      const context = yield* Layer.build(Layer.merge(project(Web, "web-key"), project(Shop, "shop-key")))
      const [web, shop] = [Context.get(context, Web), Context.get(context, Shop)]
      assert.notStrictEqual(web, shop)
      yield* web.track({ event_type: "on the web", user_id: "user-12345" })
      yield* shop.track({ event_type: "in the shop", user_id: "user-12345" })
      yield* web.flush
      yield* shop.flush
      assert.deepStrictEqual(sent.sort(), ["shop-key in the shop", "web-key on the web"])
    }))
})

describe("the fetch of FetchHttpClient", () => {
  it.effect("is that of a client that is built, wherever it is provided", () =>
    Effect.gen(function*() {
      let fetched = 0
      const layer = Layer.succeed(
        FetchHttpClient.Fetch,
        fetchThat(() => {
          fetched++
          return Promise.resolve(new Response("{}"))
        })
      )
      const options = { apiKey: "a-key" }
      const program = Effect.zipRight(Amplitude.track({ event_type: "e", user_id: "user-12345" }), Amplitude.flush)
      yield* Effect.provide(program, Layer.provide(Amplitude.layer(options), layer))
      yield* Effect.provide(program, Layer.provideMerge(Amplitude.layer(options), layer))
      const around = Effect.provide(program, Amplitude.layer(options))
      yield* Effect.provide(around, layer)
      yield* Effect.flatMap(Amplitude.make(options), (client) =>
        Effect.zipRight(client.track({ event_type: "e", user_id: "user-12345" }), client.flush)).pipe(
          Effect.scoped,
          Effect.provide(layer)
        )
      assert.strictEqual(fetched, 4)
    }))
})

describe("a fetch of the user's", () => {
  const circular = new Error("refused")
  circular.cause = circular
  const throwing = Object.defineProperty(new Error("refused"), "cause", {
    get: () => {
      throw new Error("no")
    }
  })

  it.effect.each(Object.entries<() => unknown>({
    "throws": () => {
      throw new Error("refused")
    },
    "answers no promise": () => 1,
    "answers nothing": () => undefined,
    "fails with what is its own cause": () => Promise.reject(circular),
    "fails with what cannot be read": () => Promise.reject(throwing),
    "fails with a code that is no text": () =>
      Promise.reject(Object.assign(new Error(), { code: Object.create(null) as unknown })),
    "fails with nothing": () => Promise.reject(undefined),
    "has no status": () => Promise.resolve({ headers: new Headers(), text: () => Promise.resolve("") }),
    "has a text as its status": () =>
      Promise.resolve({ status: "200", headers: new Headers(), text: () => Promise.resolve("") }),
    "has no text": () => Promise.resolve({ status: 500, headers: new Headers(), text: () => Promise.resolve() }),
    "has a text that is none": () =>
      Promise.resolve({ status: 200, headers: new Headers(), text: () => Promise.resolve({}) }),
    "has a text that fails": () =>
      Promise.resolve({ status: 200, headers: new Headers(), text: () => Promise.reject(circular) })
  }))("that %s is an answer that did not come", ([_, fetch]) =>
    Effect.map(
      reportsOf(Layer.mergeAll(EventStorage.layerMemory, Transport.layerFetch, AmplitudeLogger.layerNone)).pipe(
        Effect.provideService(FetchHttpClient.Fetch, fetchThat(fetch))
      ),
      (ends) => assert.deepStrictEqual(ends, ["RetriesExhausted", "RetriesExhausted"])
    ))
})

describe("a client over the storage of the context", () => {
  it.effect.each(
    [
      ["Amplitude.layerStorage", Amplitude.layerStorage({ apiKey: "a-key", serverUrl: "http://localhost/" })],
      [
        "Amplitude.layerStorageConfig",
        Amplitude.layerStorageConfig({
          apiKey: Config.succeed("a-key"),
          serverUrl: Config.succeed("http://localhost/")
        })
      ]
    ] as const
  )("%s", ([_, layer]) =>
    Effect.gen(function*() {
      const stored: Array<string> = []
      const storage = Layer.effect(
        EventStorage,
        Effect.map(EventStorage, (storage): EventStorage.Service => ({
          ...storage,
          append: (events, options) => {
            stored.push(...events.map(({ lane }) => lane))
            return storage.append(events, options)
          }
        }))
      )
      yield* Amplitude.trackAll([
        { event_type: "one", user_id: "user-00001" },
        { event_type: "" },
        { event_type: "two", user_id: "user-00002" }
      ]).pipe(
        Effect.zipRight(Amplitude.flush),
        Effect.provide(Layer.provide(layer, Layer.provide(storage, EventStorage.layerMemory))),
        Effect.provideService(FetchHttpClient.Fetch, fetchThat(() => Promise.resolve(new Response("{}"))))
      )
      assert.deepStrictEqual(stored, ["user-00001", "user-00002"])
    }))

  it.effect("that only stores needs one that is shared", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Layer.build(Amplitude.layer({ apiKey: "a-key", deliver: false })))
      assert.strictEqual(error.option, "deliver")
    }).pipe(Effect.scoped))
})

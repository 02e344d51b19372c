import {
  HttpApi,
  HttpApiBuilder,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApp,
  HttpMiddleware,
  HttpRouter,
  HttpServer
} from "@effect/platform"
import type { HttpServerRequest } from "@effect/platform"
import { HttpServerResponse } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Schema, Stream } from "effect"
import { Amplitude, AmplitudeTest, Recorder } from "effect-amplitude"
import * as AmplitudeMiddleware from "effect-amplitude/AmplitudeMiddleware"
import { createServer } from "node:http"

const viewed = Effect.zipRight(
  Amplitude.track({ event_type: "Page Viewed", device_id: "device-12345" }),
  HttpServerResponse.text("viewed")
)

const Services = Layer.merge(AmplitudeTest, NodeHttpServer.layer(createServer, { port: 0 }))

const quiet = Logger.remove(Logger.defaultLogger)

const port = Effect.map(HttpServer.HttpServer, ({ address }) => address._tag === "TcpAddress" ? address.port : 0)

const get = (headers: Record<string, string> = {}, path = "/") =>
  Effect.flatMap(port, (port) =>
    Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { "user-agent": "agent/1", "accept-language": "de-CH, fr;q=0.9", ...headers }
      })
      return { status: response.status, text: await response.text() }
    }))

const context = { device_id: "device-12345", user_agent: "agent/1", language: "de-CH" }

/** The fields that the events of one request got. */
const defaultsOf = (headers?: Record<string, string>) =>
  Effect.gen(function*() {
    yield* Recorder.clear
    assert.deepStrictEqual(yield* get(headers), { status: 200, text: "viewed" })
    const [event] = yield* Recorder.events
    const { event_type: _type, insert_id: _id, library: _library, time: _time, ...fields } = { ...event }
    return fields
  })

const serving = <E = never, R = never>(
  options?: AmplitudeMiddleware.Options<E, R>,
  httpApp: Effect.Effect<HttpServerResponse.HttpServerResponse, never, Amplitude> = viewed
) => Layer.provideMerge(HttpServer.serve(AmplitudeMiddleware.make(options))(httpApp), Services)

const ipOf = (headers: Record<string, string>) => Effect.map(defaultsOf(headers), ({ ip }) => ip)

class UserId extends Context.Tag("UserId")<UserId, string>() {}

describe("AmplitudeMiddleware", () => {
  it.scopedLive("gives events what the request says", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* defaultsOf(), { ...context, ip: "127.0.0.1" })
    }).pipe(Effect.provide(serving())))

  it.scopedLive("language is the first tag", () =>
    Effect.gen(function*() {
      for (
        const [header, language] of [["en", "en"], ["pt-BR;q=0.8,en", "pt-BR"], ["*", undefined], [
          "",
          undefined
        ]] as const
      ) {
        assert.strictEqual((yield* defaultsOf({ "accept-language": header })).language, language)
      }
    }).pipe(Effect.provide(serving())))

  it.scopedLive("the ids of a request, from a plain object", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* defaultsOf({ "x-user-id": "user-12345" }), {
        ...context,
        ip: "127.0.0.1",
        user_id: "user-12345",
        session_id: 5
      })
      assert.notProperty(yield* defaultsOf(), "user_id")
      assert.notProperty(yield* defaultsOf({ "x-user-id": "" }), "user_id")
    }).pipe(
      Effect.provide(serving({ eventOptions: ({ headers }) => ({ user_id: headers["x-user-id"], session_id: 5 }) }))
    ))

  it.scopedLive("the ids of a request, from an effect that needs a service", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* defaultsOf(), { user_id: "user-of-service" })
    }).pipe(
      Effect.provide(
        Layer.provide(
          serving({ eventOptions: () => Effect.map(UserId, (user_id) => ({ user_id })) }),
          Layer.succeed(UserId, "user-of-service")
        )
      )
    ))

  it.scopedLive("what the function gives wins, and `undefined` leaves a field out", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* defaultsOf(), { ...context, language: "en" })
    }).pipe(Effect.provide(serving({ eventOptions: () => ({ ip: undefined, language: "en" }) }))))

  it.scopedLive("what the handler gives wins", () =>
    Effect.gen(function*() {
      const fields = yield* defaultsOf()
      assert.strictEqual(fields.user_id, "user-handler")
      assert.strictEqual(fields.ip, "127.0.0.1")
    }).pipe(
      Effect.provide(
        serving(
          { eventOptions: () => ({ user_id: "user-12345" }) },
          Amplitude.withEventOptions(viewed, { user_id: "user-handler" })
        )
      )
    ))

  describe("what goes wrong never fails the request", () => {
    const wrong: ReadonlyArray<[string, (request: HttpServerRequest.HttpServerRequest) => any]> = [
      ["a failure", () => Effect.fail("failure")],
      ["a defect", () => Effect.die("defect")],
      ["an interruption", () => Effect.interrupt],
      ["an exception", () => assert.fail("exception")],
      ["undefined", () => undefined],
      ["null", () => Effect.succeed(null)],
      ["a string", () => "user-12345"],
      ["an id that is null", () => ({ user_id: null })]
    ]
    it.scopedLive.each(wrong)("%s", ([, eventOptions]) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* defaultsOf(), { ...context, ip: "127.0.0.1" })
      }).pipe(Effect.provide(Layer.provide(serving({ eventOptions }), quiet))))
  })

  it.scopedLive("a failure is logged", () => {
    const logged: Array<unknown> = []
    const logger = Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => logged.push(message)))
    return Effect.gen(function*() {
      yield* defaultsOf()
      assert.include(String(logged), "the event options of a request are missing")
    }).pipe(Effect.provide(Layer.provide(serving({ eventOptions: () => Effect.fail("no session") }), logger)))
  })

  describe("forwarded addresses", () => {
    const xff = { "x-forwarded-for": "203.0.113.1, 203.0.113.2, 203.0.113.3" }

    it.scopedLive("are not trusted unless asked for", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* ipOf(xff), "127.0.0.1")
        assert.strictEqual(yield* ipOf({ forwarded: "for=203.0.113.1" }), "127.0.0.1")
      }).pipe(Effect.provide(serving())))

    it.scopedLive.each(
      [
        [false, "127.0.0.1"],
        [0, "127.0.0.1"],
        [-1, "127.0.0.1"],
        [NaN, "127.0.0.1"],
        [true, "203.0.113.3"],
        [1, "203.0.113.3"],
        [2, "203.0.113.2"],
        [3, "203.0.113.1"],
        [4, "203.0.113.1"],
        [Infinity, "203.0.113.1"]
      ] as const
    )("trustForwarded %s", ([trustForwarded, ip]) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* ipOf(xff), ip)
      }).pipe(Effect.provide(serving({ trustForwarded }))))

    it.scopedLive("are read in every form", () =>
      Effect.gen(function*() {
        for (
          const [header, ip] of [
            ["for=203.0.113.1;proto=http, for=203.0.113.2;by=203.0.113.43", "203.0.113.2"],
            ["by=x; FOR=\"203.0.113.2:4711\"", "203.0.113.2"],
            ["for=\"a,b\", for=\"[2001:db8::1]:4711\"", "2001:db8::1"],
            ["for=unknown", undefined],
            ["for=_hidden", undefined],
            ["proto=http", undefined],
            ["\"", "127.0.0.1"]
          ] as const
        ) {
          assert.strictEqual(yield* ipOf({ forwarded: header }), ip, header)
        }
        for (
          const [header, ip] of [
            ["203.0.113.1:4711", "203.0.113.1"],
            ["2001:db8::1", "2001:db8::1"],
            ["[2001:db8::1]", "2001:db8::1"],
            ["fe80::1%eth0", "fe80::1"],
            ["::ffff:203.0.113.1", "203.0.113.1"],
            ["203.0.113.999", undefined],
            ["::::", undefined],
            ["<script>", undefined],
            ["203.0.113.1, , ", "203.0.113.1"]
          ] as const
        ) {
          assert.strictEqual(yield* ipOf({ "x-forwarded-for": header }), ip, header)
        }
        assert.strictEqual(yield* ipOf({}), "127.0.0.1")
        assert.strictEqual(
          yield* ipOf({ "x-forwarded-for": "203.0.113.1", forwarded: "for=203.0.113.2" }),
          "203.0.113.1"
        )
      }).pipe(Effect.provide(serving({ trustForwarded: true }))))
  })

  it.scopedLive("requests at the same time keep theirs apart", () =>
    Effect.gen(function*() {
      const users = Array.from({ length: 20 }, (_, index) => `user-${index}-12345`)
      yield* Effect.forEach(users, (user) => get({ "x-user-id": user }), { concurrency: "unbounded" })
      const events = yield* Recorder.events
      assert.sameMembers(events.map(({ user_id }) => user_id), users)
    }).pipe(Effect.provide(serving(
      {
        eventOptions: ({ headers }) => Effect.delay(Effect.succeed({ user_id: headers["x-user-id"] }), "5 millis")
      },
      Effect.delay(viewed, "5 millis")
    ))))

  it.scopedLive("reaches the stream of an answer, and what a handler forks", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* get()).text, "begin end")
      yield* Recorder.expect([
        { event_type: "Forked", user_id: "user-12345" },
        { event_type: "Streamed", user_id: "user-12345", ip: "127.0.0.1" }
      ])
    }).pipe(Effect.provide(serving(
      { eventOptions: () => ({ user_id: "user-12345" }) },
      Effect.gen(function*() {
        const client = yield* Amplitude
        yield* Effect.flatMap(Effect.fork(client.track("Forked")), (fiber) => fiber.await)
        return HttpServerResponse.stream(
          Stream.concat(
            Stream.succeed("begin "),
            Stream.fromEffect(Effect.as(client.track("Streamed"), "end"))
          ).pipe(Stream.encodeText)
        )
      })
    ))))

  describe("reaches the stream of an answer that runs outside of the middleware", () => {
    const streaming = Effect.map(
      Amplitude,
      (client) =>
        HttpServerResponse.stream(Stream.encodeText(Stream.fromEffect(Effect.as(client.track("Streamed"), "end"))), {
          contentType: "text/event-stream"
        })
    )
    const inner = AmplitudeMiddleware.make({ eventOptions: () => ({ user_id: "user-inner" }) })
    const outer = AmplitudeMiddleware.make({
      eventOptions: () => ({ user_id: "user-outer", device_id: "device-12345" })
    })
    const streamed = { event_type: "Streamed", user_id: "user-inner", device_id: "device-12345", user_agent: "agent/1" }

    it.scopedLive("of a handler, whose answer keeps its type", () =>
      Effect.gen(function*() {
        const url = `http://127.0.0.1:${yield* port}/`
        const response = yield* Effect.promise(() => fetch(url, { headers: { "user-agent": "agent/1" } }))
        assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
        assert.strictEqual(yield* Effect.promise(() => response.text()), "end")
        yield* Recorder.expect([{ ...streamed, ip: "127.0.0.1" }])
      }).pipe(Effect.provide(Layer.provideMerge(HttpServer.serve(outer(inner(streaming))), Services))))

    it.scopedLive("of a router", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* get(), { status: 200, text: "end" })
        yield* Recorder.expect([{ ...streamed, ip: "127.0.0.1" }])
      }).pipe(
        Effect.provide(Layer.provideMerge(
          HttpRouter.empty.pipe(HttpRouter.get("/", inner(streaming)), HttpRouter.use(outer), HttpServer.serve()),
          Services
        ))
      ))

    it.scopedLive("of a web handler, around its app and as its middleware", () =>
      Effect.gen(function*() {
        const toHandler = HttpApp.toWebHandlerRuntime(yield* Effect.runtime<Amplitude>())
        const both: HttpMiddleware.HttpMiddleware = (httpApp) => outer(inner(httpApp))
        for (const handler of [toHandler(both(streaming)), toHandler(streaming, both)]) {
          yield* Recorder.clear
          const request = new Request("http://localhost/", { headers: { "user-agent": "agent/1" } })
          assert.strictEqual(yield* Effect.promise(() => handler(request).then((response) => response.text())), "end")
          yield* Recorder.expect([streamed])
        }
      }).pipe(Effect.provide(AmplitudeTest)))
  })

  it.scopedLive("with HttpApiBuilder.serve, and HttpMiddleware.make", () => {
    class Api extends HttpApi.make("api").add(
      HttpApiGroup.make("pages").add(HttpApiEndpoint.get("page", "/page").addSuccess(Schema.String))
    ) {}
    const Pages = HttpApiBuilder.group(
      Api,
      "pages",
      (handlers) => handlers.handle("page", () => Effect.as(Amplitude.track("Page Viewed"), "page"))
    )
    const analytics = HttpMiddleware.make(
      AmplitudeMiddleware.make({ eventOptions: ({ headers }) => ({ user_id: headers["x-user-id"] }) })
    )
    const Server = HttpApiBuilder.serve((httpApp) => HttpMiddleware.logger(analytics(httpApp))).pipe(
      Layer.provide(Layer.provide(HttpApiBuilder.api(Api), Pages)),
      Layer.provideMerge(Services)
    )
    return Effect.gen(function*() {
      assert.deepStrictEqual(yield* get({ "x-user-id": "user-12345" }, "/page"), { status: 200, text: "\"page\"" })
      yield* Recorder.expect([{ event_type: "Page Viewed", user_id: "user-12345", ip: "127.0.0.1", language: "de-CH" }])
    }).pipe(Effect.provide(Layer.provide(Server, quiet)))
  })

  it("types", () => {
    type App<R> = Effect.Effect<
      HttpServerResponse.HttpServerResponse,
      "error",
      HttpServerRequest.HttpServerRequest | R
    >
    const compiled = (_: () => unknown) => {}
    compiled(() => {
      const app = null as unknown as App<Amplitude>
      expectTypeOf(AmplitudeMiddleware.make()(app)).toEqualTypeOf<App<Amplitude>>()
      expectTypeOf(
        AmplitudeMiddleware.make({ eventOptions: () => Effect.map(UserId, (user_id) => ({ user_id })) })(app)
      ).toEqualTypeOf<App<Amplitude | UserId>>()
      // @ts-expect-error misspelt
      void AmplitudeMiddleware.make({ eventOptions: () => ({ userId: "user-12345" }) })
      // @ts-expect-error an insert_id tells events apart
      void AmplitudeMiddleware.make({ eventOptions: () => ({ insert_id: "id" }) })
    })
  })
})

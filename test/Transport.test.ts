/** The transports over real sockets: their requests, and their results for each kind of answer. */
import { FetchHttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import type { Scope } from "effect"
import { Deferred, Effect, Either, Fiber, Layer, Supervisor } from "effect"
import { Amplitude, AmplitudeConfig, AmplitudeLogger, EventStorage, Transport } from "effect-amplitude"
import * as Http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { gzipSync } from "node:zlib"
import * as Undici from "../src/internal/transport/undici.js"

const layers: Readonly<Record<string, Layer.Layer<Transport>>> = {
  "fetch": Transport.layerFetch,
  "undici": Layer.scoped(Transport, Undici.make),
  "HttpClient over fetch": Layer.provide(Transport.layerHttp, FetchHttpClient.layer),
  "HttpClient over undici": Layer.provide(Transport.layerHttp, NodeHttpClient.layerUndici)
}

interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: Http.IncomingHttpHeaders
  readonly body: string
}

interface Server {
  readonly url: string
  readonly received: Array<Received>
  readonly sockets: ReadonlyArray<Socket>
}

type Answer = (response: Http.ServerResponse, request: Http.IncomingMessage) => void

/** A server that answers each whole request as the test says. */
const server = (answer: Answer): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ readonly http: Http.Server; readonly received: Array<Received>; readonly sockets: Array<Socket> }>(
        (resume) => {
          const received: Array<Received> = []
          const sockets: Array<Socket> = []
          const http = Http.createServer((request, response) => {
            const chunks: Array<Buffer> = []
            request.on("data", (chunk: Buffer) => chunks.push(chunk))
            request.on("end", () => {
              const { headers, method, url } = request
              received.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
              answer(response, request)
            })
          })
          http.on("connection", (socket) => sockets.push(socket))
          http.listen(0, "127.0.0.1", () => resume(Effect.succeed({ http, received, sockets })))
        }
      ),
      ({ http }) =>
        Effect.async<void>((resume) => {
          http.close(() => resume(Effect.void))
          http.closeAllConnections()
        })
    ),
    ({ http, received, sockets }) => ({
      url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
      received,
      sockets
    })
  )

const ok: Answer = (response) => response.setHeader("content-type", "application/json").end("{\"code\":200}")

const send = ({ body, headers, url }: { url: string; body: string; headers?: Record<string, string> }) =>
  Effect.flatMap(Transport, (transport) =>
    transport.send({
      url,
      headers: { "content-type": "application/json", ...headers },
      body: new TextEncoder().encode(body)
    }))

for (const [name, layer] of Object.entries(layers)) {
  describe(name, () => {
    const scenario = (title: string, use: Effect.Effect<void, unknown, Transport | Scope.Scope>) =>
      it.live(title, () => Effect.scoped(Effect.provide(use, layer)))

    scenario(
      "posts the body as JSON to the path and query of the URL, over connections that are kept",
      Effect.gen(function*() {
        const { received, sockets, url } = yield* server(ok)
        const bodies = ["{\"a\":\"é😀\"}", "{}", "[1]", "[2]", "[3]"]
        for (const body of bodies) {
          const answer = yield* send({ url: `${url}/2/httpapi?a=b#c`, body })
          assert.deepStrictEqual([answer.status, answer.body], [200, "{\"code\":200}"])
          assert.strictEqual(answer.headers["content-type"], "application/json")
        }
        assert.deepStrictEqual(received.map(({ body }) => body), bodies)
        assert.isBelow(sockets.length, bodies.length)
        const [{ headers, method, url: path }] = received as [Received]
        assert.strictEqual(method, "POST")
        assert.match(path!, /^\/2\/httpapi\?a=b(?:#c)?$/)
        assert.strictEqual(headers["content-type"], "application/json")
        assert.strictEqual(headers["content-length"], "14")
      })
    )

    scenario(
      "bytes with their encoding",
      Effect.gen(function*() {
        const { received, url } = yield* server(ok)
        yield* send({ url, body: "compressed", headers: { "content-encoding": "gzip" } })
        assert.strictEqual(received[0]!.body, "compressed")
        assert.strictEqual(received[0]!.headers["content-encoding"], "gzip")
      })
    )

    scenario(
      "an endless answer is given up after a million bytes, and its connection ends",
      Effect.gen(function*() {
        const gone = yield* Deferred.make<void>()
        const { url } = yield* server((response, request) => {
          request.socket.on("close", () => Deferred.unsafeDone(gone, Effect.void))
          const chunk = Buffer.alloc(65_536, 32)
          const more = (): void => {
            while (!response.destroyed && response.write(chunk)) { /* until the buffers are full */ }
          }
          response.on("drain", more)
          more()
        })
        const error = yield* Effect.flip(send({ url, body: "{}" }))
        assert.deepStrictEqual([error._tag, error.reason], ["TransportError", "Incomplete"])
        assert.include(error.message, "1000000 bytes")
        yield* Deferred.await(gone)
      })
    )

    scenario(
      "an answer that unpacks to more than a million bytes is not unpacked",
      Effect.gen(function*() {
        const { url } = yield* server((response) =>
          response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(20_000_000)))
        )
        const exit = yield* Effect.either(send({ url, body: "{}" }))
        // undici does not unpack at all: an answer of 200 is one whatever its body says
        if (Either.isRight(exit)) assert.isBelow(exit.right.body.length, 1_000_000)
        else {
          assert.deepStrictEqual([exit.left._tag, exit.left.reason], ["TransportError", "Incomplete"])
          assert.include(exit.left.message, "1000000 bytes")
        }
      })
    )

    scenario(
      "an answer of a million bytes is read whole",
      Effect.gen(function*() {
        const { url } = yield* server((response) => response.end("x".repeat(1_000_000)))
        assert.strictEqual((yield* send({ url, body: "{}" })).body.length, 1_000_000)
      })
    )

    scenario(
      "an answer of any status is an answer: in pieces, after an early hint, empty, a redirect that is not followed",
      Effect.gen(function*() {
        const answers: ReadonlyArray<readonly [number, string, Answer]> = [
          [400, "é😀", (response) => {
            const bytes = Buffer.from("é😀")
            response.writeHead(400)
            for (const byte of bytes) response.write(Buffer.of(byte))
            response.end()
          }],
          [
            200,
            "after",
            (response) => response.writeEarlyHints({ link: "</a>; rel=preload" }, () => response.end("after"))
          ],
          [204, "", (response) => response.writeHead(204).end()],
          [302, "moved", (response) => response.writeHead(302, { location: "/elsewhere" }).end("moved")]
        ]
        for (const [status, body, answer] of answers) {
          const { received, url } = yield* server(answer)
          const answered = yield* send({ url, body: "{}" })
          assert.deepStrictEqual([answered.status, answered.body], [status, body])
          assert.strictEqual(received.length, 1)
        }
      })
    )

    scenario(
      "no answer, and half of one",
      Effect.gen(function*() {
        const reset = yield* server((_, request) => request.socket.destroy())
        const cut = yield* server((response, request) => {
          response.writeHead(200, { "content-length": "100" })
          response.write("half", () => request.socket.destroy())
        })
        const none = yield* Effect.flip(send({ url: reset.url, body: "{\"api_key\":\"a-secret-key\"}" }))
        const half = yield* Effect.flip(send({ url: cut.url, body: "{\"api_key\":\"a-secret-key\"}" }))
        assert.deepStrictEqual([none._tag, none.reason], ["TransportError", "Connection"])
        assert.deepStrictEqual([half._tag, half.reason], ["TransportError", "Incomplete"])
        assert.notInclude(none.message + half.message, "a-secret-key")
      })
    )

    scenario(
      "an early hint is not the beginning of an answer",
      Effect.gen(function*() {
        const { url } = yield* server((response, request) =>
          response.writeEarlyHints({ link: "</a>; rel=preload" }, () => request.socket.destroy())
        )
        const error = yield* Effect.flip(send({ url, body: "{}" }))
        assert.deepStrictEqual([error._tag, error.reason], ["TransportError", "Connection"])
      })
    )

    scenario(
      "interrupted, the request ends with its connection: before its answer and within it",
      Effect.gen(function*() {
        for (const begin of [false, true]) {
          const arrived = yield* Deferred.make<void>()
          const gone = yield* Deferred.make<void>()
          const { url } = yield* server((response, request) => {
            request.socket.on("close", () => Deferred.unsafeDone(gone, Effect.void))
            if (begin) response.writeHead(200).write("half")
            Deferred.unsafeDone(arrived, Effect.void)
          })
          const fiber = yield* Effect.fork(send({ url, body: "{}" }))
          yield* Deferred.await(arrived)
          yield* Fiber.interrupt(fiber)
          yield* Deferred.await(gone)
        }
      })
    )

    scenario(
      "interrupted before there is a connection, nothing is sent",
      Effect.gen(function*() {
        const { received, url } = yield* server(ok)
        const fiber = yield* Effect.fork(send({ url, body: "first" }))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(fiber)
        yield* send({ url, body: "second" })
        assert.deepStrictEqual(received.map(({ body }) => body), ["second"])
      })
    )
  })
}

describe("a transport of the user's", () => {
  it.effect.each(["none", "gzip"] as const)(
    "is given plain data, which it may keep and read when it likes, compression %s",
    (compression) =>
      Effect.gen(function*() {
        const requests: Array<Transport.Request> = []
        const transport = Layer.succeed(Transport, {
          send: (request) =>
            Effect.sync(() => {
              requests.push(request)
              return { status: 200, headers: {}, body: "" }
            })
        })
        yield* Effect.gen(function*() {
          for (const event_type of ["1", "2"]) yield* Amplitude.track({ event_type, user_id: "user-12345" })
          yield* Amplitude.flush
        }).pipe(Effect.provide(
          Amplitude.layerServices.pipe(
            Layer.provide([EventStorage.layerMemory, transport, AmplitudeLogger.layerNone]),
            Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key", compression }))
          )
        ))
        const kept = requests.map((request) => ({ ...request }))
        assert.instanceOf(kept[0]!.body, Uint8Array)
        const sent = JSON.parse(new TextDecoder().decode(kept[0]!.body)) as {
          readonly events: ReadonlyArray<{ readonly event_type: string }>
        }
        assert.deepStrictEqual(sent.events.map(({ event_type }) => event_type), ["1", "2"])
        assert.isNotFunction(Object.getOwnPropertyDescriptor(requests[0], "body")?.get)
      })
  )
})

describe("a request", () => {
  /** The number of fibers that a client over a transport starts for a number of requests, one after the other. */
  const fibersOf = (transport: Layer.Layer<Transport>, requests: number) =>
    Effect.gen(function*() {
      let started = 0
      class Counting extends Supervisor.AbstractSupervisor<void> {
        override readonly value = Effect.void
        override onStart() {
          started++
        }
      }
      const fetch = (() => Promise.resolve(new Response("{}"))) as unknown as typeof globalThis.fetch
      yield* Effect.gen(function*() {
        for (let event = 0; event < requests; event++) {
          yield* Amplitude.track({ event_type: "e", user_id: "user-12345" })
        }
        yield* Amplitude.flush
      }).pipe(Effect.provide(
        Amplitude.layerServices.pipe(
          Layer.provide([EventStorage.layerMemory, transport, AmplitudeLogger.layerEffect]),
          Layer.provide(AmplitudeConfig.layer({ apiKey: "a-key", flushQueueSize: 1 })),
          Layer.provide([Layer.succeed(FetchHttpClient.Fetch, fetch), Supervisor.addSupervisor(new Counting())])
        )
      ))
      return started
    })

  const own = Layer.succeed(Transport, {
    send: () => Effect.succeed({ status: 200, headers: {}, body: "" })
  })

  it.effect.each([["over fetch", Transport.layerFetch, 1], ["over one of the user's", own, 1]] as const)(
    "%s takes so many fibers",
    ([_, transport, each]) =>
      Effect.gen(function*() {
        // what starts one the first time only is not counted
        yield* fibersOf(transport, 5)
        const [few, many] = [yield* fibersOf(transport, 5), yield* fibersOf(transport, 25)]
        assert.strictEqual((many - few) / 20, each)
      })
  )
})

describe("fetch", () => {
  it.effect("is that of FetchHttpClient where it is provided, with its RequestInit, and follows no redirect", () =>
    Effect.gen(function*() {
      const calls: Array<RequestInit> = []
      const fetch = ((_url: string, init: RequestInit) => {
        calls.push(init)
        return Promise.resolve(new Response("there"))
      }) as typeof globalThis.fetch
      const init = { headers: { "x-a": "b" }, credentials: "omit", redirect: "follow" } as const
      const sent = send({ url: "http://127.0.0.1/", body: "{}" }).pipe(
        Effect.provideService(FetchHttpClient.RequestInit, init)
      )
      const answer = yield* Effect.provideService(sent, FetchHttpClient.Fetch, fetch)
      assert.strictEqual(answer.body, "there")
      assert.strictEqual(new Headers(calls[0]!.headers).get("x-a"), "b")
      assert.deepStrictEqual([calls[0]!.credentials, calls[0]!.redirect], ["omit", "manual"])
    }).pipe(Effect.provide(Transport.layerFetch)))

  it.effect("one that followed a redirect all the same has no answer of the service's", () =>
    Effect.gen(function*() {
      const response = new Response("elsewhere")
      Object.defineProperty(response, "redirected", { value: true })
      const fetch = (() => Promise.resolve(response)) as unknown as typeof globalThis.fetch
      const error = yield* send({ url: "http://127.0.0.1/", body: "{}" }).pipe(
        Effect.provideService(FetchHttpClient.Fetch, fetch),
        Effect.flip
      )
      assert.include(error.message, "redirected")
    }).pipe(Effect.provide(Transport.layerFetch)))
})

/** Access to the server, and its limits. */
import { HttpApi } from "@effect/platform"
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Fiber, Stream, TestClock } from "effect"
import { networkInterfaces } from "node:os"
import * as Zlib from "node:zlib"
import { DevServer } from "../../src/DevServer.js"
import { connect } from "../../src/DevServerClient.js"
import { Api } from "../../src/internal/devServer/api.js"
import type { Asked } from "./support.js"
import { ask, connection, get, json, post, upload } from "./support.js"

// Every route is asked several times.
vi.setConfig({ testTimeout: 60_000 })

const ingestion = ["/2/httpapi", "/batch", "/identify", "/groupidentify"]

const endpoints: Array<readonly [method: string, path: string]> = []

HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint }) => {
    endpoints.push([endpoint.method, endpoint.path.replace(/:\w+/g, "1")])
  }
})

/** Every route without ingestion: the API, its description, the page, and an unknown path. */
const routes: ReadonlyArray<readonly [method: string, path: string]> = [
  ...endpoints,
  ["GET", "/api/openapi.json"],
  ["GET", "/events"],
  ["GET", "/"],
  ["GET", "/page.js"],
  ["GET", "/page.css"],
  ["GET", "/api/nothing"],
  ["GET", "/nothing"],
  ["PUT", "/api/events"],
  ["OPTIONS", "/api/events"],
  ["POST", "/nothing"]
]

const event = (fields: object = {}) => ({ event_type: "Played", user_id: "user-1", ...fields })

/** A body that the route answers at once. */
const bodyOf = (path: string): string => /\/api\/expect$/.test(path) ? `{"within":0}` : "{}"

const statusOf = (url: string, method: string, headers: Asked["headers"]) =>
  Effect.map(
    ask(url, { method, headers: { ...json, ...headers }, ...(method === "GET" ? {} : { body: bodyOf(url) }) }),
    ({ status }) => status
  )

/** Asks every route with each of the headers, and expects the same status of all. */
const expectOfAll = (
  server: DevServer.Service,
  status: number,
  headers: ReadonlyArray<{ readonly [name: string]: string }>
) =>
  Effect.forEach(routes, ([method, path]) =>
    Effect.forEach(headers, (headers) =>
      Effect.map(
        statusOf(`${server.url}${path}`, method, headers),
        (given) => assert.strictEqual(given, status, `${method} ${path} ${JSON.stringify(headers)}`)
      )))

describe("D5: hosts", () => {
  it("there are routes", () => assert.isAtLeast(endpoints.length, 17))

  it.scopedLive("every route, ingestion too, refuses a name that was rebound", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ host: "127.0.0.1" })
      const hosts = [
        "evil.example",
        "evil.example:80",
        "localhost.evil.example",
        "evillocalhost",
        "127.0.0.1.evil.example",
        "1.2.3",
        "host.docker.internal.evil.example"
      ]
      yield* expectOfAll(server, 403, hosts.slice(0, 3).map((host) => ({ host })))
      for (const host of hosts) {
        for (const path of ingestion) {
          assert.strictEqual(yield* statusOf(`${server.url}${path}`, "POST", { host }), 403, `${path} ${host}`)
          assert.strictEqual(yield* statusOf(`${server.url}${path}`, "OPTIONS", { host }), 403, `${path} ${host}`)
        }
        assert.strictEqual(yield* statusOf(`${server.url}/api/events`, "GET", { host }), 403, host)
      }
      assert.deepStrictEqual(yield* server.received, [])
    }))

  it.scopedLive("every route, ingestion too, answers 400 to one that cannot be read", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const hosts = ["", "a b", "[::1", "::1", "a@localhost", "localhost:", "localhost:123456", "local/host", "höst"]
      yield* expectOfAll(server, 400, [{ host: "a b" }])
      for (const host of hosts) {
        for (const path of [...ingestion, "/api/events"]) {
          const { received, write } = yield* connection(server)
          yield* write(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\n\r\n{}`)
          assert.match(yield* received(/\r\n/), /^HTTP\/1\.1 400 /, `${path} ${host}`)
        }
      }
      // HTTP/1.0 needs no Host header.
      const { closed, write } = yield* connection(server)
      yield* write("GET /api/events HTTP/1.0\r\n\r\n")
      assert.match(yield* closed, /^HTTP\/1\.1 400 /)
    }).pipe(Effect.scoped))

  it.scopedLive("those of this machine are known, and those that are allowed", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ allowHost: ["Dev.Example"] })
      for (
        const host of [
          "localhost",
          "LOCALHOST:80",
          "a.localhost:1",
          "10.0.0.1",
          "[::1]:80",
          "host.docker.internal",
          "dev.example:8267"
        ]
      ) {
        assert.strictEqual(yield* statusOf(`${server.url}/api/stats`, "GET", { host }), 200, host)
        assert.strictEqual(yield* statusOf(server.urlV2, "POST", { host }), 400, host)
      }
    }))
})

describe("D5: origins", () => {
  it.scopedLive("every route but ingestion refuses those of others", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const { port } = new URL(server.url)
      yield* expectOfAll(server, 403, [
        { origin: "http://evil.example" },
        { origin: "null" },
        { origin: `http://localhost:${port}` },
        { origin: `https://127.0.0.1:${port}` },
        { origin: "http://127.0.0.1" },
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { origin: server.url, "sec-fetch-site": "cross-site" }
      ])
      for (const path of ingestion) {
        const { headers, status } = yield* ask(`${server.url}${path}`, {
          method: "POST",
          headers: { origin: "http://evil.example", "sec-fetch-site": "cross-site" },
          body: "{}"
        })
        assert.deepStrictEqual([status, headers["access-control-allow-origin"]], [400, "*"], path)
      }
    }))

  it.scopedLive("its own are answered, and those that are allowed", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ allowOrigin: ["http://localhost:3000"] })
      for (
        const headers of [
          { origin: server.url, "sec-fetch-site": "same-origin" },
          { "sec-fetch-site": "none" },
          { origin: "http://localhost:3000", "sec-fetch-site": "cross-site" }
        ]
      ) {
        assert.strictEqual(yield* statusOf(`${server.url}/api/stats`, "GET", headers), 200)
        assert.strictEqual(yield* statusOf(`${server.url}/api/stream`, "GET", headers), 200)
        assert.strictEqual(yield* statusOf(`${server.url}/api/clear`, "POST", headers), 200)
      }
    }))

  it.scopedLive("a browser lets pages of an allowed origin read, and asks before they write", () =>
    Effect.gen(function*() {
      const allowed = "http://localhost:3000"
      const server = yield* DevServer.make({ allowOrigin: [allowed], token: "secret" })
      const from = (origin: string, headers: object = {}) => ({ origin, "sec-fetch-site": "cross-site", ...headers })
      const asks = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" }
      for (const path of ["/api/expect", "/api/events", "/events"]) {
        const asked = yield* ask(`${server.url}${path}`, { method: "OPTIONS", headers: from(allowed, asks) })
        assert.strictEqual(asked.status, 204, path)
        assert.strictEqual(asked.headers["access-control-allow-origin"], allowed)
        assert.strictEqual(asked.headers["access-control-allow-headers"], "authorization")
        assert.include(asked.headers["access-control-allow-methods"], "POST")
        const other = yield* ask(`${server.url}${path}`, {
          method: "OPTIONS",
          headers: from("http://evil.example", asks)
        })
        assert.deepStrictEqual([other.status, other.headers["access-control-allow-origin"]], [403, undefined])
        const rebound = yield* ask(`${server.url}${path}`, {
          method: "OPTIONS",
          headers: from(allowed, { ...asks, host: "evil.example" })
        })
        assert.strictEqual(rebound.status, 403)
      }
      const read = yield* ask(`${server.url}/api/events`, {
        headers: from(allowed, { authorization: "Bearer secret" })
      })
      assert.deepStrictEqual([read.status, read.headers["access-control-allow-origin"]], [200, allowed])
      assert.strictEqual((yield* ask(`${server.url}/api/events`, { headers: from(allowed) })).status, 401)
    }))

  it.scopedLive("writes need JSON, and no GET changes anything", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* upload(server, [event()])
      yield* server.inject({ answer: { status: 503 } })
      for (const [method, path] of endpoints.filter(([method]) => method !== "GET")) {
        for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]) {
          assert.strictEqual(
            yield* statusOf(`${server.url}${path}`, method, { "content-type": type }),
            415,
            `${method} ${path} ${type}`
          )
        }
      }
      for (const [, path] of routes) yield* statusOf(`${server.url}${path}`, "GET", {})
      assert.lengthOf(yield* server.received, 1)
      assert.deepStrictEqual((yield* get(server, "/api/faults")).faults.map(({ armed }: any) => armed), [true])
    }))
})

describe("D5: other machines", () => {
  const address = Object.values(networkInterfaces()).flat().find((one) => one?.family === "IPv4" && !one.internal)
  const title = address === undefined ? " (this machine has no address but its own)" : ""

  it.scopedLive.skipIf(address === undefined)(
    `can send events and nothing else without a token${title}`,
    () =>
      Effect.gen(function*() {
        const server = yield* DevServer.make({ host: "0.0.0.0" })
        const url = `http://${address?.address}:${new URL(server.url).port}`
        const body = JSON.stringify({ api_key: "key", events: [event()] })
        assert.strictEqual((yield* ask(`${url}/2/httpapi`, { method: "POST", headers: json, body })).status, 200)
        for (const [method, path] of routes) {
          assert.strictEqual(yield* statusOf(`${url}${path}`, method, {}), 403, `${method} ${path}`)
        }
        assert.strictEqual(yield* statusOf(`${server.url}/api/stats`, "GET", {}), 200)
      })
  )

  it.scopedLive("a token is asked for by everything but ingestion", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ token: "secret" })
      yield* expectOfAll(server, 401, [{}, { authorization: "Bearer wrong" }, { cookie: "devserver_token=wrong" }])
      assert.strictEqual((yield* upload(server, [event()])).status, 200)
      for (
        const [query, headers] of [
          ["", { authorization: "Bearer secret" }],
          ["", { cookie: "a=b; devserver_token=secret" }],
          ["?token=secret", {}]
        ] as const
      ) {
        assert.strictEqual(yield* statusOf(`${server.url}/api/events${query}`, "GET", headers), 200)
      }
      const client = connect(server.url, { token: "secret" })
      assert.lengthOf(yield* Effect.promise(() => client.events()), 1)
    }))
})

describe("D6: what a browser is told", () => {
  it.scopedLive("every answer but ingestion's has the headers of safety, refusals too", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      for (const [method, path] of routes) {
        for (const headers of [{}, { host: "evil.example" }]) {
          const answer = yield* ask(`${server.url}${path}`, {
            method,
            headers: { ...json, ...headers },
            ...(method === "GET" ? {} : { body: bodyOf(path) })
          })
          assert.strictEqual(
            answer.headers["content-security-policy"],
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
              "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
            path
          )
          assert.strictEqual(answer.headers["x-content-type-options"], "nosniff", path)
          assert.isUndefined(answer.headers["access-control-allow-origin"], path)
        }
      }
    }))

  it.scopedLive("cells of CSV are no formulas", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const types = ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1"]
      for (const type of types) yield* upload(server, [event({ event_type: type, user_id: `${type}-user` })])
      const { headers, text } = yield* ask(`${server.url}/api/export?format=csv`)
      assert.match(String(headers["content-type"]), /^text\/csv/)
      for (const type of types) assert.isTrue(text.includes(`,'${type}`) || text.includes(`,"'${type}`), type)
    }))
})

describe("D2: bounds", () => {
  it.scopedLive("a bomb is answered with 413 and costs no more than its limit", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      // Two layers of zeros: 300 MB in 300 kB.
      const zeros = Zlib.gzipSync(Buffer.alloc(1_000_000))
      const body = Buffer.concat(Array.from({ length: 300 }, () => zeros))
      const before = process.memoryUsage().rss
      const { status } = yield* ask(server.urlBatch, {
        method: "POST",
        headers: { ...json, "content-encoding": "gzip" },
        body
      })
      assert.strictEqual(status, 413)
      assert.isBelow(process.memoryUsage().rss - before, 150_000_000)
      assert.strictEqual((yield* server.requests)[0]?.bytes, 20_000_001)
      assert.strictEqual((yield* get(server, "/api/requests/1")).body, "")
    }), 30_000)

  it.scoped("a slow upload is given up, and holds nobody else", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const { closed, write } = yield* connection(server)
      yield* write(`POST /2/httpapi HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{`)
      const answer = yield* Effect.fork(closed)
      assert.strictEqual((yield* upload(server, [event()])).status, 200)
      yield* write(" ")
      // The server may not have begun to read yet.
      yield* Effect.iterate(answer.unsafePoll(), {
        while: (exit) => exit === null,
        body: () =>
          TestClock.adjust("10 seconds").pipe(
            Effect.zipRight(Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))),
            Effect.map(() => answer.unsafePoll())
          )
      })
      assert.match(yield* Fiber.join(answer), /^HTTP\/1\.1 408 /)
      assert.lengthOf(yield* server.received, 1)
    }))

  it.scopedLive("an upload that breaks off is not taken, and holds nobody else", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* Effect.scoped(Effect.flatMap(
        connection(server),
        ({ write }) => write(`POST /2/httpapi HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{`)
      ))
      assert.strictEqual((yield* upload(server, [event()])).status, 200)
      assert.lengthOf(yield* server.requests, 1)
    }))

  it.scopedLive("the oldest events and requests are pushed out and counted", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ maxEvents: 3, rateLimit: false })
      yield* upload(server, Array.from({ length: 5 }, (_, index) => event({ event_type: `Played ${index}` })))
      const page = yield* get(server, "/api/events")
      assert.deepStrictEqual(page.events.map(({ event }: any) => event.event_type), [
        "Played 4",
        "Played 3",
        "Played 2"
      ])
      assert.strictEqual(page.dropped, 2)
      assert.strictEqual((yield* ask(`${server.url}/api/events/2`)).status, 404)
      const { closed, write } = yield* connection(server)
      const body = `{"api_key":"key-of-one","events":[]}`
      const request = (headers: string) =>
        `POST /batch HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`
      yield* write(request("").repeat(1003) + request("Connection: close\r\n"))
      yield* closed
      const { dropped, requests } = yield* get(server, "/api/requests")
      assert.deepStrictEqual([requests.length, dropped], [1000, 5])
      assert.strictEqual((yield* ask(`${server.url}/api/requests/1`)).status, 404)
      // The events of a request that is no longer listed stay.
      assert.lengthOf((yield* get(server, "/api/events")).events, 3)
      assert.isUndefined((yield* get(server, "/api/events/4")).request)
      yield* server.clear
      assert.deepStrictEqual(yield* get(server, "/api/requests"), { requests: [], dropped: 0 })
    }), 30_000)

  it.scopedLive("a list without end in one request has verdicts for its first 10,000", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const { status } = yield* ask(server.urlBatch, {
        method: "POST",
        headers: json,
        body: `{"api_key":"key","events":[${"0,".repeat(299_999)}0]}`
      })
      assert.strictEqual(status, 400)
      const { dropped, events } = yield* get(server, "/api/events?limit=1")
      assert.deepStrictEqual([dropped, events[0].verdict, events[0].reasons[0].wanted], [
        290_000,
        "fault",
        "a JSON object"
      ])
      const { verdicts } = yield* get(server, "/api/stats")
      assert.deepStrictEqual([verdicts.fault, verdicts.refused], [10_000, 290_000])
    }), 30_000)

  it.scopedLive("a body for the API is so large", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const body = JSON.stringify({ within: 0, type: "x".repeat(20_000_000) })
      for (const path of ["/api/expect", "/api/faults"]) {
        assert.strictEqual((yield* ask(`${server.url}${path}`, { method: "POST", headers: json, body })).status, 413)
      }
      const chunked = yield* connection(server)
      yield* chunked.write(
        `POST /api/expect HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n` +
          `transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`
      )
      yield* chunked.closed
      assert.strictEqual((yield* post(server, "/api/expect", { within: 0 })).status, 409)
    }))

  it.scopedLive("bodies that hold no events take a bounded part of memory", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      yield* upload(server, [event()])
      const body = "x".repeat(4_000_000)
      for (let times = 0; times < 6; times++) yield* ask(server.urlBatch, { method: "POST", headers: json, body })
      const { dropped, requests } = yield* get(server, "/api/requests")
      assert.isAbove(dropped, 0)
      assert.isAtMost(requests.reduce((sum: number, { bytes }: any) => sum + bytes, 0), 20_000_000)
      assert.lengthOf(yield* server.received, 1)
    }), 30_000)

  it.scopedLive("subscribers are so many, and those who leave make room", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const subscribe = Effect.gen(function*() {
        const { received, write } = yield* connection(server)
        yield* write("GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return Number(/^HTTP\/1\.1 (\d+)/.exec(yield* received(/\r\n\r\n/))?.[1])
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const statuses = yield* Effect.all(Array.from({ length: 32 }, () => subscribe))
        assert.deepStrictEqual(new Set(statuses), new Set([200]))
        assert.strictEqual(yield* subscribe, 503)
      }))
      // The server learns a little later that they left.
      const again = yield* Effect.scoped(subscribe).pipe(
        Effect.repeat({ until: (status) => status === 200, times: 1000 })
      )
      assert.strictEqual(again, 200)
    }), 30_000)

  it.scopedLive("lists and properties of one user are so long", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make({ rateLimit: false })
      const identify = (user_properties: object) => event({ event_type: "$identify", user_properties })
      const many = Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`property ${index}`, index]))
      yield* upload(server, [
        identify({ $append: { list: Array.from({ length: 900 }, (_, index) => index) } }),
        identify({ $append: { list: Array.from({ length: 900 }, (_, index) => index) } }),
        identify({ $set: many })
      ])
      const { properties } = yield* get(server, "/api/users/user-1")
      assert.lengthOf(properties, 1000)
      assert.lengthOf(properties[0].value, 1000)
    }))
})

describe("hostile content", () => {
  it.scopedLive("names of what objects inherit are names like others", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const hostile = JSON.parse(
        `{"event_type":"__proto__","user_id":"constructor","groups":{"__proto__":"toString"},` +
          `"user_properties":{"$set":{"__proto__":"a","toString":1}},"event_properties":{"__proto__":{"a":1}}}`
      )
      assert.strictEqual((yield* upload(server, [hostile])).status, 200)
      assert.isUndefined(({} as { readonly a?: unknown }).a)
      assert.strictEqual((yield* get(server, "/api/users/constructor")).events, 1)
      assert.strictEqual((yield* get(server, "/api/groups/__proto__/toString")).events, 1)
      assert.strictEqual((yield* ask(`${server.url}/api/users/toString`)).status, 404)
      assert.lengthOf((yield* get(server, "/api/events?user=constructor")).events, 1)
      assert.lengthOf((yield* get(server, "/api/events?user=hasOwnProperty")).events, 0)
    }))

  it.scopedLive("an event that nests too deep to be written is shown without its depths", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`
      const send = (events: string) =>
        ask(server.urlV2, { method: "POST", headers: json, body: `{"api_key":"key-of-one","events":[${events}]}` })
      const seen = yield* Effect.fork(Stream.runCollect(Stream.take(server.stream, 5)))
      yield* Effect.yieldNow()
      const one = `{"event_type":"Played","user_id":"user-1","event_properties":{"a":${deep}}}`
      assert.strictEqual((yield* send(`${one},${deep}`)).status, 400)
      yield* server.inject({ answer: { status: 503 }, times: 1 })
      assert.strictEqual((yield* send(`{"insert_id":"a","device_id":${deep}}`)).status, 503)
      assert.strictEqual((yield* send(`{"insert_id":"a","device_id":${deep}}`)).status, 400)
      yield* upload(server, [event()])
      const { events } = yield* get(server, "/api/events")
      assert.deepStrictEqual(events.map(({ verdict }: any) => verdict), ["kept", "fault", "injected", "fault", "fault"])
      const [reason] = events[4].reasons
      assert.deepStrictEqual([reason.path, reason.wanted], [
        "event_properties",
        "at most 40 levels of objects and arrays"
      ])
      assert.include(JSON.stringify(reason.given), "[[[[\"…\"]]]]")
      for (const path of ["/api/requests/1", "/api/plan", "/api/export?format=csv", "/api/users/user-1"]) {
        assert.strictEqual((yield* ask(`${server.url}${path}`)).status, 200, path)
      }
      assert.deepStrictEqual(
        Array.from(yield* Fiber.join(seen), ({ verdict }) => verdict),
        events.map(({ verdict }: any) => verdict).reverse()
      )
    }))

  it.scopedLive("keys are masked in a body that cannot be read too, and a short key changes no other word", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      const key = "0123456789abcdef"
      const shownOf = (body: string) =>
        Effect.gen(function*() {
          yield* ask(server.urlV2, { method: "POST", headers: { "x-key": key }, body })
          const { requests: [{ id }] } = yield* get(server, "/api/requests?limit=1")
          return yield* get(server, `/api/requests/${id}`)
        })
      const cut = yield* shownOf(`{"api_key": "${key}","events":[{`)
      assert.strictEqual(cut.body, "{\"api_key\": \"0123…\",\"events\":[{")
      assert.include(cut.curl, `"api_key": "'"$AMPLITUDE_API_KEY"'","events"`)
      assert.notInclude(cut.curl, key)
      const whole = yield* shownOf(JSON.stringify({ api_key: key, events: [event({ event_type: `${key}s` })] }))
      assert.include(whole.body, "\"api_key\":\"0123…\"")
      assert.include(whole.body, `"event_type":"${key}s"`)
      assert.strictEqual(whole.headers["x-key"], "0123…")
      const short = yield* shownOf(JSON.stringify({ api_key: "local", events: [event({ ip: "localhost" })] }))
      assert.include(short.body, "{\"api_key\":\"loca…\",")
      assert.include(short.body, "\"ip\":\"localhost\"")
    }))

  it.scopedLive("the API answers 400 to what it cannot read", () =>
    Effect.gen(function*() {
      const server = yield* DevServer.make()
      for (
        const [path, body] of [
          ["/api/faults", { answer: { status: 99 } }],
          ["/api/faults", { answer: "sleep" }],
          ["/api/faults", { answer: { status: 500 }, share: 2 }],
          ["/api/faults", { answer: { status: 500, headers: { "a b": "c" } } }],
          ["/api/faults", { answer: { status: 500, headers: { a: "b\nc" } } }],
          ["/api/faults", {}],
          ["/api/expect", { count: 0 }],
          ["/api/expect", { within: -1 }],
          ["/api/expect", []],
          // a misspelt field is not ignored: the test that has it could not fail
          ["/api/expect", { event_type: "A" }],
          ["/api/faults", { answer: { status: 500 }, count: 1 }],
          ["/api/faults", { answer: { status: 500, delay: 1 } }],
          ["/api/clear", { project: "a" }],
          ["/api/clear?projct=a", {}]
        ] as const
      ) {
        assert.strictEqual((yield* post(server, path, body)).status, 400, JSON.stringify(body))
      }
      for (const query of ["verdict=good", "since=today", "limit=many", "limit=NaN", "cursor=last", "event_type=A"]) {
        assert.strictEqual((yield* ask(`${server.url}/api/events?${query}`)).status, 400, query)
      }
      const unreadable = yield* ask(`${server.url}/api/expect`, { method: "POST", headers: json, body: "{" })
      assert.strictEqual(unreadable.status, 400)
      assert.include(unreadable.text, "The body is not JSON")
      assert.strictEqual((yield* ask(`${server.url}/api/clear`, { method: "POST", headers: json })).status, 200)
      assert.strictEqual((yield* ask(`${server.url}/api/events/1e9`)).status, 404)
      assert.strictEqual((yield* ask(`${server.url}/api/users/%ff`)).status, 404)
    }))
})

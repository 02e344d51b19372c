/**
 * A real server on a real socket. A script decides what happens to each request: an answer of any kind, or a fault of
 * the socket. It records the requests as they were sent.
 */
import type { Scope } from "effect"
import { Effect } from "effect"
import * as Http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import * as Zlib from "node:zlib"
import type { SeenEvent } from "./scripted.js"

/** A request that was read to its end. */
export interface FaultRequest {
  /** The index of the request among all requests, with the ones that were reset unread. */
  readonly index: number
  /** Milliseconds of a clock that does not jump. */
  readonly time: number
  readonly path: string
  readonly headers: Http.IncomingHttpHeaders
  /** The body as text, unpacked. */
  readonly raw: string
  readonly events: ReadonlyArray<SeenEvent>
}

/** An answer in HTTP that arrives whole. A body that is no text is sent as JSON. */
export interface Whole {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** So many milliseconds pass before it. */
  readonly delay?: number
}

/**
 * What goes wrong with a socket once the request was read:
 *
 * - `reset`: the connection is reset without an answer
 * - `fin`: it is closed in good order, without an answer
 * - `truncated`: the head of a 200 promises more than the body brings before the connection closes
 * - `cut`: a 200 in chunks of which the last never comes before the connection closes
 * - `hang`: nothing ever happens
 * - `trickle`: a 200 of which a byte comes now and then, and never the last
 * - `garbage`: an answer that is no HTTP
 */
export type Fault = "reset" | "fin" | "truncated" | "cut" | "hang" | "trickle" | "garbage"

export const faults: ReadonlyArray<Fault> = ["reset", "fin", "truncated", "cut", "hang", "trickle", "garbage"]

/** The reaction to a request: a status alone, an answer, or a fault. */
export type Scripted = number | Whole | Fault

export type Script = (request: FaultRequest) => Scripted

export interface Options {
  /** Whether the connection of the request with this index is reset before its body is read. */
  readonly resetUnread?: (index: number) => boolean
}

export interface FaultServer {
  readonly url: string
  /** The requests that were read, in order. */
  readonly requests: Array<FaultRequest>
  /** The indices of the requests that were reset unread. */
  readonly unread: Array<number>
  /** The events that were taken with a 2xx that was written whole, in order; one that was sent again is here again. */
  readonly took: Array<SeenEvent>
  /** The connections that are open. */
  readonly connections: () => number
  /** From now on requests are answered by this script. */
  readonly become: (script: Script) => void
}

/** Starts a server that runs until the scope closes. It then closes at once, even if requests hang. */
export const make = (script: Script, options: Options = {}): Effect.Effect<FaultServer, never, Scope.Scope> =>
  Effect.gen(function*() {
    const requests: Array<FaultRequest> = []
    const unread: Array<number> = []
    const took: Array<SeenEvent> = []
    const sockets = new Set<Socket>()
    const timers = new Set<NodeJS.Timeout>()
    let answerOf = script
    let count = 0

    const later = (millis: number, run: () => void): void => {
      const timer = setTimeout(() => {
        timers.delete(timer)
        run()
      }, millis)
      timers.add(timer)
    }

    const answer = (request: FaultRequest, response: Http.ServerResponse, whole: Whole): void => {
      if (response.destroyed) return
      const { body = {}, headers, status } = whole
      const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body))
      response.writeHead(status, {
        "content-type": "application/json",
        ...(status === 204 ? {} : { "content-length": String(bytes.length) }),
        ...headers
      })
      response.end(status === 204 ? undefined : bytes)
      if (status >= 200 && status < 300) took.push(...request.events)
    }

    const misbehave = (socket: Socket, response: Http.ServerResponse, fault: Fault): void => {
      switch (fault) {
        case "reset":
          return void socket.resetAndDestroy()
        case "fin":
          return void socket.end()
        case "truncated":
          return void socket.end(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"code\":200"
          )
        case "cut":
          return void socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{\"code\":200\r\n")
        case "garbage":
          return void socket.end("SSH-2.0-OpenSSH_9.2\r\n")
        case "hang":
          return
        case "trickle": {
          response.writeHead(200, { "content-length": "100000" })
          const drip = () => {
            if (response.destroyed) return
            response.write(" ")
            later(20, drip)
          }
          return drip()
        }
      }
    }

    const onRequest: Http.RequestListener = (incoming, response) => {
      const index = count++
      const { socket } = incoming
      incoming.on("error", () => {})
      response.on("error", () => {})
      if (options.resetUnread?.(index) === true) {
        unread.push(index)
        return void socket.resetAndDestroy()
      }
      const chunks: Array<Buffer> = []
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk))
      incoming.on("end", () => {
        const bytes = Buffer.concat(chunks)
        const raw = (incoming.headers["content-encoding"] === "gzip" ? Zlib.gunzipSync(bytes) : bytes).toString("utf8")
        const request: FaultRequest = {
          index,
          time: performance.now(),
          path: incoming.url ?? "",
          headers: incoming.headers,
          raw,
          events: raw === "" ? [] : (JSON.parse(raw) as Pick<FaultRequest, "events">).events
        }
        requests.push(request)
        const scripted = answerOf(request)
        if (typeof scripted === "string") return misbehave(socket, response, scripted)
        const whole = typeof scripted === "number" ? { status: scripted } : scripted
        if (whole.delay === undefined) answer(request, response, whole)
        else later(whole.delay, () => answer(request, response, whole))
      })
    }

    const server = yield* Effect.acquireRelease(
      Effect.async<Http.Server>((resume) => {
        const server = Http.createServer(onRequest)
        server.on("connection", (socket) => {
          sockets.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => sockets.delete(socket))
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.async<void>((resume) => {
          for (const timer of timers) clearTimeout(timer)
          server.close(() => resume(Effect.void))
          for (const socket of sockets) socket.destroy()
        })
    )

    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/2/httpapi`,
      requests,
      unread,
      took,
      connections: () => sockets.size,
      become: (script) => {
        answerOf = script
      }
    }
  })

/** A URL of this machine where nobody listens. */
export const refusingUrl: Effect.Effect<string> = Effect.scoped(Effect.map(make(() => 200), ({ url }) => url))

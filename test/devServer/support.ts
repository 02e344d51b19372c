/** Helpers that send requests to the server. */
import { Effect } from "effect"
import { request } from "node:http"
import * as Net from "node:net"
import type { DevServer } from "../../src/DevServer.js"

export interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string | ReadonlyArray<string> | undefined }
  readonly text: string
}

export interface Asked {
  readonly method?: string
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string | Uint8Array
}

export const json = { "content-type": "application/json" }

/** Sends any header, which `fetch` does not. Of server-sent events, the answer is its head alone. */
export const ask = (url: string, { body, headers = {}, method = "GET" }: Asked = {}): Effect.Effect<Answer, unknown> =>
  Effect.async((resume) => {
    // Without a length, the body of a DELETE has no end.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }
    const sent = request(url, { method, agent: false, headers: { ...length, ...headers } }, (response) => {
      const answered = (text: string) =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, text }))
      if (/event-stream/.test(response.headers["content-type"] ?? "")) {
        response.destroy()
        answered("")
        return
      }
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () => answered(Buffer.concat(chunks).toString()))
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end(body)
    return Effect.sync(() => sent.destroy())
  })

export const get = (server: DevServer.Service, path: string, headers: Asked["headers"] = {}) =>
  Effect.map(ask(`${server.url}${path}`, { headers }), ({ text }) => JSON.parse(text))

export const post = (server: DevServer.Service, path: string, body: unknown = {}) =>
  ask(`${server.url}${path}`, { method: "POST", headers: json, body: JSON.stringify(body) })

export const upload = (
  server: DevServer.Service,
  events: ReadonlyArray<unknown>,
  { key = "key-of-one", path = "/2/httpapi" }: { readonly key?: string; readonly path?: string } = {}
) => post(server, path, { api_key: key, events })

/** A connection for the life of the scope. `closed` has all that came through it, as soon as the other side ends it. */
export const connection = (server: DevServer.Service) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<Net.Socket>((resume) => {
        const socket = Net.connect(Number(new URL(server.url).port), "127.0.0.1", () => resume(Effect.succeed(socket)))
      }),
      (socket) => Effect.sync(() => socket.destroy())
    ),
    (socket) => {
      let text = ""
      const watching = new Set<() => void>()
      const look = () => watching.forEach((one) => one())
      let isClosed = false
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString()
        look()
      })
      socket.on("error", () => {})
      socket.on("close", () => {
        isClosed = true
        look()
      })
      const until = (isThere: () => boolean) =>
        Effect.async<string>((resume) => {
          const one = () => {
            if (isThere()) {
              watching.delete(one)
              resume(Effect.sync(() => text))
            }
          }
          watching.add(one)
          one()
          return Effect.sync(() => watching.delete(one))
        })
      return {
        write: (bytes: string | Uint8Array) =>
          Effect.async<void>((resume) => void socket.write(bytes, () => resume(Effect.void))),
        received: (pattern: RegExp) => until(() => pattern.test(text)),
        closed: until(() => isClosed)
      }
    }
  )

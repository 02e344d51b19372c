/** The files of the page, read from disk when they are first asked for. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs/promises"
import { fileURLToPath } from "node:url"

const files: ReadonlyMap<string, readonly [name: string, contentType: string]> = new Map([
  ["/", ["index.html", "text/html; charset=utf-8"]],
  ["/page.js", ["page.js", "text/javascript; charset=utf-8"]],
  ["/page.css", ["page.css", "text/css; charset=utf-8"]]
])

/** Whether a path is one of the page. */
export const isAsset = (path: string): boolean => files.has(path)

// `src` and `dist` are neighbours, and so are `src/internal/devServer` and `dist/internal/devServer`. One bundled file
// lies in `dist` itself.
const folders: ReadonlyArray<string> = ["../../../dist/page/", "./page/"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url))
)

const held = new Map<string, Uint8Array>()

const read = (name: string): Effect.Effect<Uint8Array, unknown> =>
  Effect.suspend(() => {
    const known = held.get(name)
    return known !== undefined ?
      Effect.succeed(known) :
      Effect.tap(
        Effect.firstSuccessOf(folders.map((folder) => Effect.tryPromise(() => Fs.readFile(`${folder}${name}`)))),
        (bytes) => Effect.sync(() => held.set(name, bytes))
      )
  })

/** Answers a file of the page. A token that was given goes into a cookie, so that the page can ask with it. */
export const respond = (
  path: string,
  token: string | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const [name, contentType] = files.get(path) ?? ["", ""]
  const headers = token === undefined ?
    {} :
    { "set-cookie": `devserver_token=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/` }
  return Effect.match(read(name), {
    onSuccess: (bytes) => HttpServerResponse.uint8Array(bytes, { contentType, headers }),
    onFailure: () =>
      HttpServerResponse.text("This version has no page. The API is described at /api/openapi.json\n", {
        status: 404,
        headers
      })
  })
}

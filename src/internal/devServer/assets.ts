/** Serves the files of the page. They are read from disk at the first request. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Fs from "node:fs/promises"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"
import * as Guard from "./guard.js"

/**
 * The paths of the document, its script and style, and the icon that browsers ask for. The names of the script and the
 * style contain a hash of their content.
 */
const pattern = /^\/(?:page-[\w-]+\.(?:js|css)|favicon\.ico)?$/

/** Whether a path belongs to the page. */
export const isAsset = (path: string): boolean => pattern.test(path)

const contentTypes: { readonly [extension: string]: string } = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8"
}

// `src` and `dist` are in the same folder, so that this path is right for both
const folder = fileURLToPath(new URL("../../../dist/page/", import.meta.url))

const held = new Map<string, Uint8Array>()

const read = (name: string): Effect.Effect<Uint8Array, unknown> =>
  Effect.suspend(() => {
    const known = held.get(name)
    return known !== undefined ?
      Effect.succeed(known) :
      Effect.tap(
        Effect.tryPromise(() => Fs.readFile(`${folder}${name}`)),
        (bytes) => Effect.sync(() => held.set(name, bytes))
      )
  })

const decode = Option.liftThrowable(decodeURIComponent)

/** The token in the cookie of the page. */
export const tokenOfCookie = (cookies: string): string | undefined =>
  Option.fromNullable(/(?:^|;\s*)devserver_token=([^;]*)/.exec(cookies)?.[1]).pipe(
    Option.flatMap(decode),
    Option.getOrUndefined
  )

/** Answers with a file of the page. A token is set as a cookie, so that the requests of the page carry it. */
export const respond = (
  path: string,
  token: string | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const name = path === "/" ? "index.html" : path.slice(1)
  const headers = {
    ...Guard.headers,
    ...(token === undefined ?
      {} :
      { "set-cookie": `devserver_token=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/` })
  }
  return name === "favicon.ico" ? HttpServerResponse.empty({ headers }) : Effect.match(read(name), {
    onSuccess: (bytes) =>
      HttpServerResponse.uint8Array(bytes, {
        contentType: contentTypes[extname(name)] ?? "",
        // the names of the other files change with their content
        headers: path === "/" ? headers : { ...headers, "cache-control": "private, max-age=31536000, immutable" }
      }),
    onFailure: () =>
      HttpServerResponse.text(
        path === "/" ?
          "The page is not built: `npm run build:page` builds it into dist/page. " +
          "The API is described at /api/openapi.json\n" :
          "There is no such file. Load the page again\n",
        { status: 404, headers }
      )
  })
}

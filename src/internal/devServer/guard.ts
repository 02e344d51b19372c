/** Decides which requests are allowed, by host, origin and token, and gives the security headers of the answers. */
import * as Option from "effect/Option"
import { createHash, timingSafeEqual } from "node:crypto"
import * as Net from "node:net"

/** The most bytes of a body. */
export const maxBytes = 20_000_000

/** The options of the server for access. */
export interface Options {
  readonly host: string
  readonly allowHost: ReadonlyArray<string>
  readonly allowOrigin: ReadonlyArray<string>
  readonly token: string | undefined
}

/** The parts of a request that the guard reads. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly token: string | undefined
  readonly headers: { readonly [name: string]: string | undefined }
  readonly remoteAddress: Option.Option<string>
}

/** The answer to a request that is not allowed. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 413 | 415
  readonly message: string
}

const ingestionPaths: ReadonlySet<string> = new Set(["/2/httpapi", "/batch", "/identify", "/groupidentify"])

/** Whether a request is an upload, which is allowed from any origin. */
export const isIngestion = (method: string, path: string): boolean =>
  (method === "POST" || method === "OPTIONS") && ingestionPaths.has(path)

/** The headers of every answer except ingestion. */
export const headers: { readonly [name: string]: string } = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store"
}

/** The name in a `Host` header without the port, or none if it cannot be read. */
export const hostname = (host: string | undefined): Option.Option<string> => {
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.exec(host ?? "")?.[1]
  return Option.map(Option.fromNullable(found), (name) => name.replace(/^\[|\]$/g, "").toLowerCase())
}

const isLoopback = (address: string): boolean => /^(::ffff:)?127\.|^::1$/.test(address)

const isKnownHost = (name: string, { allowHost, host }: Options): boolean =>
  name === "localhost" || name.endsWith(".localhost") || Net.isIP(name) !== 0 || name === "host.docker.internal" ||
  [host, ...allowHost].some((allowed) => allowed.toLowerCase() === name)

/** Whether pages of an origin may read everything. */
export const isAllowedOrigin = (origin: string | undefined, { allowOrigin }: Options): boolean =>
  origin !== undefined && allowOrigin.includes(origin)

const isSameOrigin = (origin: string, host: string | undefined): boolean =>
  origin.toLowerCase() === `http://${host}`.toLowerCase()

// hashes of equal length, so that the duration of the comparison reveals nothing about the token
const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

const hasToken = (given: string | undefined, token: string): boolean =>
  given !== undefined && timingSafeEqual(digest(given), digest(token))

const refuse = (status: Refusal["status"], message: string): Option.Option<Refusal> => Option.some({ status, message })

/** The refusal of a request, or none if it is allowed. */
export const check = (asked: Asked, options: Options): Option.Option<Refusal> => {
  const name = hostname(asked.headers.host)
  if (Option.isNone(name)) {
    return refuse(400, "The Host header cannot be read")
  }
  if (!isKnownHost(name.value, options)) {
    return refuse(403, `The host ${name.value} is not known: allow it with allowHost`)
  }
  if (isIngestion(asked.method, asked.path)) {
    return Option.none()
  }
  const { origin } = asked.headers
  const isAllowed = isAllowedOrigin(origin, options)
  if (origin !== undefined && !isAllowed && !isSameOrigin(origin, asked.headers.host)) {
    return refuse(403, "A page of another origin may not read this: allow it with allowOrigin")
  }
  const site = asked.headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isAllowed) {
    return refuse(403, "A page of another site may not read this: allow it with allowOrigin")
  }
  if (isAllowed && asked.method === "OPTIONS") {
    // the browser asks what the page may send, and sends neither a token nor a body
    return Option.none()
  }
  if (options.token !== undefined) {
    if (!hasToken(asked.token, options.token)) {
      return refuse(401, "The token is missing or wrong: open the page with ?token=, or send it as a bearer token")
    }
  } else if (!Option.exists(asked.remoteAddress, isLoopback)) {
    return refuse(403, "Without a token, other machines can only send events")
  }
  if (asked.path.startsWith("/api/") && Number(asked.headers["content-length"] ?? 0) > maxBytes) {
    return refuse(413, `The body is over ${maxBytes} bytes`)
  }
  return asked.path.startsWith("/api/") && asked.method !== "GET" && asked.method !== "HEAD" &&
      !/^application\/json\s*(;|$)/i.test(asked.headers["content-type"] ?? "")
    ? refuse(415, "Send application/json")
    : Option.none()
}

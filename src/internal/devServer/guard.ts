/** Who may ask for what: hosts, origins, tokens, and the headers of every answer. */
import * as Option from "effect/Option"
import { createHash, timingSafeEqual } from "node:crypto"
import * as Net from "node:net"

/** What the server was told about who may ask. */
export interface Options {
  readonly host: string
  readonly allowHost: ReadonlyArray<string>
  readonly allowOrigin: ReadonlyArray<string>
  readonly token: string | undefined
}

/** A request as far as the guard looks at it. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly token: string | undefined
  readonly headers: { readonly [name: string]: string | undefined }
  readonly remoteAddress: Option.Option<string>
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 415
  readonly message: string
}

const ingestionPaths: ReadonlySet<string> = new Set(["/2/httpapi", "/batch", "/identify", "/groupidentify"])

/** Whether any origin may send there. */
export const isIngestion = (method: string, path: string): boolean =>
  (method === "POST" || method === "OPTIONS") && ingestionPaths.has(path)

/** The headers of everything but ingestion. */
export const headers: { readonly [name: string]: string } = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store"
}

/** The name in a `Host` header, without its port; none when it cannot be read. */
export const hostname = (host: string | undefined): Option.Option<string> => {
  const found = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.exec(host ?? "")?.[1]
  return Option.map(Option.fromNullable(found), (name) => name.replace(/^\[|\]$/g, "").toLowerCase())
}

const isLoopback = (address: string): boolean => /^(::ffff:)?127\.|^::1$/.test(address)

const isKnownHost = (name: string, { allowHost, host }: Options): boolean =>
  name === "localhost" || name.endsWith(".localhost") || Net.isIP(name) !== 0 || name === "host.docker.internal" ||
  [host, ...allowHost].some((allowed) => allowed.toLowerCase() === name)

const isSameOrigin = (origin: string, host: string | undefined): boolean =>
  origin.toLowerCase() === `http://${host}`.toLowerCase()

// Of equal length, so that the time of the comparison tells nothing.
const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

const hasToken = (given: string | undefined, token: string): boolean =>
  given !== undefined && timingSafeEqual(digest(given), digest(token))

const refuse = (status: Refusal["status"], message: string): Option.Option<Refusal> => Option.some({ status, message })

/** Decides whether a request is answered. */
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
  const isAllowed = origin !== undefined && options.allowOrigin.includes(origin)
  if (origin !== undefined && !isAllowed && !isSameOrigin(origin, asked.headers.host)) {
    return refuse(403, "The page of another origin asks: allow it with allowOrigin")
  }
  const site = asked.headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isAllowed) {
    return refuse(403, "The page of another site asks: allow it with allowOrigin")
  }
  if (options.token !== undefined) {
    if (!hasToken(asked.token, options.token)) {
      return refuse(401, "The token is missing or wrong: open the page with ?token=, or send it as a bearer token")
    }
  } else if (!Option.exists(asked.remoteAddress, isLoopback)) {
    return refuse(403, "Without a token, other machines can only send events")
  }
  return asked.path.startsWith("/api/") && asked.method !== "GET" && asked.method !== "HEAD" &&
      !/^application\/json\s*(;|$)/i.test(asked.headers["content-type"] ?? "")
    ? refuse(415, "Send application/json")
    : Option.none()
}

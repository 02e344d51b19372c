/** Requests to the server that the page comes from. */
import { project } from "./router.js"
import type { Json } from "./wire.js"

/** A request that failed. `status` is 0 without an answer. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

type Parameters = { readonly [name: string]: string | number | undefined }

/** The URL of a route, for the shown project. */
export const address = (path: string, parameters: Parameters = {}): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries({ project: project.value, ...parameters })) {
    if (value !== undefined && value !== "") {
      search.set(name, String(value))
    }
  }
  const text = search.toString()
  return text === "" ? path : `${path}?${text}`
}

const messageOf = (body: string): string => {
  try {
    const { error, message } = JSON.parse(body) as Json
    return typeof message === "string" ? message : typeof error === "string" ? error : ""
  } catch {
    return ""
  }
}

const request = async (url: string, init: RequestInit): Promise<Response> => {
  const response = await fetch(url, { ...init, cache: "no-store", redirect: "error" }).catch((cause: unknown) => {
    throw init.signal?.aborted === true ? cause : new ApiError(0, "The server does not answer.")
  })
  if (!response.ok) {
    throw new ApiError(response.status, messageOf(await response.text()) || `The server answered ${response.status}.`)
  }
  return response
}

/** Sends a `GET` request to a route. */
export const get = async <A>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<A> =>
  await (await request(address(path, parameters), { signal: signal ?? null })).json() as A

/** Sends JSON to a route. */
export const send = async <A>(
  method: "POST" | "DELETE",
  path: string,
  body: unknown,
  parameters?: Parameters
): Promise<A> => {
  const response = await request(address(path, parameters), {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body)
  })
  const text = await response.text()
  return (text === "" ? undefined : JSON.parse(text)) as A
}

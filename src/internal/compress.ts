/** Bodies in gzip, made by the platform's own `CompressionStream`. */
import * as Effect from "effect/Effect"
import type { Transport } from "../Transport.js"
import { byteLength } from "./utf8.js"

/** Bodies of at most so many bytes are sent as they are: they would gain nothing. */
const minBytes = 2048

export const isAvailable = (): boolean => "CompressionStream" in globalThis

const gzip = (body: string | Uint8Array): Effect.Effect<Uint8Array, unknown> =>
  Effect.map(
    Effect.tryPromise(() =>
      new Response(new Blob([body as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer()
    ),
    (buffer) => new Uint8Array(buffer)
  )

/** The body of a request and how it is encoded. One that cannot be compressed is sent as it is. */
export const compress = (
  body: string | Uint8Array
): Effect.Effect<Pick<Transport.Request, "body" | "contentEncoding">> =>
  byteLength(body) <= minBytes
    ? Effect.succeed({ body })
    : Effect.match(gzip(body), {
      onSuccess: (compressed) => ({ body: compressed, contentEncoding: "gzip" as const }),
      onFailure: () => ({ body })
    })

/** Compresses the bodies of requests with the platform's `CompressionStream`. */
import * as Effect from "effect/Effect"

/** The most bytes of a body that is not compressed. Compression gains nothing there. */
const minCompressed = 2048

/** The compressed body, or undefined if the body is to be sent uncompressed. */
export const gzip = (body: Uint8Array): Effect.Effect<Uint8Array | undefined> =>
  body.length <= minCompressed
    ? Effect.succeed(undefined)
    : Effect.orElseSucceed(
      Effect.map(
        Effect.tryPromise(() =>
          new Response(new Blob([body as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer()
        ),
        (buffer) => new Uint8Array(buffer)
      ),
      () => undefined
    )

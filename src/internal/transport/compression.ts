/** Compressing the bodies of requests, by the platform's own `CompressionStream`. */
import * as Effect from "effect/Effect"

/** Bodies of at most so many bytes are sent as they are: they would gain nothing. */
const minCompressed = 2048

/** The compressed body, or nothing where the body is better sent as it is. */
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

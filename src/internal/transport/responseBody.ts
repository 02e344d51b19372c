/**
 * Reads the body of an answer up to a limit, so that an endless body or a decompression bomb cannot fill the memory.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { TransportError } from "../../AmplitudeError.js"
import { tooLong } from "./errors.js"

/** The most bytes of an answer. The answers of the service are far smaller. */
export const maxBytes = 1_000_000

/** The bytes of a body as they arrive. */
export class ResponseBody {
  private readonly chunks: Array<Uint8Array> = []
  private bytes = 0

  /** Adds a chunk. The result says whether the body is still within the limit. */
  add(chunk: Uint8Array): boolean {
    this.bytes += chunk.length
    if (!this.isTooLong) this.chunks.push(chunk)
    return !this.isTooLong
  }

  get isTooLong(): boolean {
    return this.bytes > maxBytes
  }

  text(): string {
    const [first] = this.chunks
    if (first === undefined) return ""
    if (this.chunks.length === 1) return decoder.decode(first)
    const whole = new Uint8Array(this.bytes)
    let at = 0
    for (const chunk of this.chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return decoder.decode(whole)
  }
}

const decoder = new TextDecoder()

/** The text of a web stream. A stream that is too long is cancelled. */
export const readWebStream = (stream: ReadableStream<Uint8Array>): Promise<string | TransportError> => {
  const reader = stream.getReader()
  const body = new ResponseBody()
  const read = (): Promise<string | TransportError> =>
    reader.read().then(({ done, value }) => {
      if (done) return body.text()
      if (body.add(value)) return read()
      return reader.cancel().catch(() => {}).then(() => tooLong(maxBytes))
    })
  return read()
}

/** The text of an Effect `Stream`. */
export const readStream = <E>(stream: Stream.Stream<Uint8Array, E>): Effect.Effect<string, E | TransportError> =>
  Effect.suspend(() => {
    const body = new ResponseBody()
    return Stream.runForEachWhile(stream, (chunk) => Effect.sync(() => body.add(chunk))).pipe(
      Effect.flatMap(() => body.isTooLong ? Effect.fail(tooLong(maxBytes)) : Effect.succeed(body.text()))
    )
  })

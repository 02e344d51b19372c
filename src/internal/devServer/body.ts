/** Reads bodies, with a limit on their bytes as sent and inflated and on the time that they take. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Zlib from "node:zlib"
import * as Ingestion from "./ingestion.js"

/** A body that was read. */
export interface Payload {
  readonly text: string
  /** The length of `text` in bytes; over the limit, one more than it. */
  readonly bytes: number
  readonly body: Ingestion.Body
}

const maxBytes = 20_000_000

/** What comes after the limit is read and dropped, so that the client reads the answer; after this it is cut off. */
const maxSentBytes = 4 * maxBytes

const timeout = Duration.seconds(30)

interface Sent {
  readonly chunks: Array<Uint8Array>
  bytes: number
}

/** Why a body was not read whole. */
export type BodyError = "TooSlow" | "Aborted"

/** The whole body, or nothing of it when it is too large. */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  path: string
): Effect.Effect<Payload, BodyError> =>
  request.stream.pipe(
    Stream.runFoldWhile(
      { chunks: [], bytes: 0 } as Sent,
      ({ bytes }) => bytes <= maxSentBytes,
      (sent, chunk) => {
        sent.bytes += chunk.length
        if (sent.bytes > maxBytes) {
          sent.chunks.length = 0
        } else {
          sent.chunks.push(chunk)
        }
        return sent
      }
    ),
    Effect.mapError((): BodyError => "Aborted"),
    Effect.timeoutFail({ duration: timeout, onTimeout: (): BodyError => "TooSlow" }),
    Effect.flatMap(({ bytes, chunks }) =>
      bytes > maxBytes ?
        Effect.succeed(tooLarge) :
        /^(x-)?gzip$/i.test(request.headers["content-encoding"] ?? "") ?
        gunzip(Buffer.concat(chunks), path) :
        Effect.succeed(payloadOf(Buffer.concat(chunks), path))
    )
  )

const tooLarge: Payload = { text: "", bytes: maxBytes + 1, body: Either.left(Ingestion.malformedBody) }

const gunzip = (bytes: Buffer, path: string): Effect.Effect<Payload> =>
  Effect.async((resume) =>
    Zlib.gunzip(bytes, { maxOutputLength: maxBytes }, (error, result) =>
      resume(Effect.succeed(
        error === null ?
          payloadOf(result, path) :
          "code" in error && error.code === "ERR_BUFFER_TOO_LARGE" ?
          tooLarge :
          { text: bytes.toString("utf8"), bytes: bytes.length, body: Either.left(Ingestion.malformedBody) }
      )))
  )

const payloadOf = (bytes: Buffer, path: string): Payload => {
  const text = bytes.toString("utf8")
  const form = forms.get(path)
  return { text, bytes: bytes.length, body: form === undefined ? Ingestion.readBody(text) : readForm(text, form) }
}

// Amplitude Identify API and Group Identify API

interface Form {
  readonly parameter: string
  readonly toEvent: (identification: { readonly [field: string]: unknown }) => { readonly [field: string]: unknown }
}

const forms: ReadonlyMap<string, Form> = new Map([
  ["/identify", { parameter: "identification", toEvent: (given) => ({ ...given, event_type: "$identify" }) }],
  ["/groupidentify", {
    parameter: "identification",
    toEvent: ({ group_type, group_value, ...given }) => ({
      ...given,
      event_type: "$groupidentify",
      ...(Predicate.isString(group_type) ? { groups: { [group_type]: group_value } } : {})
    })
  }]
])

/** Whether a path takes forms. */
export const isForm = (path: string): boolean => forms.has(path)

const readForm = (text: string, { parameter, toEvent }: Form): Ingestion.Body => {
  const form = new URLSearchParams(text)
  const given = Option.liftThrowable((text: string): unknown => JSON.parse(text))(form.get(parameter) ?? "")
  return Option.match(given, {
    onNone: () => Either.left(Ingestion.malformedBody),
    onSome: (given) =>
      Either.right({
        api_key: form.get("api_key") ?? undefined,
        events: (Array.isArray(given) ? given : [given]).map((one: unknown) =>
          Predicate.isRecord(one) ? toEvent(one) : one
        )
      })
  })
}

/**
 * Reads the bodies of requests. Their compressed size, their decompressed size and the time to read them are limited.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { constVoid } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { isAscii } from "node:buffer"
import * as Zlib from "node:zlib"
import { maxBytes } from "./guard.js"
import * as RequestBody from "./requestBody.js"

/** A body after decompression. */
export interface Payload {
  readonly text: string
  /** The length of `text` in bytes. If it is over the limit, the limit plus one. */
  readonly bytes: number
  readonly body: RequestBody.Body
}

/**
 * The most bytes that are received. Bytes over the limit are dropped up to here, so that the client reads the answer.
 */
const maxSentBytes = 4 * maxBytes

const timeout = Duration.seconds(30)

/** Why a body was not read whole. */
export type BodyError = "TooSlow" | "Aborted"

/** The bytes as they were sent, or none if there are too many. */
const receive = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Option.Option<Buffer>, BodyError> =>
  Effect.async((resume) => {
    const message = NodeHttpServerRequest.toIncomingMessage(request)
    const chunks: Array<Buffer> = []
    let bytes = 0
    const settle = (result: Effect.Effect<Option.Option<Buffer>, BodyError>): void => {
      stop()
      resume(result)
    }
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes <= maxBytes) {
        chunks.push(chunk)
      } else {
        chunks.length = 0
        if (bytes > maxSentBytes) {
          settle(Effect.succeedNone)
        }
      }
    }
    const onEnd = (): void =>
      settle(bytes > maxBytes ? Effect.succeedNone : Effect.succeedSome(Buffer.concat(chunks, bytes)))
    const onAbort = (): void => settle(Effect.fail("Aborted"))
    const stop = (): void => void message.off("data", onData).off("end", onEnd).off("close", onAbort)
    // a message that breaks off emits an error, and an error without a listener ends the process
    message.on("error", constVoid)
    message.on("data", onData).on("end", onEnd).on("close", onAbort)
    return Effect.sync(stop)
  })

/** Reads the body of a request. The text is empty if the body is too large. */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  path: string
): Effect.Effect<Payload, BodyError> =>
  receive(request).pipe(
    Effect.timeoutFail({ duration: timeout, onTimeout: (): BodyError => "TooSlow" }),
    Effect.flatMap(Option.match({
      onNone: () => Effect.succeed(tooLarge),
      onSome: (bytes) =>
        /^(x-)?gzip$/i.test(request.headers["content-encoding"] ?? "") ?
          gunzip(bytes, path) :
          Effect.succeed(payloadOf(bytes, path))
    }))
  )

const tooLarge: Payload = { text: "", bytes: maxBytes + 1, body: Either.left(RequestBody.malformedBody) }

const gunzip = (bytes: Buffer, path: string): Effect.Effect<Payload> =>
  Effect.async((resume) =>
    Zlib.gunzip(bytes, { maxOutputLength: maxBytes }, (error, result) =>
      resume(Effect.succeed(
        error === null ?
          payloadOf(result, path) :
          "code" in error && error.code === "ERR_BUFFER_TOO_LARGE" ?
          tooLarge :
          { text: bytes.toString("utf8"), bytes: bytes.length, body: Either.left(RequestBody.malformedBody) }
      )))
  )

const payloadOf = (bytes: Buffer, path: string): Payload => {
  // latin1 is the fastest way to decode ASCII
  const text = bytes.toString(isAscii(bytes) ? "latin1" : "utf8")
  return { text, bytes: bytes.length, body: parse(text, path) }
}

/** Parses a body. The path decides whether it is JSON or a form. */
export const parse = (text: string, path: string): RequestBody.Body => {
  const form = forms.get(path)
  return form === undefined ? RequestBody.readBody(text) : readForm(text, form)
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

/** Whether a path takes form-encoded bodies. */
export const isForm = (path: string): boolean => forms.has(path)

const readForm = (text: string, { parameter, toEvent }: Form): RequestBody.Body => {
  const form = new URLSearchParams(text)
  const given = Option.liftThrowable((text: string): unknown => JSON.parse(text))(form.get(parameter) ?? "")
  return Option.match(given, {
    onNone: () => Either.left(RequestBody.malformedBody),
    onSome: (given) =>
      Either.right({
        api_key: form.get("api_key") ?? undefined,
        events: (Array.isArray(given) ? given : [given]).map((one: unknown) =>
          Predicate.isRecord(one) ? toEvent(one) : one
        )
      })
  })
}

/** Reads the body of an upload: its API key, its events, its options. */
import * as Either from "effect/Either"
import { pipe } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Answers from "./answers.js"
import { isJsonObject, type JsonObject } from "./jsonObject.js"

/** A parsed body: a JSON object, or the `error` text for a body that is none. */
export type Body = Either.Either<JsonObject, string>

/** The `error` text for a body that is not JSON. */
export const malformedBody = "Invalid JSON request body"

/** Reads the text of a body. Amplitude HTTP V2 API, 400: the texts of `error`. */
export const readBody = (text: string): Body =>
  text === "" ?
    Either.left("Missing request body") :
    pipe(
      Either.try({ try: (): unknown => JSON.parse(text), catch: () => malformedBody }),
      Either.filterOrLeft(isJsonObject, () => malformedBody)
    )

/** The events of a body, valid or not. */
export const eventsOf = (body: Body): ReadonlyArray<unknown> => {
  const events = Either.isRight(body) ? body.right.events : undefined
  return Array.isArray(events) ? events : []
}

/** How many events a body holds, valid or not. */
export const eventCount = (body: Body): number => eventsOf(body).length

/** The API key of a body, or an empty text. */
export const apiKeyOf = (body: Body): string => {
  const key = Either.isRight(body) ? body.right.api_key : undefined
  return Predicate.isString(key) ? key : ""
}

const defaultMinIdLength = 5

/** The `min_id_length` of a body, or the default. */
export const minIdLengthOf = (body: Body): number =>
  pipe(
    Either.flatMap(body, ({ options }) => readMinIdLength(options)),
    Either.getOrElse(() => defaultMinIdLength)
  )

/** The checked parts of a body. */
export interface Upload {
  readonly events: ReadonlyArray<JsonObject>
  readonly minIdLength: number
}

/** Checks the parts of a body that every upload must have. Without `apiKeys`, every key is valid. */
export const readUpload = (
  body: Body,
  apiKeys: ReadonlyArray<string> | undefined
): Either.Either<Upload, Answers.Answer> =>
  Either.gen(function*() {
    const json = yield* Either.mapLeft(body, (error) => Answers.refusal(400, error))
    yield* json.api_key === undefined ? Either.left(Answers.missingField("api_key")) : Either.void
    const events = yield* readEvents(json.events)
    yield* checkApiKey(json.api_key, apiKeys)
    const minIdLength = yield* readMinIdLength(json.options)
    return { events, minIdLength }
  })

const readEvents = (events: unknown): Either.Either<ReadonlyArray<JsonObject>, Answers.Answer> => {
  if (!Array.isArray(events) || events.length === 0) {
    return Either.left(Answers.missingField("events"))
  }
  return events.every(isJsonObject) ? Either.right(events) : Either.left(Answers.refusal(400, "Invalid event JSON"))
}

const checkApiKey = (
  apiKey: unknown,
  valid: ReadonlyArray<string> | undefined
): Either.Either<void, Answers.Answer> => {
  if (!Predicate.isString(apiKey) || apiKey.trim() === "") {
    return Either.left(Answers.refusal(400, "Invalid API key"))
  }
  return valid === undefined || valid.includes(apiKey) ?
    Either.void :
    Either.left(Answers.refusal(400, `Invalid API key: ${apiKey}`))
}

const readMinIdLength = (options: unknown): Either.Either<number, Answers.Answer> => {
  const given = options ?? {}
  if (!isJsonObject(given)) {
    return Either.left(Answers.invalidOptions)
  }
  const length = given.min_id_length ?? defaultMinIdLength
  return Predicate.isNumber(length) && Number.isSafeInteger(length) && length >= 0
    ? Either.right(length)
    : Either.left(Answers.invalidOptions)
}

/**
 * The ingestion service as a pure function. It takes a state and an upload, and gives the answer, the verdicts of the
 * events and the changes of the state.
 */
import * as Either from "effect/Either"
import { pipe } from "effect/Function"
import * as Answers from "./answers.js"
import * as Deduplication from "./deduplication.js"
import * as Endpoints from "./endpoints.js"
import { checkEvents } from "./eventFaults.js"
import type { JsonObject } from "./jsonObject.js"
import { alter, type Arrival } from "./keptEvent.js"
import { nothing, type Remembered, type State } from "./memory.js"
import { becauseOf, type Reason, reasonsOf } from "./reasons.js"
import { type Body, eventsOf, minIdLengthOf, readUpload } from "./requestBody.js"
import { meter } from "./traffic.js"

/** An upload as it was received. */
export interface Request extends Arrival {
  readonly path: string
  readonly body: Body
  /** The length of the body after decompression. */
  readonly bytes: number
  /** The number of the first event. Later events have the numbers that follow. */
  readonly firstEvent?: number
}

/** The valid API keys (default: any), and whether rates and quotas are enforced. */
export interface Options {
  readonly apiKeys?: ReadonlyArray<string> | undefined
  readonly rateLimit: boolean
}

/** The result of one upload. A refused upload keeps no event and does not change the state. */
export interface Outcome {
  readonly answer: Answers.Answer
  readonly remembered: Remembered
  /** The verdict of every event of the upload, in order, up to `maxVerdicts`. */
  readonly verdicts: ReadonlyArray<Judgement>
}

/** The verdict of one event. A kept event has its alterations applied. */
export type Judgement =
  | { readonly verdict: "kept"; readonly event: JsonObject }
  | { readonly verdict: "duplicate"; readonly of: number }
  | { readonly verdict: "fault"; readonly reasons: ReadonlyArray<Reason> }
  | { readonly verdict: "refused"; readonly because: string }

/** The most verdicts of one upload. An upload with more events is refused for their number anyway. */
export const maxVerdicts = 10_000

/** Ingests one upload. */
export const ingest = (options: Options): (state: State, request: Request) => Outcome => (state, request) =>
  pipe(
    Either.gen(function*() {
      const endpoint = yield* Endpoints.endpointAt(request.path)
      yield* Endpoints.checkBytes(endpoint, request.bytes)
      const upload = yield* readUpload(request.body, options.apiKeys)
      yield* Endpoints.checkCount(endpoint, upload.events)
      yield* checkEvents(endpoint, upload)
      const senders = options.rateLimit ? yield* meter(endpoint, state, upload.events, request) : nothing.senders
      const { firsts, verdicts } = judge(state, upload.events, request)
      return {
        answer: Answers.accepted(upload.events.length, request.bytes, request.now),
        remembered: { firsts, senders },
        verdicts
      }
    }),
    Either.getOrElse((answer): Outcome => ({
      answer,
      remembered: nothing,
      verdicts: judgeRefused(answer, request)
    }))
  )

/** Why an upload without events is refused. */
export const whyEmpty = (request: Request): string =>
  pipe(
    Either.flatMap(Endpoints.endpointAt(request.path), (endpoint) => Endpoints.checkBytes(endpoint, request.bytes)),
    Either.flatMap(() => readUpload(request.body, undefined)),
    Either.match({ onLeft: (answer) => becauseOf(answer, request, []), onRight: () => "" })
  )

const judge = (
  state: State,
  events: ReadonlyArray<JsonObject>,
  request: Request
): { readonly firsts: Remembered["firsts"]; readonly verdicts: ReadonlyArray<Judgement> } => {
  const { firstEvent = 0, now } = request
  const { firstOf, firsts } = Deduplication.lookup(state, now)
  const verdicts = events.map((event, index): Judgement => {
    const altered = alter(event).event
    const first = firstOf(altered, firstEvent + index)
    return first === undefined ? { verdict: "kept", event: altered } : { verdict: "duplicate", of: first.event }
  })
  return { firsts, verdicts }
}

const judgeRefused = (answer: Answers.Answer, request: Request): ReadonlyArray<Judgement> => {
  const minIdLength = minIdLengthOf(request.body)
  const reasons = eventsOf(request.body).slice(0, maxVerdicts).map((event) => reasonsOf(event, minIdLength))
  const because = becauseOf(answer, request, reasons)
  return reasons.map((reasons): Judgement =>
    reasons.length > 0 ? { verdict: "fault", reasons } : { verdict: "refused", because }
  )
}

/**
 * What the ingestion service does with one upload, as a pure function: a state and a request go in, the answer,
 * the verdicts of the events and what is to be remembered come out. `DevServer` puts it behind a socket.
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

/** One upload as it came over the wire. */
export interface Request extends Arrival {
  readonly path: string
  readonly body: Body
  /** The length of the body, uncompressed. */
  readonly bytes: number
  /** The number of its first event; those that follow count on. */
  readonly firstEvent?: number
}

/** Which keys are valid (any, when absent), and whether rates and quotas are enforced. */
export interface Options {
  readonly apiKeys?: ReadonlyArray<string> | undefined
  readonly rateLimit: boolean
}

/** What comes of one upload. Of a refused one nothing is kept or remembered. */
export interface Outcome {
  readonly answer: Answers.Answer
  readonly remembered: Remembered
  /** One for every event of the upload, in order, up to `maxVerdicts`. */
  readonly verdicts: ReadonlyArray<Judgement>
}

/** What becomes of one event. The kept one is as it was altered. */
export type Judgement =
  | { readonly verdict: "kept"; readonly event: JsonObject }
  | { readonly verdict: "duplicate"; readonly of: number }
  | { readonly verdict: "fault"; readonly reasons: ReadonlyArray<Reason> }
  | { readonly verdict: "refused"; readonly because: string }

/** An upload with more events is refused for their number, and those beyond have no verdict of their own. */
export const maxVerdicts = 10_000

/** Takes one upload. */
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

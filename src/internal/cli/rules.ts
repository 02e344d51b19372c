/** What the ingestion service would refuse of one event: every fault of it. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Ingestion from "../devServer/ingestion.js"
import type { Fields } from "./input.js"
import type { Reason } from "./reasons.js"

const take = Ingestion.ingest({ rateLimit: false })

/** None where the service would take the event. */
export const faultsOf = (event: Fields, bytes: number, minIdLength: number | undefined): ReadonlyArray<Reason> => {
  const { verdicts: [judgement] } = take(Ingestion.initial, {
    path: "/batch",
    body: Either.right({
      api_key: "key",
      events: [event],
      ...(minIdLength === undefined ? undefined : { options: { min_id_length: minIdLength } })
    }),
    bytes,
    remoteAddress: Option.none(),
    now: 0
  })
  return judgement?.verdict === "fault"
    ? judgement.reasons.map((reason) => ({ ...reason, given: inShort(reason.given), fix: `${reason.fix}.` }))
    : judgement?.verdict === "refused"
    ? [{
      path: "",
      given: judgement.because,
      wanted: "an event that fits",
      fix: "Send less.",
      doc: "Payload too large"
    }]
    : []
}

/** A value as it stands in the event. */
const inShort = (given: unknown): string => {
  const text = given === undefined ? "nothing" : JSON.stringify(given)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** Finds every fault for which the ingestion service would refuse an event. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Ingestion from "../devServer/ingestion.js"
import { initial } from "../devServer/memory.js"
import type { Fields } from "./input.js"
import type { Reason } from "./reasons.js"

const take = Ingestion.ingest({ rateLimit: false })

/** The faults of an event. The list is empty if the service would take the event. */
export const faultsOf = (event: Fields, bytes: number, minIdLength: number | undefined): ReadonlyArray<Reason> => {
  const { verdicts: [judgement] } = take(initial, {
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

/** The value of a field, shortened. Values that nest deep are cut by the rules. */
const inShort = (given: unknown): string => {
  const text = given === undefined ? "nothing" : JSON.stringify(given)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** A verdict as a word and a shape, so that nobody needs to tell the colours apart. */
import type { JSX } from "preact"
import type { Verdict as Name } from "../wire.js"

export const verdictWords: { readonly [verdict in Name]: string } = {
  kept: "Kept",
  fault: "At fault",
  refused: "Refused",
  duplicate: "Duplicate",
  injected: "Injected"
}

export const verdictMeanings: { readonly [verdict in Name]: string } = {
  kept: "The service would ingest it.",
  fault: "The service would refuse it, and the event itself is why.",
  refused: "The event is well-formed. Its request was refused.",
  duplicate: "The same insert_id came from this device within 7 days. The service ignores it.",
  injected: "A fault that is switched on refused it."
}

export const verdicts: ReadonlyArray<Name> = ["kept", "fault", "refused", "duplicate", "injected"]

const shapes: { readonly [verdict in Name]: JSX.Element } = {
  kept: (
    <>
      <circle cx="7" cy="7" r="6.25" />
      <path d="m4.3 7.2 1.9 1.9 3.6-4" />
    </>
  ),
  fault: (
    <>
      <path d="M7 1 13.4 12.6H.6z" fill="currentColor" />
      <path class="cut" d="M7 5.2v3.4M7 10.6v.1" />
    </>
  ),
  refused: (
    <>
      <rect x="1" y="1" width="12" height="12" rx="2" />
      <path d="M4 7h6" />
    </>
  ),
  duplicate: (
    <>
      <rect x="4.5" y="4.5" width="8.5" height="8.5" rx="1.5" />
      <path d="M9.5 2.6A1.6 1.6 0 0 0 8 1H2.6A1.6 1.6 0 0 0 1 2.6V8a1.6 1.6 0 0 0 1.6 1.5" />
    </>
  ),
  injected: <path d="M8 .8 2.2 8h4L5.6 13.2 11.8 6h-4z" fill="currentColor" />
}

export const VerdictIcon = ({ verdict }: { readonly verdict: Name }): JSX.Element => (
  <svg class="icon" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" focusable="false">
    {shapes[verdict]}
  </svg>
)

export const Verdict = ({ verdict }: { readonly verdict: Name }): JSX.Element => (
  <span class={`verdict is-${verdict}`} title={verdictMeanings[verdict]}>
    <VerdictIcon verdict={verdict} />
    {verdictWords[verdict]}
  </span>
)

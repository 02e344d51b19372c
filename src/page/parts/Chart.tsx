/** The chart of the last minute, with one bar a second, stacked by verdict. */
import type { JSX } from "preact"
import { count } from "../format.js"
import type { Verdict } from "../wire.js"
import { verdicts, verdictWords } from "./Verdict.js"

export type Second = { readonly [verdict in Verdict]: number }

const height = 40

/** The verdicts from the bottom of a bar to its top. */
const order: ReadonlyArray<Verdict> = ["kept", "duplicate", "injected", "refused", "fault"]

const total = (second: Second): number => verdicts.reduce((sum, verdict) => sum + second[verdict], 0)

/** The text of the chart for screen readers. */
const summary = (seconds: ReadonlyArray<Second>): string => {
  const counts = verdicts.flatMap((verdict) => {
    const sum = seconds.reduce((before, second) => before + second[verdict], 0)
    return sum === 0 ? [] : [`${sum} ${verdictWords[verdict].toLowerCase()}`]
  })
  return `Last minute: ${counts.length === 0 ? "no events" : counts.join(", ")}`
}

/** The bars of one verdict, as one path. */
const bars = (seconds: ReadonlyArray<Second>, verdict: Verdict, peak: number): string =>
  seconds.map((second, index) => {
    const size = (name: Verdict): number => second[name] === 0 ? 0 : Math.max(2, second[name] / peak * (height - 8))
    const below = order.slice(0, order.indexOf(verdict)).reduce((sum, name) => sum + size(name), 0)
    return second[verdict] === 0 ? "" : `M${index * 4} ${height - below}v${-size(verdict)}h3v${size(verdict)}z`
  }).join("")

export const Chart = ({ seconds }: { readonly seconds: ReadonlyArray<Second> }): JSX.Element => {
  const highest = Math.max(...seconds.map(total))
  const peak = Math.max(1, highest)
  return (
    <figure class="chart">
      <svg
        role="img"
        aria-label={summary(seconds)}
        viewBox={`0 0 ${seconds.length * 4} ${height}`}
        preserveAspectRatio="none"
      >
        {order.map((verdict) => <path key={verdict} class={`bar-${verdict}`} d={bars(seconds, verdict, peak)} />)}
      </svg>
      <figcaption>
        <span>1 min ago</span>
        <span>{highest === 0 ? "no events" : `peak ${count(highest)}/s`}</span>
        <span>now</span>
      </figcaption>
    </figure>
  )
}

/** The bar that says on every view that a fault is on, with a button that stops it. */
import type { JSX } from "preact"
import * as Faults from "../faults.js"
import { count } from "../format.js"
import { armed } from "../live.js"
import { href } from "../router.js"
import { VerdictIcon } from "./Verdict.js"

export const ArmedBar = (): JSX.Element | null => {
  const faults = armed.value.faults.filter((fault) => fault.armed)
  return faults.length === 0 ? null : (
    <div class="armed" role="status">
      <VerdictIcon verdict="injected" />
      <span class="armed-text">
        <strong>{faults.length === 1 ? "A fault is on" : `${faults.length} faults are on`}:</strong>{" "}
        {faults.map((fault) => `${Faults.describe(fault)} (fired ${count(fault.fired)} ×)`).join("; ")}
      </span>
      <a href={href("faults")}>Delivery</a>
      <button type="button" class="button" onClick={Faults.stopAll}>Stop</button>
    </div>
  )
}

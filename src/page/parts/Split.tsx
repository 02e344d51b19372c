/** A list beside its open entry. A narrow screen shows one of the two. */
import type { ComponentChildren, JSX } from "preact"
import { href, type Tab } from "../router.js"
import { tabNames } from "./Header.js"

/** The link back to the list on a narrow screen. */
export const Back = ({ tab }: { readonly tab: Tab }): JSX.Element => (
  <a class="back" href={href(tab)}>
    <svg class="icon" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
      <path d="M8.5 2.5 4 7l4.5 4.5" />
    </svg>
    {tabNames[tab]}
  </a>
)

export const Split = (
  { isOpen, main, side, tab }: {
    readonly tab: Tab
    readonly isOpen: boolean
    readonly side: ComponentChildren
    readonly main: ComponentChildren
  }
): JSX.Element => (
  <div class={isOpen ? "split has-open" : "split"}>
    <section class="split-side" aria-label={tabNames[tab]} tabIndex={0}>{side}</section>
    <section class="split-main" aria-label="Detail" tabIndex={0}>
      <div class="detail">
        {isOpen ? <Back tab={tab} /> : null}
        {main}
      </div>
    </section>
  </div>
)

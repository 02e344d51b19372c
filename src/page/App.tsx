/** The page: the header, and the view that the address names. */
import { useSignalEffect } from "@preact/signals"
import type { JSX } from "preact"
import { count, plural } from "./format.js"
import { connection, counts, loaded, total } from "./live.js"
import * as Log from "./log.js"
import { ArmedBar } from "./parts/ArmedBar.js"
import { Header, tabNames } from "./parts/Header.js"
import { Help } from "./parts/Help.js"
import { isNamed, route, type Tab } from "./router.js"
import { notice } from "./state.js"
import { Connect } from "./views/Connect.js"
import { Events } from "./views/Events.js"
import { Faults } from "./views/Faults.js"
import { Plan } from "./views/Plan.js"
import { Requests } from "./views/Requests.js"
import { Users } from "./views/Users.js"

const views: { readonly [tab in Tab]: () => JSX.Element } = {
  events: Events,
  users: Users,
  requests: Requests,
  faults: Faults,
  plan: Plan,
  connect: Connect
}

/** The shown tab. Without events it is Connect, unless the address names another view. */
const shownTab = (): Tab =>
  !isNamed.value && loaded.value && total.value === 0 && Log.size.value === 0 ? "connect" : route.value.tab

export const App = (): JSX.Element => {
  const tab = shownTab()
  const View = views[tab]
  useSignalEffect(() => {
    const { fault } = counts.value
    document.title = [
      `${fault === 0 ? "" : `(${count(fault)} at fault) `}${plural(total.value, "event")}`,
      tabNames[shownTab()],
      "DevServer"
    ].join(" · ")
  })
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>Skip to the view</a>
      <Header tab={tab} />
      <ArmedBar />
      {connection.value === "lost" ?
        (
          <div class="lost" role="status">
            <svg class="icon" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
              <circle cx="7" cy="7" r="5.5" />
              <path d="M7 4.25v3M7 9.75v.01" />
            </svg>
            <span>The server does not answer. Is it still running? The page connects again by itself.</span>
          </div>
        ) :
        null}
      <main class="main" id="main" tabIndex={-1}>
        {tab === "faults" || tab === "connect" ? null : <h1 class="visually-hidden">{tabNames[tab]}</h1>}
        <View key={tab} />
      </main>
      <Help />
      <div class={notice.value === "" ? "notice" : "notice is-shown"} role="status">{notice.value}</div>
    </>
  )
}

/**
 * Moves the focus to the view. The fragment of the address names a view, so that an ordinary link to an anchor cannot.
 */
const skip = (event: MouseEvent): void => {
  event.preventDefault()
  document.getElementById("main")?.focus()
}

/** The header: the name, the tabs, the counts, and the buttons for the whole page. */
import type { JSX } from "preact"
import { count } from "../format.js"
import { connection, counts, total } from "../live.js"
import { href, query, route, type Tab, tabs } from "../router.js"
import { helpIsOpen, paused } from "../state.js"
import * as Theme from "../theme.js"
import { VerdictIcon, verdicts, verdictWords } from "./Verdict.js"

export const tabNames: { readonly [tab in Tab]: string } = {
  events: "Events",
  users: "Users",
  requests: "Requests",
  faults: "Faults",
  plan: "Plan",
  connect: "Connect"
}

const themeNames: { readonly [theme in Theme.Theme]: string } = { system: "Auto", light: "Light", dark: "Dark" }

const themeIcons: { readonly [theme in Theme.Theme]: JSX.Element } = {
  system: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />
    </>
  ),
  light: (
    <>
      <circle cx="8" cy="8" r="3" />
      <path d="M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1" />
    </>
  ),
  dark: <path d="M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z" />
}

const connectionWords = { open: "Live", connecting: "Connecting", lost: "No connection" } as const

export const Header = ({ tab }: { readonly tab: Tab }): JSX.Element => {
  const state = paused.value ? "paused" : connection.value
  const nextTheme = Theme.themes[(Theme.themes.indexOf(Theme.theme.value) + 1) % Theme.themes.length] ?? "system"
  return (
    <header class="header">
      <a class="brand" href={href("events", [], { q: undefined })}>
        <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
          <rect width="20" height="20" rx="5" />
          <path d="M3.5 11h3L9 5l2.6 10 1.9-6 .8 2h2.2" />
        </svg>
        <span>DevServer</span>
      </a>
      <nav class="tabs" aria-label="Views">
        {tabs.map((name, index) => (
          <a
            key={name}
            href={href(name, [], name === "events" && route.value.tab === "events" ? { q: query.value } : {})}
            aria-current={name === tab ? "page" : undefined}
            aria-keyshortcuts={String(index + 1)}
          >
            {tabNames[name]}
          </a>
        ))}
      </nav>
      <div class="counts" role="group" aria-label="Events by verdict">
        {verdicts.map((verdict) =>
          counts.value[verdict] === 0 && verdict !== "kept" && verdict !== "fault" ? null : (
            <a
              key={verdict}
              class={`count is-${verdict}`}
              href={href("events", [], { q: `is:${verdict}` })}
              title={`${count(counts.value[verdict])} ${verdictWords[verdict].toLowerCase()}`}
            >
              <VerdictIcon verdict={verdict} />
              <span class="number">{count(counts.value[verdict])}</span>
              <span class="count-word">{verdictWords[verdict].toLowerCase()}</span>
            </a>
          )
        )}
        <span class="visually-hidden">{count(total.value)} events in all</span>
      </div>
      <div class="header-tools">
        <span class={`connection is-${state}`} role="status">
          <svg width="8" height="8" viewBox="0 0 8 8" aria-hidden="true">
            {state === "paused" ?
              <path d="M1 0h2v8H1zM5 0h2v8H5z" /> :
              state === "open" ?
              <circle cx="4" cy="4" r="4" /> :
              <circle class="ring" cx="4" cy="4" r="3" />}
          </svg>
          {state === "paused" ? "Paused" : connectionWords[state]}
        </span>
        <button
          type="button"
          class="button quiet square"
          aria-label={`Colours: ${themeNames[Theme.theme.value]}. Change to ${themeNames[nextTheme]}`}
          title={`Colours: ${themeNames[Theme.theme.value]}`}
          onClick={Theme.next}
        >
          <svg class="icon" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
            {themeIcons[Theme.theme.value]}
          </svg>
        </button>
        <button
          type="button"
          class="button quiet square"
          aria-label="Help: keys and filter"
          aria-keyshortcuts="?"
          title="Help (?)"
          onClick={() => helpIsOpen.value = true}
        >
          ?
        </button>
      </div>
    </header>
  )
}

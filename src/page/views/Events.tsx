/** The view of the events: the filter, the last minute, the list, and one event beside it. */
import type { JSX } from "preact"
import { address } from "../api.js"
import * as Filter from "../filter.js"
import { plural } from "../format.js"
import { filterId } from "../keyboard.js"
import { counts, dropped, lastMinute, loaded } from "../live.js"
import * as Log from "../log.js"
import { Chart } from "../parts/Chart.js"
import { Verdict, VerdictIcon, verdictWords } from "../parts/Verdict.js"
import { go, href, query, route } from "../router.js"
import { paused } from "../state.js"
import { EventDetail } from "./EventDetail.js"
import { EventList } from "./EventList.js"

const setQuery = (text: string): void =>
  go(href("events", route.value.tab === "events" ? route.value.path : [], { q: text }), true)

export const Events = (): JSX.Element => {
  const open = route.value.path[0]
  return (
    <div class={open === undefined ? "events" : "events has-open"}>
      <section class="events-side" aria-label="List of events">
        <Toolbar />
        <LastMinute />
        {Log.length.value === 0 && Log.waiting.value === 0 ? <EmptyList /> : <EventList />}
        <ListFoot />
      </section>
      <section class="events-main" aria-label={open === undefined ? "Summary" : "Event"} tabIndex={-1} id="detail">
        {open === undefined ? <Summary /> : <EventDetail id={open} key={open} />}
      </section>
    </div>
  )
}

/** A component of its own, so that each second only the chart is drawn again. */
const LastMinute = (): JSX.Element => <Chart seconds={lastMinute.value} />

const Toolbar = (): JSX.Element => {
  const atFault = Filter.has(query.value, "is:fault")
  return (
    <div class="toolbar">
      <div class="search">
        <svg class="icon" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
          <circle cx="6" cy="6" r="4.5" />
          <path d="m9.5 9.5 3.5 3.5" />
        </svg>
        <input
          id={filterId}
          class="field"
          type="search"
          aria-label="Filter events"
          aria-keyshortcuts="/"
          placeholder="Filter: text, type: user: lib: is: prop.x=y"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          value={query.value}
          onInput={({ currentTarget }) => setQuery(currentTarget.value)}
        />
        {query.value === "" ? <kbd aria-hidden="true">/</kbd> : null}
      </div>
      <button
        type="button"
        class="button"
        aria-pressed={atFault}
        aria-keyshortcuts="x"
        title="Only events at fault (x)"
        onClick={() => setQuery(Filter.toggle(query.value, "is:fault"))}
      >
        <VerdictIcon verdict="fault" />
        At fault
        <span class="number muted">{counts.value.fault.toLocaleString("en-US")}</span>
      </button>
      <button
        type="button"
        class="button square"
        aria-pressed={paused.value}
        aria-keyshortcuts="Space"
        aria-label={paused.value ? "Resume the list" : "Pause the list"}
        title={paused.value ? "Resume (Space)" : "Pause (Space)"}
        onClick={() => paused.value = !paused.value}
      >
        <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true" fill="currentColor">
          <path d={paused.value ? "M1.5 0v10l8-5z" : "M1 0h3v10H1zM6 0h3v10H6z"} />
        </svg>
      </button>
    </div>
  )
}

const exports = [["ndjson", "NDJSON"], ["csv", "CSV"], ["fixture", "Fixture"]] as const

const extensions = { ndjson: "ndjson", csv: "csv", fixture: "ts" } as const

const ListFoot = (): JSX.Element => (
  <p class="list-foot muted">
    <span role="status">
      {query.value === "" ?
        plural(Log.length.value, "event") :
        `${Log.length.value.toLocaleString("en-US")} of ${plural(Log.size.value, "event")}`}
    </span>
    {dropped.value === 0 ? null : (
      <span title="The server keeps a limited number of events.">
        {plural(dropped.value, "older event")} no longer kept
      </span>
    )}
    <span class="exports">
      Export all:{" "}
      {exports.map(([format, name]) => (
        <a key={format} href={address("/api/export", { format })} download={`events.${extensions[format]}`}>{name}</a>
      ))}
    </span>
  </p>
)

const EmptyList = (): JSX.Element =>
  !loaded.value ? <div class="empty" /> : query.value !== "" && Log.size.value > 0 ?
    (
      <div class="empty">
        <h2>No event matches the filter</h2>
        <p>
          {Filter.has(query.value, "is:fault") && counts.value.fault === 0 ?
            "Nothing is at fault: the service would take everything that arrived." :
            "Words are combined: all of them must hold."}
        </p>
        <button type="button" class="button" onClick={() => setQuery("")}>Clear the filter</button>
      </div>
    ) :
    (
      <div class="empty">
        <h2>No events yet</h2>
        <p>Point an Amplitude SDK at this server. What it sends appears here within a moment.</p>
        <a class="button primary" href={href("connect")}>Connect an SDK</a>
      </div>
    )

/** The reasons of events that were not kept, shown while no event is open. */
const Summary = (): JSX.Element => {
  const troubles = Log.troubles()
  return (
    <div class="summary">
      {troubles.length === 0 ?
        (
          <div class="empty">
            <h2>{Log.size.value === 0 ? "Nothing here yet" : "Every event was kept"}</h2>
            <p>
              {Log.size.value === 0 ?
                "The reasons of events that are not kept will be listed here." :
                "Open an event to see what was sent and what the service holds after it."}
            </p>
            <p class="keys">
              <kbd>j</kbd> <kbd>k</kbd> move · <kbd>Enter</kbd> open · <kbd>/</kbd> filter · <kbd>?</kbd> help
            </p>
          </div>
        ) :
        (
          <>
            <h2 class="title">Why events were not kept</h2>
            <ul class="troubles" role="list">
              {troubles.slice(0, 50).map(({ count, example, reason, verdict }) => (
                <li key={`${verdict} ${reason}`}>
                  <a class="trouble" href={href("events", [example.id])}>
                    <Verdict verdict={verdict} />
                    <span class="trouble-reason">{reason === "" ? verdictWords[verdict] : reason}</span>
                    <span class="trouble-count number">{count.toLocaleString("en-US")} ×</span>
                    <span class="trouble-example muted">newest: {Log.typeOf(example)}</span>
                  </a>
                </li>
              ))}
            </ul>
          </>
        )}
    </div>
  )
}

/** The view of the observed events and properties, with the violations of the tracking plan. */
import type { JSX } from "preact"
import * as Filter from "../filter.js"
import { brief, count, dateTime, percent, plural } from "../format.js"
import { arrivals } from "../live.js"
import { Failure, useResource } from "../parts/Resource.js"
import { Split } from "../parts/Split.js"
import { VerdictIcon } from "../parts/Verdict.js"
import { href, route } from "../router.js"
import type { ObservedEvent, Plan as PlanData } from "../wire.js"
import { Facts } from "./Users.js"

const violationsOf = ({ violations }: ObservedEvent): number => violations.reduce((sum, { count }) => sum + count, 0)

export const Plan = (): JSX.Element => {
  const [type] = route.value.path
  const { error, value: plan } = useResource<PlanData>("/api/plan", arrivals)
  const open = plan?.events.find((event) => event.type === type)
  return (
    <Split
      tab="plan"
      isOpen={type !== undefined}
      side={
        <>
          {error === undefined ? null : <Failure title="The plan could not be read" error={error} />}
          {plan?.events.length === 0 ?
            (
              <div class="empty">
                <h2>No events observed yet</h2>
                <p>
                  The types of events and their properties gather here. <code>npx effect-amplitude plan generate</code>
                  {" "}
                  makes a tracking plan of them.
                </p>
              </div>
            ) :
            null}
          <ul class="items" role="list" aria-label="Types of events">
            {plan?.events.map((event) => (
              <li key={event.type}>
                <a
                  class="item"
                  href={href("plan", [event.type])}
                  aria-current={event.type === type ? "true" : undefined}
                >
                  <span class="item-title ellipsis">{event.type}</span>
                  <span class="item-end number muted">{count(event.count)}</span>
                  <span class="item-line muted">
                    <span>
                      {event.properties.length === 1 ? "1 property" : `${event.properties.length} properties`}
                    </span>
                    {event.violations.length === 0 ? null : (
                      <span class="verdict is-fault">
                        <VerdictIcon verdict="fault" />
                        {plural(violationsOf(event), "violation")}
                      </span>
                    )}
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </>
      }
      main={open === undefined ?
        (
          <div class="empty">
            <h2>{type === undefined || plan === undefined ? "Open a type of event" : "This type was not observed"}</h2>
            <p>You see its properties as they arrived: types, how many events have each, and examples.</p>
          </div>
        ) :
        <Observed event={open} />}
    />
  )
}

const Observed = ({ event }: { readonly event: ObservedEvent }): JSX.Element => (
  <>
    <header class="detail-head">
      <h2 class="title">{event.type}</h2>
      <Facts
        facts={[
          [
            "Events",
            <a href={href("events", [], { q: `type:${Filter.quote(event.type)}` })}>{count(event.count)}</a>
          ],
          ["First seen", dateTime(event.firstSeen)],
          ["Last seen", dateTime(event.lastSeen)]
        ]}
      />
    </header>
    {event.violations.length === 0 ? null : (
      <section class="why panel is-fault-panel">
        <h3 class="heading">Against the tracking plan</h3>
        <dl class="facts">
          {event.violations.map(({ count: times, path, wanted }) => (
            <div class="fact" key={`${path} ${wanted}`}>
              <dt>
                <code>{path}</code>
              </dt>
              <dd>
                {wanted} <span class="muted number">{count(times)} ×</span>
              </dd>
            </div>
          ))}
        </dl>
      </section>
    )}
    <section>
      <h3 class="heading">Properties</h3>
      {event.properties.length === 0 ?
        <p class="muted">Its events have none.</p> :
        (
          <div class="scroll-x" tabIndex={0} role="group" aria-label="Properties">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Types</th>
                  <th scope="col">In events</th>
                  <th scope="col">Examples</th>
                </tr>
              </thead>
              <tbody>
                {event.properties.map(({ examples, name, share, types }) => (
                  <tr key={name}>
                    <td>
                      <code>{name}</code>
                    </td>
                    <td>{types.join(", ")}</td>
                    <td class="number">
                      <span class="share">
                        <svg class="meter" viewBox="0 0 48 4" aria-hidden="true">
                          <rect class="meter-back" width="48" height="4" rx="2" />
                          <rect class="meter-fill" width={48 * share} height="4" rx="2" />
                        </svg>
                        {percent(share)}
                      </span>
                    </td>
                    <td class="wrap muted">
                      <code>{examples.map((example) => brief(example, 40)).join(", ")}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
    </section>
  </>
)

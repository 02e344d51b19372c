/** One event: first the reason of its verdict, then its JSON and its effects. */
import { Fragment, type JSX } from "preact"
import * as Copies from "../copies.js"
import { brief, dateTime, duration, plural } from "../format.js"
import { restarts } from "../live.js"
import * as Log from "../log.js"
import { CopyButton } from "../parts/Copy.js"
import { Json, type Mark } from "../parts/Json.js"
import { Failure, useResource } from "../parts/Resource.js"
import { Verdict, verdictMeanings } from "../parts/Verdict.js"
import { href, segment } from "../router.js"
import type { Change, EventDetail as Detail, Reason, ReceivedEvent } from "../wire.js"

const marksOf = ({ alterations, reasons, violations }: ReceivedEvent): ReadonlyArray<Mark> => [
  ...reasons.map(({ path, wanted }): Mark => ({ path, note: wanted, kind: "fault" })),
  ...violations.map(({ path, wanted }): Mark => ({ path, note: `plan: ${wanted}`, kind: "altered" })),
  ...alterations.map(({ path, what }): Mark => ({ path, note: what, kind: "altered" }))
]

export const EventDetail = ({ id }: { readonly id: string }): JSX.Element => {
  const { error, value: detail } = useResource<Detail>(`/api/events/${segment(id)}`, restarts)
  const event = detail?.event ?? Log.find(id)
  return (
    <article class="detail">
      <a class="back" href={href("events")}>
        <svg class="icon" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
          <path d="M8.5 2.5 4 7l4.5 4.5" />
        </svg>
        Events
      </a>
      {event === undefined ?
        (error === undefined ? null : <Failure title="This event is not here" error={error} />) :
        <Content event={event} detail={detail} />}
    </article>
  )
}

const Content = (
  { detail, event }: { readonly event: ReceivedEvent; readonly detail: Detail | undefined }
): JSX.Element => {
  const user = Log.userOf(event)
  return (
    <>
      <header class="detail-head">
        <h2 class="title">{Log.typeOf(event)}</h2>
        <p class="detail-line">
          <Verdict verdict={event.verdict} />
          <time class="number muted" dateTime={new Date(event.receivedAt).toISOString()}>
            {dateTime(event.receivedAt)}
          </time>
          {event.library === "" ? null : <span class="muted">{event.library}</span>}
        </p>
      </header>
      <Why event={event} />
      <nav class="links" aria-label="About this event">
        <a href={href("requests", [event.request])}>Request {event.request}</a>
        {user === "" ? null : <a href={href("users", [user])}>User {user}</a>}
        {detail?.previous === undefined ? null : (
          <a href={href("events", [detail.previous.id])}>
            Previous of this type, {duration(event.receivedAt - detail.previous.receivedAt)} before
          </a>
        )}
      </nav>
      <section>
        <div class="section-head">
          <h3 class="heading">As it was sent</h3>
          <div class="actions" role="group" aria-label="Copy the event">
            <span class="muted">Copy as</span>
            <CopyButton what="the event as JSON" text={() => Copies.json(event)}>JSON</CopyButton>
            <CopyButton what="a curl command" text={() => Copies.curl(event, location.origin)}>curl</CopyButton>
            <CopyButton what="a fixture" text={() => Copies.fixture(event)}>Fixture</CopyButton>
            <CopyButton what="a definition" text={() => Copies.define(event)}>Event.define</CopyButton>
          </div>
        </div>
        <Json label="The event as JSON" value={event.event} marks={marksOf(event)} />
      </section>
      {detail === undefined || detail.changes.length === 0 ? null : <Changes changes={detail.changes} />}
    </>
  )
}

/** Why the event was not kept, or what the service changed in it. */
const Why = ({ event }: { readonly event: ReceivedEvent }): JSX.Element | null => {
  const { alterations, because, of, reasons, verdict, violations } = event
  if (verdict === "kept" && alterations.length === 0 && violations.length === 0) {
    return null
  }
  return (
    <section class={`why panel is-${verdict}-panel`} aria-labelledby="why">
      <h3 id="why" class="heading">
        {verdict === "kept" ?
          "Kept, but not as it was meant" :
          verdict === "fault" && reasons.length > 1 ?
          `Why it was refused: ${plural(reasons.length, "fault")}` :
          verdict === "duplicate" ?
          "Why it was ignored" :
          "Why it was refused"}
      </h3>
      {reasons.map((reason, index) => <ReasonFacts key={index} reason={reason} />)}
      {reasons.length === 0 && verdict !== "kept" ?
        <p>{because === undefined || because === "" ? verdictMeanings[verdict] : because}</p> :
        null}
      {of === undefined ? null : (
        <p>
          The first one is <a href={href("events", [of])}>event {of}</a>.
        </p>
      )}
      {violations.length === 0 ?
        null :
        <Notes title="Against the tracking plan" notes={violations.map(({ path, wanted }) => [path, wanted])} />}
      {alterations.length === 0 ?
        null :
        <Notes title="Altered by the service" notes={alterations.map(({ path, what }) => [path, what])} />}
    </section>
  )
}

const ReasonFacts = ({ reason: { doc, fix, given, path, wanted } }: { readonly reason: Reason }): JSX.Element => (
  <dl class="facts reason">
    <dt>Field</dt>
    <dd>
      <code>{path}</code>
    </dd>
    <dt>Given</dt>
    <dd>
      <code>{brief(given, 300)}</code>
    </dd>
    <dt>Wanted</dt>
    <dd>{wanted}</dd>
    <dt>Fix</dt>
    <dd class="fix">{fix}</dd>
    <dt>Rule</dt>
    <dd class="muted">{doc}</dd>
  </dl>
)

const Notes = (
  { notes, title }: { readonly title: string; readonly notes: ReadonlyArray<readonly [path: string, note: string]> }
): JSX.Element => (
  <div>
    <h4 class="subheading">{title}</h4>
    <dl class="facts">
      {notes.map(([path, note], index) => (
        <Fragment key={index}>
          <dt>
            <code>{path}</code>
          </dt>
          <dd>{note}</dd>
        </Fragment>
      ))}
    </dl>
  </div>
)

const Changes = ({ changes }: { readonly changes: ReadonlyArray<Change> }): JSX.Element => (
  <section>
    <h3 class="heading">What it changed</h3>
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Changed properties">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Property</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ after, before, property }) => (
            <tr key={property}>
              <td>
                <code>{property}</code>
              </td>
              <td class="muted">
                <code>{before === undefined ? "not set" : brief(before, 200)}</code>
              </td>
              <td>
                <code>{after === undefined ? "not set" : brief(after, 200)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  </section>
)

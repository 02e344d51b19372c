/** The view of the requests as they were sent, with their answers. */
import type { JSX } from "preact"
import { bytes, count, dateTime, plural, timeOfDay } from "../format.js"
import { arrivals } from "../live.js"
import { CopyButton } from "../parts/Copy.js"
import { Json } from "../parts/Json.js"
import { Failure, useResource } from "../parts/Resource.js"
import { Split } from "../parts/Split.js"
import { href, route, segment } from "../router.js"
import type { RequestDetail, RequestSummary } from "../wire.js"
import { Facts } from "./Users.js"

/** The status as a number and a shape. */
export const Status = ({ status }: { readonly status: number }): JSX.Element => {
  const kind = status >= 200 && status < 300 ? "kept" : status === 0 || status >= 500 ? "injected" : "fault"
  return (
    <span class={`status is-${kind}`}>
      <svg class="icon" width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
        {kind === "kept" ? <path d="m1.5 5.2 2.4 2.4 4.6-5" /> : <path d="m2 2 6 6M8 2 2 8" />}
      </svg>
      {status === 0 ? "no answer" : status}
    </span>
  )
}

export const Requests = (): JSX.Element => {
  const [id] = route.value.path
  const { error, value } = useResource<{ readonly requests: ReadonlyArray<RequestSummary> }>(
    "/api/requests",
    arrivals,
    { limit: 200 }
  )
  return (
    <Split
      tab="requests"
      isOpen={id !== undefined}
      side={
        <>
          {error === undefined ? null : <Failure title="The requests could not be read" error={error} />}
          {value?.requests.length === 0 ?
            (
              <div class="empty">
                <h2>No requests yet</h2>
                <p>Every upload is listed here with its headers, its body, the answer, and what an SDK should do.</p>
              </div>
            ) :
            null}
          <ul class="items" role="list" aria-label="Requests, newest first">
            {value?.requests.map((request) => (
              <li key={request.id}>
                <a
                  class="item"
                  href={href("requests", [request.id])}
                  aria-current={request.id === id ? "true" : undefined}
                >
                  <span class="item-title ellipsis">
                    <Status status={request.status} /> <code>{request.path}</code>
                  </span>
                  <span class="item-end number muted">{timeOfDay(request.receivedAt)}</span>
                  <span class="item-line muted">
                    <span>{plural(request.events, "event")}</span>
                    <span>{bytes(request.bytes)}</span>
                    <span class="ellipsis">{request.library}</span>
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </>
      }
      main={id === undefined ?
        (
          <div class="empty">
            <h2>Open a request</h2>
            <p>You see it as it was sent, how it was answered, and whether its events came again.</p>
          </div>
        ) :
        <Detail key={id} id={id} />}
    />
  )
}

/** The most characters of a body that are shown. */
const shownBody = 100_000

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const Body = ({ label, text }: { readonly label: string; readonly text: string }): JSX.Element => {
  const value = text.length > shownBody ? undefined : parsed(text)
  return text === "" ? <p class="muted">Empty.</p> : typeof value === "object" && value !== null ?
    <Json label={label} value={value} /> :
    <pre class="code wrap" tabIndex={0} role="group" aria-label={label}>{text.slice(0, shownBody)}</pre>
}

const Headers = (
  { headers, label }: { readonly label: string; readonly headers: { readonly [name: string]: string } }
): JSX.Element => (
  <details>
    <summary>{label}</summary>
    <dl class="facts mono">
      {Object.entries(headers).map(([name, value]) => (
        <div class="fact" key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  </details>
)

const Detail = ({ id }: { readonly id: string }): JSX.Element => {
  const { error, value: request } = useResource<RequestDetail>(`/api/requests/${segment(id)}`, arrivals)
  return request === undefined ?
    <>{error === undefined ? null : <Failure title="This request is not here" error={error} />}</> :
    (
      <>
        <header class="detail-head">
          <h2 class="title">
            <Status status={request.status} /> <code>{request.path}</code>
          </h2>
          <Facts
            facts={[
              ["Received", dateTime(request.receivedAt)],
              ["Events", count(request.events)],
              ["Body", bytes(request.bytes)],
              ["Library", request.library === "" ? "not named" : request.library]
            ]}
          />
        </header>
        <section class="why panel">
          <h3 class="heading">What an SDK should do now</h3>
          <p>{request.advice}</p>
          {request.resends.length === 0 ? null : (
            <p>
              Its events came again in {request.resends.map((other, index) => (
                <>
                  {index === 0 ? "" : ", "}
                  <a href={href("requests", [other])}>request {other}</a>
                </>
              ))}.
            </p>
          )}
        </section>
        <section>
          <h3 class="heading">Answer</h3>
          <Body label="The body of the answer" text={request.answer.body} />
          <Headers label="Headers of the answer" headers={request.answer.headers} />
        </section>
        <section>
          <div class="section-head">
            <h3 class="heading">As it was sent</h3>
            <div class="actions">
              <CopyButton what="a curl command" text={() => request.curl}>Copy as curl</CopyButton>
            </div>
          </div>
          <Body label="The body of the request" text={request.body} />
          <Headers label="Headers of the request" headers={request.headers} />
        </section>
      </>
    )
}

/** The view of the faults, and of the returns of the events that they refused. */
import { useSignal } from "@preact/signals"
import { Fragment, type JSX } from "preact"
import * as FaultControl from "../faults.js"
import { count, duration, percent, timeOfDay } from "../format.js"
import { armed, arrivals } from "../live.js"
import { useResource } from "../parts/Resource.js"
import { href, route } from "../router.js"
import type { Delivery, Fault, UserSummary } from "../wire.js"

interface Choice {
  readonly title: string
  readonly text: string
  readonly fault: Fault
}

const choices: ReadonlyArray<Choice> = [
  {
    title: "503 for the next 3",
    text: "The service is unavailable. An SDK should wait and send again.",
    fault: { answer: { status: 503 }, times: 3 }
  },
  {
    title: "413 once",
    text: "The payload is too large. An SDK should send smaller batches.",
    fault: { answer: { status: 413, body: { code: 413, error: "Payload too large" } }, times: 1 }
  },
  {
    title: "Timeout once",
    text: "No answer comes. An SDK should give up waiting and send again.",
    fault: { answer: "timeout", times: 1 }
  },
  {
    title: "Reset once",
    text: "The connection breaks. An SDK should send again.",
    fault: { answer: "reset", times: 1 }
  },
  {
    title: "503 for a share of 10 %",
    text: "One request in ten fails, until you stop it.",
    fault: { answer: { status: 503 }, share: 0.1 }
  }
]

const throttleMillis = 30_000

export const Faults = (): JSX.Element => (
  <div class="page">
    <h1 class="title">Faults</h1>
    <p class="lead muted">
      Make the server fail on purpose, and see whether your program delivers all the same. Nothing is lost: a refused
      event is listed as injected.
    </p>
    <div class="cards">
      {choices.map(({ fault, text, title }) => (
        <button
          type="button"
          key={title}
          class="card"
          onClick={() => FaultControl.inject(fault)}
        >
          <span class="card-title">{title}</span>
          <span class="muted">{text}</span>
        </button>
      ))}
      <Throttle />
    </div>
    <Armed />
    <Deliveries deliveries={armed.value.deliveries} />
  </div>
)

/** The fault for one user, with a field for the id. */
const Throttle = (): JSX.Element => {
  const { value } = useResource<{ readonly users: ReadonlyArray<UserSummary> }>("/api/users", arrivals)
  const user = useSignal(route.value.query.get("user") ?? "")
  return (
    <form
      class="card"
      onSubmit={(submit) => {
        submit.preventDefault()
        // the id can be that of a user or of a device
        const throttled = { [user.value]: 31 }
        FaultControl.inject({
          answer: {
            status: 429,
            body: {
              code: 429,
              error: "Too many requests for some devices and users",
              eps_threshold: 30,
              throttled_users: throttled,
              throttled_devices: throttled
            }
          },
          user: user.value,
          forMs: throttleMillis
        })
      }}
    >
      <label class="card-title" for="throttled">429 for a user for 30 s</label>
      <span class="muted">The user sends too much. An SDK should hold back this user only.</span>
      <span class="card-row">
        <input
          id="throttled"
          class="field"
          list="known-users"
          placeholder="User id"
          autocomplete="off"
          required
          value={user.value}
          onInput={({ currentTarget }) => user.value = currentTarget.value}
        />
        <button type="submit" class="button">Switch on</button>
      </span>
      <datalist id="known-users">
        {value?.users.slice(0, 100).map(({ id }) => <option key={id} value={id} />)}
      </datalist>
    </form>
  )
}

const Armed = (): JSX.Element | null => {
  const { faults } = armed.value
  return faults.length === 0 ? null : (
    <section>
      <div class="section-head">
        <h2 class="heading">Switched on</h2>
        {faults.some((fault) => fault.armed) ?
          <button type="button" class="button" onClick={FaultControl.stopAll}>Stop all</button> :
          null}
      </div>
      <ul class="lines panel" role="list">
        {faults.map((fault) => (
          <li key={fault.id}>
            <span>{FaultControl.describe(fault)}</span>
            <span class="muted number">fired {count(fault.fired)} ×</span>
            <span class={fault.armed ? "is-injected" : "muted"}>{fault.armed ? "on" : "over"}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

interface Fate {
  readonly word: string
  readonly kind: "kept" | "refused" | "fault"
}

/** The outcome of a refused event. It should come back once: a second return is a fault of the SDK. */
const fateOf = ({ refusedAt, returns }: Delivery): Fate => {
  const [first] = returns
  return first === undefined ?
    { word: "never came back", kind: "fault" } :
    returns.length > 1 ?
    { word: `came back ${returns.length} times`, kind: "refused" } :
    { word: `came back after ${duration(first.at - refusedAt)}`, kind: "kept" }
}

const shownDeliveries = 500

const Deliveries = ({ deliveries }: { readonly deliveries: ReadonlyArray<Delivery> }): JSX.Element => {
  const fates = deliveries.map(fateOf)
  const numberOf = (kind: Fate["kind"]): number => fates.filter((fate) => fate.kind === kind).length
  return (
    <section>
      <h2 class="heading">Delivery</h2>
      {deliveries.length === 0 ?
        (
          <p class="muted">
            When a fault refuses events, you see here which of them came back, after how long, twice, or never.
          </p>
        ) :
        (
          <>
            <dl class="tiles">
              {([["Came back once", "kept"], ["Came back again and again", "refused"], [
                "Never came back",
                "fault"
              ]] as const)
                .map(([name, kind]) => (
                  <div key={kind}>
                    <dt>{name}</dt>
                    <dd class="number">
                      {count(numberOf(kind))} <span class="muted">{percent(numberOf(kind) / deliveries.length)}</span>
                    </dd>
                  </div>
                ))}
            </dl>
            <div class="scroll-x" tabIndex={0} role="group" aria-label="Events that a fault refused">
              <table class="table">
                <thead>
                  <tr>
                    <th scope="col">insert_id</th>
                    <th scope="col">Refused at</th>
                    <th scope="col">Then</th>
                    <th scope="col">Events</th>
                  </tr>
                </thead>
                <tbody>
                  {deliveries.slice(0, shownDeliveries).map((delivery, index) => (
                    <tr key={`${delivery.event} ${delivery.insertId}`}>
                      <td class="wrap">
                        <code>{delivery.insertId}</code>
                      </td>
                      <td class="number">
                        <a href={href("events", [delivery.event])}>{timeOfDay(delivery.refusedAt)}</a>
                      </td>
                      <td class={`is-${fates[index]!.kind}`}>{fates[index]!.word}</td>
                      <td>
                        {delivery.returns.map(({ at, event }, place) => (
                          <Fragment key={event}>
                            {place === 0 ? "" : ", "}
                            <a class="number" href={href("events", [event])}>{timeOfDay(at)}</a>
                          </Fragment>
                        ))}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </>
        )}
    </section>
  )
}

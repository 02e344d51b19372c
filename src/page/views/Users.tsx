/** The view of the users and groups, with the properties that the service would hold. */
import type { ComponentChildren, JSX } from "preact"
import * as Filter from "../filter.js"
import { brief, count, dateTime, inline, plural, timeOfDay } from "../format.js"
import { arrivals } from "../live.js"
import * as Log from "../log.js"
import { Failure, useResource } from "../parts/Resource.js"
import { Split } from "../parts/Split.js"
import { Verdict } from "../parts/Verdict.js"
import { href, route, segment } from "../router.js"
import type { GroupDetail, GroupSummary, Property, UserDetail, UserSummary } from "../wire.js"

const groupMark = "group"

export const Users = (): JSX.Element => {
  const [first, type, name] = route.value.path
  const users = useResource<{ readonly users: ReadonlyArray<UserSummary> }>("/api/users", arrivals)
  const groups = useResource<{ readonly groups: ReadonlyArray<GroupSummary> }>("/api/groups", arrivals)
  const isGroup = first === groupMark && type !== undefined && name !== undefined
  return (
    <Split
      tab="users"
      isOpen={first !== undefined}
      side={
        <>
          {users.error === undefined ? null : <Failure title="The users could not be read" error={users.error} />}
          {users.value?.users.length === 0 ?
            (
              <div class="empty">
                <h2>No users yet</h2>
                <p>Every user and device that sends an event is listed here with its properties and sessions.</p>
              </div>
            ) :
            null}
          <ul class="items" role="list" aria-label="Users">
            {users.value?.users.map((user) => (
              <li key={user.id}>
                <a
                  class="item"
                  href={href("users", [user.id])}
                  aria-current={!isGroup && user.id === first ? "true" : undefined}
                >
                  <span class="item-title ellipsis">{user.id}</span>
                  <span class="item-end number muted">{timeOfDay(user.lastSeen)}</span>
                  <span class="item-line muted">
                    {plural(user.events, "event")}
                    {user.notKept === 0 ? null : <span class="is-fault">{count(user.notKept)} not kept</span>}
                    {user.revenue === 0 ? null : <span>revenue {money(user.revenue)}</span>}
                  </span>
                </a>
              </li>
            ))}
          </ul>
          {groups.value === undefined || groups.value.groups.length === 0 ? null : (
            <>
              <h2 class="side-heading">Groups</h2>
              <ul class="items" role="list" aria-label="Groups">
                {groups.value.groups.map((group) => (
                  <li key={JSON.stringify([group.type, group.name])}>
                    <a
                      class="item"
                      href={href("users", [groupMark, group.type, group.name])}
                      aria-current={isGroup && group.type === type && group.name === name ? "true" : undefined}
                    >
                      <span class="item-title ellipsis">{group.name}</span>
                      <span class="item-end muted">{group.type}</span>
                      <span class="item-line muted">{plural(group.events, "event")}</span>
                    </a>
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      }
      main={isGroup ?
        <Group key={`${type} ${name}`} type={type} name={name} /> :
        first === undefined ?
        (
          <div class="empty">
            <h2>Open a user</h2>
            <p>You see the properties that the service would hold, the event that set each, and the sessions.</p>
          </div>
        ) :
        <User key={first} id={first} />}
    />
  )
}

const money = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 2 })

const User = ({ id }: { readonly id: string }): JSX.Element => {
  const { error, value: user } = useResource<UserDetail>(`/api/users/${segment(id)}`, arrivals)
  return user === undefined ?
    <>{error === undefined ? null : <Failure title="This user is not here" error={error} />}</> :
    (
      <>
        <header class="detail-head">
          <h2 class="title">{user.id}</h2>
          <Facts
            facts={[
              [
                "Events",
                <a href={href("events", [], { q: `user:${Filter.quote(user.id)}` })}>{count(user.events)}</a>
              ],
              ["First seen", dateTime(user.firstSeen)],
              ["Last seen", dateTime(user.lastSeen)],
              ["Revenue", money(user.revenue)]
            ]}
          />
        </header>
        <Properties title="User properties" properties={user.properties} />
        <section>
          <h3 class="heading">Sessions</h3>
          {user.sessions.map(({ events, id: session }, index) => (
            <section class="session" key={index}>
              <h4 class="subheading">
                {session === undefined || session === -1 ? "Outside a session" : `Session ${dateTime(session)}`}
              </h4>
              <ol class="timeline">
                {events.map((event) => (
                  <li key={event.id}>
                    <a href={href("events", [event.id])}>
                      <span class="number muted">{timeOfDay(event.receivedAt)}</span>
                      <Verdict verdict={event.verdict} />
                      <span class="ellipsis">{Log.typeOf(event)}</span>
                    </a>
                  </li>
                ))}
              </ol>
            </section>
          ))}
        </section>
      </>
    )
}

const Group = ({ name, type }: { readonly type: string; readonly name: string }): JSX.Element => {
  const { error, value: group } = useResource<GroupDetail>(
    `/api/groups/${segment(type)}/${segment(name)}`,
    arrivals
  )
  return group === undefined ?
    <>{error === undefined ? null : <Failure title="This group is not here" error={error} />}</> :
    (
      <>
        <header class="detail-head">
          <h2 class="title">{group.name}</h2>
          <p class="muted">{group.type} · {plural(group.events, "event")}</p>
        </header>
        <Properties title="Group properties" properties={group.properties} />
      </>
    )
}

export const Facts = (
  { facts }: { readonly facts: ReadonlyArray<readonly [name: string, value: ComponentChildren]> }
): JSX.Element => (
  <dl class="tiles">
    {facts.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd class="number">{value}</dd>
      </div>
    ))}
  </dl>
)

const Properties = (
  { properties, title }: { readonly title: string; readonly properties: ReadonlyArray<Property> }
): JSX.Element => (
  <section>
    <h3 class="heading">{title}</h3>
    {properties.length === 0 ?
      <p class="muted">None is set.</p> :
      (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={title}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Value</th>
                <th scope="col">Set by</th>
              </tr>
            </thead>
            <tbody>
              {properties.map(({ at, event, name, value }) => (
                <tr key={name}>
                  <td>
                    <code>{name}</code>
                  </td>
                  <td class="wrap">
                    <code title={inline(value)}>{brief(value, 200)}</code>
                  </td>
                  <td class="number">
                    <a href={href("events", [event])}>{timeOfDay(at)}</a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
  </section>
)

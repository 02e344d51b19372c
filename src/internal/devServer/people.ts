/** Makes the answers about users and groups. */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Predicate from "effect/Predicate"
import { groupBy } from "./groupBy.js"
import { userOf } from "./matching.js"
import type * as Model from "./model.js"
import { finite, groupKey, type Project, type Someone } from "./project.js"
import type { Properties } from "./properties.js"

const propertiesOf = (properties: Properties): ReadonlyArray<typeof Model.Property.Type> =>
  Arr.map(Arr.fromIterable(properties), ([name, property]) => ({ name, ...property }))

/** A user or group of one project, or of several projects together. */
type Seen = Omit<Someone, "updates">

/** The properties that were set last win. */
const newest = (self: Properties, that: Properties): Properties =>
  new Map([...self, ...Arr.filter(Arr.fromIterable(that), ([name, { at }]) => at >= (self.get(name)?.at ?? at))])

const together = (self: Seen, that: Seen): Seen => ({
  events: self.events + that.events,
  notKept: self.notKept + that.notKept,
  firstSeen: Math.min(self.firstSeen, that.firstSeen),
  lastSeen: Math.max(self.lastSeen, that.lastSeen),
  revenue: finite(self.revenue + that.revenue),
  properties: newest(self.properties, that.properties)
})

/** Those of several projects that have the same key are one. */
const joined = <A extends Seen>(maps: ReadonlyArray<ReadonlyMap<string, A>>): ReadonlyMap<string, A> => {
  const all = new Map<string, A>()
  for (const [key, one] of maps.flatMap((map) => [...map])) {
    const known = all.get(key)
    all.set(key, known === undefined ? one : { ...one, ...together(known, one) })
  }
  return all
}

const userSummary = (
  id: string,
  { events, firstSeen, lastSeen, notKept, revenue }: Seen
): typeof Model.UserSummary.Type => ({ id, events, notKept, firstSeen, lastSeen, revenue })

/** The users of projects, the last seen first. */
export const usersOf = (projects: ReadonlyArray<Project>): typeof Model.UserList.Type => ({
  users: Arr.sort(
    Arr.map(Arr.fromIterable(joined(projects.map(({ users }) => users))), ([id, user]) => userSummary(id, user)),
    Order.reverse(Order.mapInput(Order.number, (user: typeof Model.UserSummary.Type) => user.lastSeen))
  )
})

const find = <A extends Seen>(maps: ReadonlyArray<ReadonlyMap<string, A>>, key: string): Option.Option<A> =>
  Option.fromNullable(
    joined(maps.map((map) => {
      const found = map.get(key)
      return new Map(found === undefined ? [] : [[key, found]])
    })).get(key)
  )

/** A user of projects. `events` are all events of the projects, oldest first. */
export const userDetail = (
  projects: ReadonlyArray<Project>,
  id: string,
  events: Iterable<typeof Model.ReceivedEvent.Type>
): Option.Option<typeof Model.UserDetail.Type> =>
  Option.map(find(projects.map(({ users }) => users), id), (user) => {
    const sessions = groupBy(
      Arr.filter(Arr.fromIterable(events), ({ event }) => userOf(event) === id),
      ({ event }) => Predicate.isNumber(event.session_id) && event.session_id >= 0 ? event.session_id : undefined
    )
    return {
      ...userSummary(id, user),
      properties: propertiesOf(user.properties),
      sessions: Arr.map(Arr.fromIterable(sessions), ([session, events]) => ({
        ...(session === undefined ? {} : { id: session }),
        events
      }))
    }
  })

/** The groups of projects. */
export const groupsOf = (projects: ReadonlyArray<Project>): typeof Model.GroupList.Type => ({
  groups: Arr.fromIterable(joined(projects.map(({ groups }) => groups)).values())
    .map(({ events, name, type }) => ({ events, name, type }))
})

/** A group of projects. */
export const groupDetail = (
  projects: ReadonlyArray<Project>,
  type: string,
  name: string
): Option.Option<typeof Model.GroupDetail.Type> =>
  Option.map(
    find(projects.map(({ groups }) => groups), groupKey(type, name)),
    ({ events, properties }) => ({ type, name, events, properties: propertiesOf(properties) })
  )

/** Makes the answers about users and groups. */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Predicate from "effect/Predicate"
import { groupBy } from "./groupBy.js"
import { userOf } from "./matching.js"
import type * as Model from "./model.js"
import { groupKey, type Project, type Someone } from "./project.js"
import type { Properties } from "./properties.js"

const propertiesOf = (properties: Properties): ReadonlyArray<typeof Model.Property.Type> =>
  Arr.map(Arr.fromIterable(properties), ([name, property]) => ({ name, ...property }))

const userSummary = (
  id: string,
  { events, firstSeen, lastSeen, notKept, revenue }: Someone
): typeof Model.UserSummary.Type => ({ id, events, notKept, firstSeen, lastSeen, revenue })

/** The users of projects, the last seen first. */
export const usersOf = (projects: ReadonlyArray<Project>): typeof Model.UserList.Type => ({
  users: Arr.sort(
    projects.flatMap(({ users }) => Arr.map(Arr.fromIterable(users), ([id, user]) => userSummary(id, user))),
    Order.reverse(Order.mapInput(Order.number, (user: typeof Model.UserSummary.Type) => user.lastSeen))
  )
})

/** A user of a project. `events` are all events of the project, oldest first. */
export const userDetail = (
  { users }: Project,
  id: string,
  events: Iterable<typeof Model.ReceivedEvent.Type>
): Option.Option<typeof Model.UserDetail.Type> =>
  Option.map(Option.fromNullable(users.get(id)), (user) => {
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
  groups: projects.flatMap(({ groups }) =>
    Arr.fromIterable(groups.values()).map(({ events, name, type }) => ({ events, name, type }))
  )
})

/** A group of the first project that has it. */
export const groupDetail = (
  projects: ReadonlyArray<Project>,
  type: string,
  name: string
): Option.Option<typeof Model.GroupDetail.Type> =>
  Option.map(
    Arr.findFirst(projects, ({ groups }) => Option.fromNullable(groups.get(groupKey(type, name)))),
    ({ events, properties }) => ({ type, name, events, properties: propertiesOf(properties) })
  )

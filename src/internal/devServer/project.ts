/** The counts, users and groups of one API key. */
import * as Arr from "effect/Array"
import * as Predicate from "effect/Predicate"
import { getOrPut } from "./boundedMap.js"
import type { JsonObject } from "./jsonObject.js"
import { userOf } from "./matching.js"
import type * as Model from "./model.js"
import * as Properties from "./properties.js"

/** The number of events by verdict. */
export type Counts = { -readonly [verdict in typeof Model.Verdict.Type]: number }

/** A user or group. */
export interface Someone {
  events: number
  notKept: number
  readonly firstSeen: number
  lastSeen: number
  revenue: number
  readonly properties: Properties.Properties
  /** The number of property updates, by minute. */
  readonly updates: Map<number, number>
}

/** A group by its type and name. */
export interface Group extends Someone {
  readonly type: string
  readonly name: string
}

/** The counts, users and groups of one API key. */
export interface Project {
  readonly counts: Counts
  readonly types: Map<string, number>
  readonly libraries: Map<string, number>
  readonly seconds: Map<number, Counts>
  readonly users: Map<string, Someone>
  readonly groups: Map<string, Group>
}

/** An event with its verdict. */
export interface Judged {
  readonly id: string
  readonly event: JsonObject
  readonly library: string
  readonly receivedAt: number
  readonly verdict: typeof Model.Verdict.Type
  /** The event as the service keeps it, or undefined if it is not kept. */
  readonly kept: JsonObject | undefined
}

/** The number of seconds that have their own counts. */
export const secondsShown = 300

/** The minutes of the limit on property updates. */
const minutesOfUpdates = 60

const maxUsers = 10_000
const maxNames = 1000

/** Counts of zero. */
export const noCounts = (): Counts => ({ kept: 0, fault: 0, refused: 0, duplicate: 0, injected: 0 })

/** A project without events. */
export const make = (): Project => ({
  counts: noCounts(),
  types: new Map(),
  libraries: new Map(),
  seconds: new Map(),
  users: new Map(),
  groups: new Map()
})

const someone = (now: number): Someone => ({
  events: 0,
  notKept: 0,
  firstSeen: now,
  lastSeen: now,
  revenue: 0,
  properties: new Map(),
  updates: new Map()
})

/** The key of a group in the map `groups`. */
export const groupKey = (type: string, name: string): string => JSON.stringify([type, name])

/** A number that JSON can hold. */
export const finite = (value: number): number => Math.max(-Number.MAX_VALUE, Math.min(value, Number.MAX_VALUE))

/** The revenue of an event. Price and quantity win when all three are sent. */
const revenueOf = (event: JsonObject): number => {
  const properties = Predicate.isRecord(event.event_properties) ? event.event_properties : {}
  const [price, quantity, revenue] = amounts.map((name) => numberOf(event[name], properties[`$${name}`]))
  return finite(
    price !== undefined && (revenue === undefined || quantity !== undefined) ? price * (quantity ?? 1) : revenue ?? 0
  )
}

const amounts = ["price", "quantity", "revenue"] as const

const numberOf = (field: unknown, property: unknown): number | undefined =>
  Predicate.isNumber(field) ? field : Predicate.isNumber(property) ? property : undefined

const count = (counts: Map<string, number>, name: string): void => {
  if (counts.has(name) || counts.size < maxNames) {
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
}

/** Counts events of one verdict together. */
export const countMany = (project: Project, verdict: Judged["verdict"], at: number, events: number): void => {
  project.counts[verdict] += events
  getOrPut(project.seconds, at - at % 1000, noCounts, secondsShown)[verdict] += events
}

/** Adds an event. The result holds the properties that it changed. */
export const observe = (project: Project, judged: Judged): ReadonlyArray<typeof Model.Change.Type> => {
  const { event, kept, library, receivedAt, verdict } = judged
  countMany(project, verdict, receivedAt, 1)
  count(project.types, Predicate.isString(event.event_type) ? event.event_type : "")
  count(project.libraries, library)
  const ofUser = observeUser(project, judged)
  const ofGroups = kept !== undefined && Predicate.isRecord(kept.groups) ?
    observeGroups(project, kept, kept.groups, judged) :
    noChanges
  return ofUser.length === 0 ? ofGroups : ofGroups.length === 0 ? ofUser : [...ofUser, ...ofGroups]
}

type Changes = ReadonlyArray<typeof Model.Change.Type>

const noChanges: Changes = []

const observeUser = (project: Project, { event, id, kept, receivedAt }: Judged): Changes => {
  const name = userOf(event)
  if (name === "") {
    return noChanges
  }
  const user = getOrPut(project.users, name, () => someone(receivedAt), maxUsers)
  user.lastSeen = receivedAt
  user.events++
  if (kept === undefined) {
    user.notKept++
    return noChanges
  }
  user.revenue = finite(user.revenue + revenueOf(kept))
  if (kept.user_properties === undefined) {
    return noChanges
  }
  const minute = Math.floor(receivedAt / 60_000)
  getOrPut(user.updates, minute, () => 0, minutesOfUpdates)
  user.updates.set(minute, (user.updates.get(minute) ?? 0) + 1)
  return Properties.apply(user.properties, kept.user_properties, id, receivedAt)
}

const observeGroups = (
  project: Project,
  kept: JsonObject,
  groups: JsonObject,
  { id, receivedAt }: Judged
): Changes =>
  Object.entries(groups).flatMap(([type, names]) =>
    Arr.ensure(names).filter(Predicate.isString).flatMap((name) => {
      const group = getOrPut(
        project.groups,
        groupKey(type, name),
        () => ({ ...someone(receivedAt), type, name }),
        maxUsers
      )
      group.lastSeen = receivedAt
      group.events++
      return kept.event_type === "$groupidentify" ?
        Properties.apply(group.properties, kept.group_properties, id, receivedAt) :
        noChanges
    })
  )

/** The number of property updates of a user within the last hour. */
export const updatesOf = ({ updates }: Someone, now: number): number => {
  const first = Math.floor(now / 60_000) - minutesOfUpdates
  return Arr.fromIterable(updates).reduce((sum, [minute, count]) => minute > first ? sum + count : sum, 0)
}

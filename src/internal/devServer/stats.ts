/** Makes the statistics of projects. */
import * as Arr from "effect/Array"
import * as Order from "effect/Order"
import { getOrPut } from "./boundedMap.js"
import type * as Model from "./model.js"
import * as Project from "./project.js"
import type { Usage } from "./traffic.js"

const add = (to: Project.Counts, from: Project.Counts): void => {
  to.kept += from.kept
  to.fault += from.fault
  to.refused += from.refused
  to.duplicate += from.duplicate
  to.injected += from.injected
}

const addAll = (to: Map<string, number>, from: ReadonlyMap<string, number>): void =>
  from.forEach((count, name) => to.set(name, (to.get(name) ?? 0) + count))

const limitsOf = ({ eventsPerDay, eventsPerSecond, id, path }: Usage): ReadonlyArray<typeof Model.Limit.Type> =>
  path === "/batch" ?
    [
      { user: id, limit: "events per second, Batch", used: eventsPerSecond, of: 1000 },
      { user: id, limit: "events per day, Batch", used: eventsPerDay, of: 500_000 }
    ] :
    [{ user: id, limit: "events per second, HTTP V2", used: eventsPerSecond, of: 30 }]

const updatesOf = (projects: ReadonlyArray<Project.Project>, now: number): ReadonlyArray<typeof Model.Limit.Type> =>
  projects.flatMap(({ users }) =>
    Arr.fromIterable(users).flatMap(([user, someone]) => {
      const used = Project.updatesOf(someone, now)
      return used === 0 ? [] : [{ user, limit: "property updates per hour", used, of: 1800 }]
    })
  )

/** The counts of projects, and the users with their use of the limits. */
export const statsOf = (
  projects: ReadonlyArray<Project.Project>,
  usages: ReadonlyArray<Usage>,
  now: number
): Omit<typeof Model.Stats.Type, "last"> => {
  const verdicts = Project.noCounts()
  const seconds = new Map<number, Project.Counts>()
  const types = new Map<string, number>()
  const libraries = new Map<string, number>()
  for (const project of projects) {
    add(verdicts, project.counts)
    project.seconds.forEach((counts, at) => {
      if (at > now - Project.secondsShown * 1000) {
        add(getOrPut(seconds, at, Project.noCounts, Project.secondsShown), counts)
      }
    })
    addAll(types, project.types)
    addAll(libraries, project.libraries)
  }
  return {
    verdicts,
    types: Object.fromEntries(types),
    libraries: Object.fromEntries(libraries),
    seconds: Arr.sort(
      Arr.map(Arr.fromIterable(seconds), ([at, counts]) => ({ ...counts, at })),
      Order.mapInput(Order.number, (second: { readonly at: number }) => second.at)
    ),
    limits: [...usages.flatMap(limitsOf), ...updatesOf(projects, now)]
  }
}

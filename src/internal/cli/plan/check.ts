/** Checks events against a plan. */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import { validationIssueOf } from "../../event/schemaIssue.js"
import { join, kindOf } from "../../event/validationIssue.js"
import type { Fields } from "../input.js"
import type { Plan } from "./model.js"
import { isSpecial, toSchema } from "./model.js"

export interface Violation {
  readonly event: string
  readonly path: string
  readonly expected: string
  readonly actual: string
}

interface Check {
  readonly isRequired: boolean
  readonly expected: (value: unknown) => ReadonlyArray<Omit<Violation, "event">>
}

/** Finds every violation of an event. */
export type Checker = (event: Fields) => ReadonlyArray<Violation>

export const make = (plan: Plan): Checker => {
  const events = new Map([...plan].map(([name, event]) => [name, {
    isOpen: event.isOpen,
    checks: new Map([...event.properties].map(([property, { isRequired, type }]): [string, Check] => {
      const validate = ParseResult.validateEither(toSchema(type), { onExcessProperty: "error", exact: true })
      const path = join("event_properties", [property])
      return [property, {
        isRequired,
        expected: (value) =>
          Either.match(validate(value), {
            onLeft: (issue) => {
              const { actual, expected, path: found } = validationIssueOf(issue, path)
              return [{ path: found, expected, actual }]
            },
            onRight: () => []
          })
      }]
    }))
  }]))
  return (event) => {
    const { event_properties, event_type } = event
    if (typeof event_type !== "string") return []
    const planned = events.get(event_type)
    if (planned === undefined) {
      return isSpecial(event_type) ? [] : [{
        event: event_type,
        path: "event_type",
        expected: "an event of the plan",
        actual: "an event that is not in it"
      }]
    }
    const properties = Predicate.isRecord(event_properties) ? event_properties as Fields : {}
    const violations: Array<Omit<Violation, "event">> = []
    for (const [name, { expected, isRequired }] of planned.checks) {
      if (Object.hasOwn(properties, name)) violations.push(...expected(properties[name]))
      else if (isRequired) {
        violations.push({ path: join("event_properties", [name]), expected: "a value", actual: "nothing" })
      }
    }
    if (!planned.isOpen) {
      for (const name of Object.keys(properties)) {
        if (!planned.checks.has(name)) {
          violations.push({
            path: join("event_properties", [name]),
            expected: "no such property",
            actual: kindOf(properties[name])
          })
        }
      }
    }
    return violations.map((violation) => ({ event: event_type, ...violation }))
  }
}

/** The commands `plan generate` and `plan check`. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import type { CliFailure } from "./failure.js"
import { atFault, failed, reasonOfWriting } from "./failure.js"
import type { InputOptions } from "./input.js"
import type { Violation } from "./plan/check.js"
import * as Check from "./plan/check.js"
import { toCode } from "./plan/code.js"
import { eventsIn, planOf, readPlan } from "./plan/source.js"
import { count, counted, errLine, onStdout, out, outJson, outLine, table } from "./terminal.js"

export interface GenerateOptions extends InputOptions {
  readonly source: string
  readonly out: string | undefined
}

export const generate = (options: GenerateOptions): Effect.Effect<void, CliFailure> =>
  Effect.gen(function*() {
    const plan = yield* planOf(options.source, options)
    const code = toCode(plan)
    const path = options.out
    if (path === undefined) return yield* out(code)
    const before = Either.getOrElse(Either.try(() => Fs.readFileSync(path, "utf8")), () => undefined)
    if (before === code) return yield* errLine(`${path}: ${counted(plan.size, "event")}, nothing has changed`)
    yield* Effect.try({
      try: () => Fs.writeFileSync(path, code),
      catch: (error) => failed(`${path}: ${reasonOfWriting(error)}`)
    })
    yield* errLine(`${path}: ${counted(plan.size, "event")} written`)
  })

export interface CheckOptions extends InputOptions {
  readonly plan: string
  readonly source: string
  readonly json: boolean
}

interface Kind {
  readonly violation: Violation
  events: number
  readonly line: number
}

const maxKinds = 1000

export const check = (options: CheckOptions): Effect.Effect<void, CliFailure> =>
  Effect.gen(function*() {
    const plan = yield* readPlan(options.plan)
    const violationsOf = Check.make(plan)
    const records = yield* eventsIn(options.source, options)
    const kinds = new Map<string, Kind>()
    const unseen = new Set(plan.keys())
    let events = 0
    let dropped = 0
    yield* Stream.runForEach(records, (records) =>
      Effect.gen(function*() {
        for (const { event, line } of records) {
          if (Either.isLeft(event)) return yield* failed(`${options.source}: line ${line}: ${event.left}`)
          events += 1
          unseen.delete(String(event.right["event_type"]))
          for (const violation of violationsOf(event.right)) {
            const key = JSON.stringify(violation)
            const kind = kinds.get(key)
            if (kind !== undefined) kind.events += 1
            else if (kinds.size < maxKinds) kinds.set(key, { violation, events: 1, line })
            else dropped += 1
          }
        }
      }))
    const sorted = [...kinds.values()].sort((a, b) => b.events - a.events)
    yield* options.json
      ? outJson({
        events,
        violations: sorted.map(({ events, line, violation }) => ({ ...violation, events, firstLine: line })),
        others: dropped,
        unseen: [...unseen]
      })
      : show(sorted, dropped, events, [...unseen])
    if (kinds.size > 0) return yield* atFault
  })

const show = (
  kinds: ReadonlyArray<Kind>,
  dropped: number,
  events: number,
  unseen: ReadonlyArray<string>
): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (kinds.length > 0) {
      yield* outLine(table(
        ["events", "event", "property", "expected", "found", "first line"],
        kinds.map(({ events, line, violation: { actual, event, expected, path } }) => [
          count(events),
          event,
          path.replace(/^event_properties\.?/, ""),
          expected,
          actual,
          String(line)
        ]),
        ["right", "left", "left", "left", "left", "right"]
      ))
      if (dropped > 0) yield* outLine(`and ${counted(dropped, "other violation")}`)
      yield* outLine("")
    }
    if (unseen.length > 0) yield* outLine(`not observed: ${unseen.join(", ")}`)
    yield* outLine(
      kinds.length === 0
        ? `${counted(events, "event")}, ${onStdout("green", "all of the plan")}`
        : `${counted(events, "event")}, ${
          onStdout("red", counted(kinds.length, "kind of violation", "kinds of violations"))
        }`
    )
  })

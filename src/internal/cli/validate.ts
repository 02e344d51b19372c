/** The command `validate`: checks every line against the rules of the service and a tracking plan. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import * as Client from "./client.js"
import type { CliFailure } from "./failure.js"
import { atFault } from "./failure.js"
import type { InputOptions, InputRecord } from "./input.js"
import * as Inputs from "./input.js"
import * as Check from "./plan/check.js"
import { readPlan } from "./plan/source.js"
import type { Reason } from "./reasons.js"
import * as Reasons from "./reasons.js"
import { count, counted, onStdout, outJson, outLine, table, withoutStyles } from "./terminal.js"

export interface Options extends InputOptions {
  readonly files: ReadonlyArray<string>
  readonly plan: string | undefined
  readonly minIdLength: number | undefined
  readonly json: boolean
}

/** A kind of fault, with the lines that have it. */
interface Kind {
  readonly source: "service" | "plan"
  readonly event: string
  readonly reason: Reason
  lines: number
  readonly file: string
  readonly line: number
}

/** The most kinds of faults that are listed. Paths come from the events, so that there can be any number. */
const maxKinds = 1000

export const validate = (options: Options): Effect.Effect<void, CliFailure> =>
  Effect.gen(function*() {
    const check = options.plan === undefined ? undefined : Check.make(yield* readPlan(options.plan))
    const checker = yield* Client.makeChecker(options.minIdLength)
    const kinds = new Map<string, Kind>()
    let lines = 0
    let atFaultLines = 0
    for (const file of options.files) {
      const input = yield* Inputs.open(file, options)
      yield* Stream.runForEach(input.records(), (records) =>
        Effect.gen(function*() {
          for (const record of records) {
            lines += 1
            const found = yield* findingsOf(record, checker, check)
            if (found.length > 0) atFaultLines += 1
            for (const finding of found) addTo(kinds, finding, input.name, record.line)
          }
        }))
    }
    const sorted = [...kinds.values()].sort((a, b) => b.lines - a.lines)
    yield* options.json
      ? outJson({
        lines,
        atFault: atFaultLines,
        reasons: sorted.map(({ event, file, line, lines, reason, source }) => ({
          lines,
          source,
          event,
          ...reason,
          first: { file, line }
        }))
      })
      : show(sorted, lines, atFaultLines)
    if (atFaultLines > 0) return yield* atFault
  }).pipe(Effect.scoped)

interface Finding {
  readonly source: Kind["source"]
  readonly event: string
  readonly reason: Reason
}

const findingsOf = (
  { event }: InputRecord,
  checker: Client.Checker,
  check: Check.Checker | undefined
): Effect.Effect<ReadonlyArray<Finding>, CliFailure> =>
  Either.match(event, {
    onLeft: (fault): Effect.Effect<ReadonlyArray<Finding>> =>
      Effect.succeed([{ source: "service", event: "", reason: Reasons.unreadable(fault) }]),
    onRight: (event) => {
      const name = typeof event["event_type"] === "string" ? event["event_type"] : ""
      const ofPlan = (check?.(event) ?? []).map((violation): Finding => ({
        source: "plan",
        event: name,
        reason: Reasons.ofViolation(violation)
      }))
      return Effect.map(checker(event), (reasons) => [
        ...reasons.map((reason): Finding => ({ source: "service", event: name, reason })),
        ...ofPlan
      ])
    }
  })

const addTo = (kinds: Map<string, Kind>, { event, reason, source }: Finding, file: string, line: number): void => {
  const key = JSON.stringify([source, event, reason.path, reason.given, reason.wanted])
  const kind = kinds.get(key) ?? kinds.get(others)
  if (kind !== undefined) kind.lines += 1
  else if (kinds.size < maxKinds) kinds.set(key, { source, event, reason, lines: 1, file, line })
  else {
    kinds.set(others, {
      source: "service",
      event: "",
      reason: {
        path: "",
        given: "other faults",
        wanted: "",
        fix: "Correct those above, then validate again.",
        doc: ""
      },
      lines: 1,
      file,
      line
    })
  }
}

const others = "others"

const show = (kinds: ReadonlyArray<Kind>, lines: number, atFault: number): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (kinds.length > 0) {
      const [head = "", ...rows] = table(
        ["lines", "event", "reason", "first"],
        kinds.map(({ event, file, line, lines, reason }) => [
          count(lines),
          event,
          Reasons.inWords(reason),
          `${file}:${line}`
        ]),
        ["right"]
      ).split("\n")
      // the fix is below the reason, since few terminals are wide enough for both
      const margin = " ".repeat(withoutStyles(head).indexOf("reason"))
      yield* outLine(
        [head, ...rows.flatMap((row, index) => [row, margin + onStdout("dim", kinds[index]!.reason.fix)])].join("\n")
      )
      yield* outLine("")
    }
    yield* outLine(
      atFault === 0
        ? `${counted(lines, "line")}, ${onStdout("green", "none at fault")}`
        : `${counted(lines, "line")}, ${onStdout("red", `${count(atFault)} at fault`)}`
    )
  })

/** Reads a plan or events from the source of a command: the URL of a running server, or a file. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import { CliFailure, failed, fileFailure, reasonOf, usage } from "../failure.js"
import type { Fields, InputOptions, InputRecord } from "../input.js"
import * as Inputs from "../input.js"
import { fromCsv } from "./csv.js"
import { fromJson } from "./jsonSchema.js"
import type { Plan } from "./model.js"
import { Observer } from "./observe.js"

/** Reads a plan file: JSON, or a CSV file of Amplitude Data. */
export const readPlan = (path: string): Effect.Effect<Plan, CliFailure> =>
  Effect.flatMap(
    Effect.try({ try: () => Fs.readFileSync(path, "utf8"), catch: fileFailure(path) }),
    (text) => parsePlan(path, text)
  )

const parsePlan = (path: string, text: string): Effect.Effect<Plan, CliFailure> =>
  Effect.mapError(
    /^\s*[{[]/.test(text.replace(/^\ufeff/, ""))
      ? Either.flatMap(parseJson(text), fromJson)
      : fromCsv(text),
    (fault) => failed(`${path}: ${fault}`)
  )

const parseJson = (text: string): Either.Either<unknown, string> =>
  Either.try({
    try: (): unknown => JSON.parse(text.replace(/^\ufeff/, "")),
    catch: (error) => `it is not JSON: ${reasonOf(error)}`
  })

const isUrl = (source: string): boolean => /^https?:\/\//i.test(source)

/** The content of a source: a plan, or events. */
type Source =
  | { readonly _tag: "Plan"; readonly plan: Plan }
  | { readonly _tag: "Events"; readonly records: Stream.Stream<ReadonlyArray<InputRecord>, CliFailure> }

const open = (source: string, options: InputOptions): Effect.Effect<Source, CliFailure> =>
  isUrl(source) ? openServer(source) : openFile(source, options)

const openServer = (source: string): Effect.Effect<Source, CliFailure> =>
  Effect.gen(function*() {
    const url = yield* Either.mapLeft(
      Either.try(() => new URL(source)),
      () => usage(`${source}: give the URL of a DevServer, as in http://127.0.0.1:8267`)
    )
    url.pathname = "/events"
    const events = yield* Effect.tryPromise({
      try: (signal) =>
        fetch(url, { signal, redirect: "error" }).then((response) =>
          response.ok ? response.json() as Promise<unknown> : Promise.reject(
            response.status === 401
              ? failed(`${url.origin}: the server asks for its token: add ?token= to the URL`)
              : new Error(`it answers ${response.status}`)
          )
        ),
      catch: (error) =>
        error instanceof CliFailure ? error : failed(
          `${url.origin}: no DevServer answers there (${
            reasonOf((error as Error).cause ?? error)
          }): start one with effect-amplitude dev`
        )
    })
    if (!Array.isArray(events)) return yield* failed(`${url.origin}: the server there is not a DevServer`)
    return eventsOf(events)
  })

const eventsOf = (events: ReadonlyArray<unknown>): Source => ({
  _tag: "Events",
  records: Stream.make(events.map((event, index) => ({
    line: index + 1,
    end: 0,
    text: undefined,
    event: Predicate.isRecord(event) ? Either.right(event as Fields) : Either.left("it is not a JSON object")
  })))
})

const openFile = (path: string, options: InputOptions): Effect.Effect<Source, CliFailure> =>
  Effect.gen(function*() {
    const input = yield* Inputs.open(path, options)
    const asEvents: Source = { _tag: "Events", records: input.records() }
    if (input.path === undefined || input.container !== "plain" || options.isExport === true) return asEvents
    const head = yield* Effect.try({ try: () => beginningOf(path), catch: fileFailure(path) })
    if (input.format === "csv") {
      return /(^|[,"])object type([,"]|$)/i.test(head) || !/\bevent_type\b/.test(head)
        ? { _tag: "Plan" as const, plan: yield* readPlan(path) }
        : asEvents
    }
    const first = Either.getOrElse(parseJson(head), () => undefined)
    if (Predicate.isRecord(first) && typeof first["event_type"] === "string") return asEvents
    const text = yield* Effect.try({ try: () => Fs.readFileSync(path, "utf8"), catch: fileFailure(path) })
    const whole = Either.getOrElse(parseJson(text), () => undefined)
    if (Array.isArray(whole)) return eventsOf(whole)
    return Predicate.isRecord(whole) || !/^\s*\{\s*\n/.test(head) && first === undefined && /^\s*\{/.test(head)
      ? { _tag: "Plan" as const, plan: yield* parsePlan(path, text) }
      : asEvents
  })

/** The first line of a file. */
const beginningOf = (path: string): string => {
  const file = Fs.openSync(path, "r")
  const head = Buffer.alloc(1_000_000)
  const length = Fs.readSync(file, head, 0, head.length, 0)
  Fs.closeSync(file)
  return head.toString("utf8", 0, length).replace(/^\ufeff/, "").split("\n", 1)[0]!
}

/** The plan of a source, or the plan that its events follow. */
export const planOf = (source: string, options: InputOptions): Effect.Effect<Plan, CliFailure> =>
  Effect.flatMap(open(source, options), (opened) => {
    if (opened._tag === "Plan") return Effect.succeed(opened.plan)
    const observer = new Observer()
    return opened.records.pipe(
      Stream.runForEach((records) =>
        Effect.forEach(records, (record) => eventOf(source, record, observer), { discard: true })
      ),
      Effect.map(() => observer.plan),
      Effect.filterOrFail(
        ({ size }) => size > 0,
        () => failed(`${source}: there are no events to make a plan from`)
      )
    )
  })

const eventOf = (source: string, { event, line }: InputRecord, observer: Observer): Effect.Effect<void, CliFailure> =>
  Either.match(event, {
    onLeft: (fault) => Effect.fail(failed(`${source}: line ${line}: ${fault}`)),
    onRight: (event) => Effect.sync(() => observer.add(event))
  })

/** The events of a source. */
export const eventsIn = (
  source: string,
  options: InputOptions
): Effect.Effect<Stream.Stream<ReadonlyArray<InputRecord>, CliFailure>, CliFailure> =>
  Effect.flatMap(open(source, options), (opened) =>
    opened._tag === "Events"
      ? Effect.succeed(opened.records)
      : Effect.fail(usage(`${source}: it is a plan: give events, or the URL of a DevServer`)))

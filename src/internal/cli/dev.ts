/** `dev`: a local server that shows what arrives, alone or for the life of a command. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { DevServer } from "../../DevServer.js"
import * as Child from "./child.js"
import { atFault, CliFailure, failed, reasonOf, usage } from "./failure.js"
import type { Fields } from "./input.js"
import type { Checker } from "./plan/check.js"
import * as Check from "./plan/check.js"
import { readPlan } from "./plan/source.js"
import type { Reason } from "./reasons.js"
import * as Reasons from "./reasons.js"
import { faultsOf } from "./rules.js"
import { count, counted, err, onStderr, onStdout, out, plain, table } from "./terminal.js"

export interface Options {
  readonly port: number | undefined
  readonly host: string | undefined
  readonly allowHost: ReadonlyArray<string>
  readonly allowOrigin: ReadonlyArray<string>
  readonly token: string | undefined
  readonly file: string | undefined
  readonly maxEvents: number | undefined
  readonly plan: string | undefined
  readonly strict: boolean
  readonly open: boolean
  readonly json: boolean
  readonly failOnFault: boolean
  readonly command: ReadonlyArray<string>
}

const defaultPort = 8267

export const dev = (options: Options): Effect.Effect<void, CliFailure> =>
  Effect.gen(function*() {
    if (options.failOnFault && options.command.length === 0) {
      return yield* usage("--fail-on-fault needs a command: effect-amplitude dev --fail-on-fault -- npm test")
    }
    if (options.strict && options.plan === undefined) return yield* usage("--strict needs a plan: add --plan FILE")
    const check = options.plan === undefined ? undefined : Check.make(yield* readPlan(options.plan))
    const seen = new Seen(options, check)
    const server = yield* listen(options, seen)
    yield* Effect.addFinalizer(() => seen.summary)
    yield* seen.listening(server)
    if (options.open) openPage(server.url)
    const [command, ...args] = options.command
    if (command === undefined) return yield* Effect.never
    const child = yield* Child.run([command, ...args], {
      AMPLITUDE_SERVER_URL: server.urlV2,
      AMPLITUDE_API_KEY: process.env["AMPLITUDE_API_KEY"] ?? "local"
    })
    const exitCode = yield* child.exitCode
    if (exitCode !== 0) return yield* new CliFailure({ message: "", exitCode })
    if (options.failOnFault && seen.atFault > 0) return yield* atFault
  }).pipe(Effect.scoped)

// -- the server --------------------------------------------------------------------------------------------------------

const listen = (options: Options, seen: Seen): Effect.Effect<DevServer.Service, CliFailure, Scope.Scope> => {
  const port = options.port ?? defaultPort
  const { allowHost, allowOrigin, file, host, maxEvents, token } = options
  const start = (port: number) =>
    DevServer.make({
      ...{ allowHost, allowOrigin, file, maxEvents, token },
      port,
      host,
      intercept: (request) => {
        seen.upload(request.body)
        return Option.none()
      }
    })
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    return Effect.fail(usage(`--port ${port}: give a port from 0 to 65535 (0 takes a free one)`))
  }
  return start(port).pipe(
    Effect.catchAll((error) =>
      // a command finds the server by its environment: any port will do
      options.port === undefined && options.command.length > 0 && isTaken(error) ? start(0) : Effect.fail(error)
    ),
    Effect.mapError((error) =>
      isTaken(error)
        ? failed(
          `the port ${port} is taken: stop what listens there, or take another one with --port (0 takes a free one)`
        )
        : failed(`the server cannot listen on ${options.host ?? "127.0.0.1"}:${port}: ${reasonOf(error.cause)}`)
    )
  )
}

const isTaken = ({ cause }: { readonly cause: unknown }): boolean =>
  (cause as { readonly code?: unknown } | undefined)?.code === "EADDRINUSE"

/** Where there is no browser, the address is printed all the same. */
const openPage = (url: string): void => {
  const [command, ...args] = process.platform === "darwin"
    ? ["open", url]
    : process.platform === "win32"
    ? ["cmd", "/c", "start", "", url]
    : ["xdg-open", url]
  spawn(command, args, { stdio: "ignore", detached: true }).on("error", () => {}).unref()
}

// -- what arrived ------------------------------------------------------------------------------------------------------

interface Verdict {
  readonly verdict: "kept" | "fault" | "refused"
  readonly event: Fields
  readonly reasons: ReadonlyArray<Reason>
  readonly violations: ReadonlyArray<Reason>
}

/** Tells of each event, and counts. With a command, stdout is that of the command. */
class Seen {
  readonly #options: Options
  readonly #check: Checker | undefined
  readonly #counts = { kept: 0, fault: 0, refused: 0, violating: 0 }
  readonly #reasons = new Map<string, { count: number; readonly event: string; readonly words: string }>()

  constructor(options: Options, check: Checker | undefined) {
    this.#options = options
    this.#check = check
  }

  get atFault(): number {
    return this.#counts.fault + (this.#options.strict ? this.#counts.violating : 0)
  }

  listening({ url, urlBatch, urlV2 }: DevServer.Service): Effect.Effect<void> {
    return this.#options.json
      ? this.#json({ type: "listening", url, urlV2, urlBatch })
      : this.#line(`${this.#paint("bold", url)} shows what arrives; SDKs send to ${urlV2}`)
  }

  upload(body: string): void {
    for (const verdict of verdictsOf(body, this.#check)) this.#add(verdict)
  }

  get summary(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { fault, kept, refused, violating } = this.#counts
      if (this.#options.json) {
        return this.#json({ type: "summary", kept, fault, refused, violating })
      }
      const rows = [...this.#reasons.values()].sort((a, b) => b.count - a.count).slice(0, 20)
      const words = [
        `${counted(kept + fault + refused, "event")}: ${count(kept)} kept`,
        this.#paint(fault > 0 ? "red" : "dim", `${count(fault)} at fault`),
        ...refused > 0 ? [`${count(refused)} refused with them`] : [],
        ...violating > 0 ? [this.#paint("yellow", `${count(violating)} not of the plan`)] : []
      ].join(", ")
      return Effect.zipRight(
        rows.length === 0 ? Effect.void : this.#line(
          `\n${
            table(["events", "event", "reason"], rows.map((row) => [count(row.count), row.event, row.words]), ["right"])
          }\n`
        ),
        this.#line(words)
      )
    })
  }

  #add({ event, reasons, verdict, violations }: Verdict): void {
    this.#counts[verdict] += 1
    if (violations.length > 0) this.#counts.violating += 1
    const name = String(event["event_type"] ?? "(no event_type)")
    const user = String(event["user_id"] ?? event["device_id"] ?? "")
    for (const reason of [...reasons, ...violations]) {
      const words = Reasons.inWords(reason)
      const key = JSON.stringify([name, words])
      const known = this.#reasons.get(key)
      if (known !== undefined) known.count += 1
      else if (this.#reasons.size < 1000) this.#reasons.set(key, { count: 1, event: name, words })
    }
    const told = this.#options.json
      ? this.#json({ type: "event", verdict, event_type: name, user, reasons, violations, event })
      : Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const because = [...reasons, ...violations].map((reason) => `${Reasons.inWords(reason)}. ${reason.fix}`).join(
          " "
        )
        const [mark, colour] = verdict === "fault"
          ? ["FAULT  ", "red"] as const
          : verdict === "refused"
          ? ["refused", "yellow"] as const
          : violations.length > 0
          ? ["plan   ", "yellow"] as const
          : ["kept   ", "green"] as const
        return this.#line(
          `${this.#paint("dim", timeOfDay(now))} ${this.#paint(colour, mark)} ${plain(name)}  ${plain(user)}${
            because === ""
              ? verdict === "refused" ? "  in a request with an event at fault" : ""
              : `  ${plain(because)}`
          }`
        )
      })
    Effect.runFork(told)
  }

  get #hasCommand(): boolean {
    return this.#options.command.length > 0
  }

  #paint(colour: Parameters<typeof onStdout>[0], text: string): string {
    return this.#hasCommand ? onStderr(colour, text) : onStdout(colour, text)
  }

  #line(text: string): Effect.Effect<void> {
    return this.#hasCommand ? err(`${text}\n`) : out(`${text}\n`)
  }

  #json(value: object): Effect.Effect<void> {
    return this.#line(JSON.stringify(value))
  }
}

const timeOfDay = (millis: number): string => new Date(millis).toTimeString().slice(0, 8)

/** What the service makes of the events of an upload: one that is at fault has all of them refused. */
const verdictsOf = (body: string, check: Checker | undefined): ReadonlyArray<Verdict> => {
  const upload = Option.getOrUndefined(Option.liftThrowable(JSON.parse)(body)) as {
    readonly events?: unknown
    readonly options?: { readonly min_id_length?: unknown }
  } | undefined
  if (!Array.isArray(upload?.events)) return []
  const minIdLength = upload.options?.min_id_length
  const events = upload.events.filter((event) => Predicate.isRecord(event)).map((event) => ({
    event,
    reasons: faultsOf(event, 0, typeof minIdLength === "number" ? minIdLength : undefined),
    violations: (check?.(event) ?? []).map(Reasons.ofViolation)
  }))
  const isRefused = events.some(({ reasons }) => reasons.length > 0)
  return events.map((seen) => ({
    ...seen,
    verdict: seen.reasons.length > 0 ? "fault" : isRefused ? "refused" : "kept"
  }))
}

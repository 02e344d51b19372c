/** The command `dev`: a local server that prints the events that arrive, alone or while a command runs. */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as HashSet from "effect/HashSet"
import * as Logger from "effect/Logger"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { DevServer } from "../../DevServer.js"
import * as Body from "../devServer/body.js"
import * as Ingestion from "../devServer/ingestion.js"
import { KeptFileError } from "../devServer/keptFile.js"
import * as Child from "./child.js"
import { atFault, CliFailure, failed, reasonOf, reasonOfWriting, usage } from "./failure.js"
import { toJsonSchemas } from "./plan/model.js"
import { readPlan } from "./plan/source.js"
import { type Colour, count, counted, err, onStderr, onStdout, out, plain, table } from "./terminal.js"

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
    const plan = options.plan === undefined ? undefined : toJsonSchemas(yield* readPlan(options.plan))
    const seen = new Seen(options)
    // the stream of the server has events, and an upload that cannot be read has none
    const empty = yield* Mailbox.make<Empty>()
    let told: Fiber.Fiber<void> | undefined
    const exitCode = yield* serve(options, { plan, intercept: note(empty) }, (server) =>
      Effect.gen(function*() {
        told = yield* Effect.forkDaemon(Effect.all([
          Stream.runForEach(server.stream, (event) => seen.add(event)),
          Stream.runForEach(Mailbox.toStream(empty), (upload) => seen.addEmpty(upload))
        ], { concurrency: "unbounded", discard: true }))
        yield* seen.listening(server)
        if (options.open) openPage(pageOf(server, options))
        const [command, ...args] = options.command
        if (command === undefined) return yield* Effect.never
        const child = yield* Child.run([command, ...args], {
          AMPLITUDE_SERVER_URL: server.urlV2,
          AMPLITUDE_API_KEY: process.env["AMPLITUDE_API_KEY"] ?? "local"
        })
        return yield* child.exitCode
      })).pipe(
        // the stream ends with the server, and the summary is printed after its last event
        Effect.ensuring(Effect.zipRight(
          empty.end,
          Effect.suspend(() => told === undefined ? Effect.void : Effect.zipRight(Fiber.join(told), seen.summary))
        ))
      )
    if (exitCode !== 0) return yield* new CliFailure({ message: "", exitCode })
    if (options.failOnFault && seen.atFault > 0) return yield* atFault
  })

/** An upload without events: its body cannot be read, or its list of events is empty or missing. */
interface Empty extends Pick<DevServer.InterceptedRequest, "path" | "bytes" | "receivedAt"> {
  readonly because: string
}

/** Notes the uploads without events, and leaves every answer to the server. */
const note = (empty: Mailbox.Mailbox<Empty>): DevServer.Options["intercept"] => (upload) => {
  if (upload.events === 0) {
    const { body, bytes, path, receivedAt } = upload
    const because = Ingestion.whyEmpty({
      path,
      bytes,
      body: Body.parse(body, path),
      remoteAddress: Option.none(),
      now: receivedAt
    })
    empty.unsafeOffer({ path, bytes, receivedAt, because })
  }
  return Option.none()
}

// -- the server --------------------------------------------------------------------------------------------------------

/** Runs `use` with a server that stops after it. */
const serve = <A>(
  options: Options,
  own: Pick<DevServer.Options, "plan" | "intercept">,
  use: (server: DevServer.Service) => Effect.Effect<A, CliFailure, Scope.Scope>
): Effect.Effect<A, CliFailure> =>
  Effect.scoped(Effect.flatMap(listen(options, own), use)).pipe(
    Effect.locally(FiberRef.currentLoggers, HashSet.make(toStderr))
  )

/** Writes the warnings of the server to stderr, since stdout has the events. */
const toStderr: Logger.Logger<unknown, void> = Logger.make(({ message }) => {
  process.stderr.write(`${onStderr("yellow", "warning:")} ${plain(Arr.ensure(message).join(" "))}\n`)
})

const listen = (
  options: Options,
  own: Pick<DevServer.Options, "plan" | "intercept">
): Effect.Effect<DevServer.Service, CliFailure, Scope.Scope> => {
  const port = options.port ?? defaultPort
  const { allowHost, allowOrigin, file, host, maxEvents, token } = options
  const start = (port: number) =>
    DevServer.make({
      ...own,
      port,
      host,
      allowHost,
      allowOrigin,
      file,
      maxEvents,
      token
    })
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    return Effect.fail(usage(`--port ${port}: give a port from 0 to 65535 (0 takes a free one)`))
  }
  return start(port).pipe(
    Effect.catchAll((error) =>
      // a command finds the server by its environment, so that any port is right
      options.port === undefined && options.command.length > 0 && isTaken(error) ? start(0) : Effect.fail(error)
    ),
    Effect.mapError((error) =>
      error.cause instanceof KeptFileError
        ? failed(
          error.cause.cause === undefined
            ? error.cause.message
            : `${error.cause.path}: ${reasonOfWriting(error.cause.cause)}`
        )
        : isTaken(error)
        ? failed(
          `the port ${port} is taken: stop what listens there, or take another one with --port (0 takes a free one)`
        )
        : failed(`the server cannot listen on ${options.host ?? "127.0.0.1"}:${port}: ${reasonOf(error.cause)}`)
    )
  )
}

const isTaken = ({ cause }: { readonly cause: unknown }): boolean =>
  (cause as { readonly code?: unknown } | undefined)?.code === "EADDRINUSE"

/** The address of the page, with the token that it asks for. */
const pageOf = ({ url }: DevServer.Service, { token }: Options): string =>
  token === undefined ? url : `${url}/?token=${encodeURIComponent(token)}`

/** Opens the page in a browser. Without a browser nothing happens: the address is printed anyway. */
const openPage = (url: string): void => {
  const [command, ...args] = process.platform === "darwin"
    ? ["open", url]
    : process.platform === "win32"
    ? ["cmd", "/c", "start", "", url]
    : ["xdg-open", url]
  spawn(command, args, { stdio: "ignore", detached: true }).on("error", () => {}).unref()
}

// -- what arrived ------------------------------------------------------------------------------------------------------

/** Prints and counts the events. With a command it prints to stderr, since stdout belongs to the command. */
class Seen {
  readonly #options: Options
  readonly #counts = { kept: 0, fault: 0, refused: 0, duplicate: 0, injected: 0, violating: 0, empty: 0 }
  readonly #reasons = new Map<string, { count: number; readonly event: string; readonly words: string }>()

  constructor(options: Options) {
    this.#options = options
  }

  get atFault(): number {
    return this.#counts.fault + (this.#options.strict ? this.#counts.violating : 0)
  }

  listening({ url, urlBatch, urlV2 }: DevServer.Service): Effect.Effect<void> {
    return this.#options.json
      ? this.#json({ type: "listening", url, urlV2, urlBatch })
      // the token is a secret, and the page asks for it
      : this.#line(
        `${this.#paint("bold", this.#options.token === undefined ? url : `${url}/?token=…`)} shows what arrives; ` +
          `SDKs send to ${urlV2}`
      )
  }

  get summary(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { duplicate, empty, fault, injected, kept, refused, violating } = this.#counts
      if (this.#options.json) return this.#json({ type: "summary", ...this.#counts })
      const rows = [...this.#reasons.values()].sort((a, b) => b.count - a.count).slice(0, 20)
      const words = [
        `${counted(kept + fault + refused + duplicate + injected, "event")}: ${count(kept)} kept`,
        this.#paint(fault > 0 ? "red" : "dim", `${count(fault)} at fault`),
        ...refused > 0 ? [`${count(refused)} refused with others`] : [],
        ...duplicate > 0 ? [`${count(duplicate)} sent twice`] : [],
        ...injected > 0 ? [`${count(injected)} refused by a fault that was switched on`] : [],
        ...violating > 0 ? [this.#paint("yellow", `${count(violating)} not of the plan`)] : [],
        ...empty > 0 ? [this.#paint("yellow", `${counted(empty, "request")} without events`)] : []
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

  add(received: DevServer.ReceivedEvent): Effect.Effect<void> {
    const { event, reasons, receivedAt, verdict, violations } = received
    this.#counts[verdict] += 1
    if (violations.length > 0) this.#counts.violating += 1
    const name = String(event["event_type"] ?? "(no event_type)")
    const user = String(event["user_id"] ?? event["device_id"] ?? "")
    const faults = [
      ...reasons.map((reason) => [faultInWords(reason), reason.fix] as const),
      ...violations.map(({ path, wanted }) => [`${path}: the plan wants ${wanted}`, ""] as const)
    ]
    for (const [words] of faults) {
      const key = JSON.stringify([name, words])
      const known = this.#reasons.get(key)
      if (known !== undefined) known.count += 1
      else if (this.#reasons.size < 1000) this.#reasons.set(key, { count: 1, event: name, words })
    }
    if (this.#options.json) return this.#json({ type: "event", ...received })
    const [mark, colour] = verdict === "kept" && violations.length > 0 ? ["plan", "yellow"] as const : marks[verdict]
    const because = faults.length > 0
      ? faults.map(([words, fix]) => fix === "" ? words : `${words}. ${fix}`).join("; ")
      : received.because ?? (received.of === undefined ? "" : `its insert_id is that of an earlier event`)
    return this.#row(receivedAt, colour, [mark.padEnd(9), name, user, because])
  }

  addEmpty(empty: Empty): Effect.Effect<void> {
    const { because, path, receivedAt } = empty
    this.#counts.empty += 1
    return this.#options.json
      ? this.#json({ type: "request", ...empty })
      : this.#row(receivedAt, "yellow", ["refused".padEnd(9), `(no events at ${path})`, because])
  }

  #row(at: number, colour: Colour, [mark, ...words]: readonly [string, ...ReadonlyArray<string>]): Effect.Effect<void> {
    const line = words.filter((word) => word !== "").map(plain).join("  ")
    return this.#line(`${this.#paint("dim", timeOfDay(at))} ${this.#paint(colour, mark)} ${line}`)
  }

  get #hasCommand(): boolean {
    return this.#options.command.length > 0
  }

  #paint(colour: Colour, text: string): string {
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

const marks = {
  kept: ["kept", "green"],
  fault: ["FAULT", "red"],
  refused: ["refused", "yellow"],
  duplicate: ["duplicate", "yellow"],
  injected: ["injected", "cyan"]
} as const

const faultInWords = ({ given, path, wanted }: DevServer.ReceivedEvent["reasons"][number]): string => {
  const text = given === undefined ? "nothing" : JSON.stringify(given)
  return `${path === "" ? "" : `${path}: `}expected ${wanted}, got ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`
}

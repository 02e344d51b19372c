/** The command `send`: sends a backlog of events with the client of this package over the Batch API. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Crypto from "node:crypto"
import * as Path from "node:path"
import * as Readline from "node:readline"
import * as V8 from "node:v8"
import type { AmplitudeConfig } from "../../AmplitudeConfig.js"
import type { DeliveryReport, Dropped } from "../../DeliveryReport.js"
import type { Event } from "../../Event.js"
import { Transport } from "../../Transport.js"
import { shown } from "../devServer/depth.js"
import * as Checkpoint from "./checkpoint.js"
import * as Client from "./client.js"
import { atFault, CliFailure, exitCodes, failed, usage } from "./failure.js"
import type { Fields, Format, Input, InputRecord } from "./input.js"
import * as Inputs from "./input.js"
import type { Entry } from "./outstanding.js"
import { Outstanding } from "./outstanding.js"
import * as Progress from "./progress.js"
import type { Reason } from "./reasons.js"
import * as Reasons from "./reasons.js"
import { clock, count, counted, err, errJson, errLine, onStdout, outJson, outLine } from "./terminal.js"
import { UserLimits } from "./userLimits.js"

export interface Options {
  readonly files: ReadonlyArray<string>
  readonly format: Format | undefined
  readonly isExport: boolean
  readonly to: string | undefined
  readonly zone: AmplitudeConfig.Zone
  readonly apiKey: string | undefined
  /** The most events a second of all users together. */
  readonly rate: number | undefined
  readonly minIdLength: number | undefined
  readonly skipUserPropertiesSync: boolean
  readonly dryRun: boolean
  readonly yes: boolean
  readonly json: boolean
  readonly restart: boolean
}

export const send = (options: Options): Effect.Effect<void, CliFailure> =>
  Effect.gen(function*() {
    const target = yield* targetOf(options)
    const isJson = options.json || process.stdout.isTTY !== true
    const apiKey = yield* apiKeyOf(options, target)
    yield* mayBeSent(options, target)
    // lines live for a short time: without this flag V8 grows the part of the heap for new objects
    V8.setFlagsFromString("--semi-space-growth-factor=1")
    const limits = new UserLimits(yield* secondsNow)
    const began = yield* secondsNow
    const results: Array<Result> = []
    for (const file of options.files) {
      results.push(yield* sendFile({ options, target, apiKey, limits }, file))
    }
    if (!options.dryRun) yield* Effect.forEach(results, ({ forget }) => forget, { discard: true })
    const seconds = (yield* secondsNow) - began
    yield* isJson ? outJson(summaryOf(results, seconds, options)) : showSummary(results, seconds, options)
    if (results.some(({ refused }) => refused > 0)) return yield* atFault
  })

interface Result {
  readonly file: string
  readonly sent: number
  readonly refused: number
  /** The last line that an earlier run has settled. */
  readonly resumedAt: number
  readonly rejected: string
  readonly forget: Effect.Effect<void>
}

const summaryOf = (results: ReadonlyArray<Result>, seconds: number, options: Options): object => ({
  type: "summary",
  dryRun: options.dryRun,
  sent: results.reduce((sum, { sent }) => sum + sent, 0),
  refused: results.reduce((sum, { refused }) => sum + refused, 0),
  seconds: Math.round(seconds * 10) / 10,
  files: results.map(({ file, refused, rejected, resumedAt, sent }) => ({
    file,
    sent,
    refused,
    ...(resumedAt === 0 ? undefined : { resumedAfterLine: resumedAt }),
    ...(refused === 0 || options.dryRun ? undefined : { rejected })
  }))
})

const showSummary = (results: ReadonlyArray<Result>, seconds: number, options: Options): Effect.Effect<void> =>
  Effect.forEach(results, ({ file, refused, rejected, resumedAt, sent }) =>
    outLine(
      [
        `${file}: ${count(sent)} ${options.dryRun ? "would be sent" : "sent"}`,
        ...(refused === 0 ? [] : [
          onStdout("red", `${count(refused)} refused`) + (options.dryRun ? "" : ` (with their reasons in ${rejected})`)
        ]),
        ...(resumedAt === 0 ? [] : [`resumed after line ${count(resumedAt)}`])
      ].join(", ") + ` in ${clock(seconds)}`
    ), { discard: true })

// -- the target --------------------------------------------------------------------------------------------------------

interface Target {
  readonly url: URL
  readonly isLoopback: boolean
}

const batchUrls: { readonly [Zone in AmplitudeConfig.Zone]: string } = {
  US: "https://api2.amplitude.com/batch",
  EU: "https://api.eu.amplitude.com/batch"
}

const targetOf = ({ to, zone }: Options): Effect.Effect<Target, CliFailure> =>
  Either.match(Either.try(() => new URL(to ?? batchUrls[zone])), {
    onLeft: () => Effect.fail(usage(`--to ${to}: give a URL, as in --to http://127.0.0.1:8267`)),
    onRight: (url) => {
      if (!/^https?:$/.test(url.protocol)) {
        return Effect.fail(usage(`--to ${to}: give an http or https URL, as in --to http://127.0.0.1:8267`))
      }
      if (url.pathname === "/") url.pathname = "/batch"
      return Effect.succeed({ url, isLoopback: isLoopback(url.hostname) })
    }
  })

const isLoopback = (host: string): boolean => /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(host)

const apiKeyOf = ({ apiKey, dryRun }: Options, { isLoopback }: Target): Effect.Effect<string, CliFailure> =>
  apiKey !== undefined && apiKey.trim() !== ""
    ? Effect.succeed(apiKey)
    : isLoopback || dryRun
    ? Effect.succeed("local")
    : Effect.fail(usage("there is no API key: set AMPLITUDE_API_KEY to that of the project"))

const mayBeSent = (options: Options, { isLoopback, url }: Target): Effect.Effect<void, CliFailure> => {
  if (options.dryRun || options.yes || isLoopback) return Effect.void
  const needsYes = new CliFailure({
    message: `nothing was sent to ${url.host}: add --yes to send, or --dry-run to see what would be sent`,
    exitCode: exitCodes.needsYes
  })
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true || options.files.includes("-")) {
    return Effect.fail(needsYes)
  }
  return Effect.flatMap(
    ask(`Send ${options.files.join(", ")} to ${url.host}? What is sent cannot be taken back. [y/N] `),
    (answer) => /^\s*y(es)?\s*$/i.test(answer) ? Effect.void : Effect.fail(needsYes)
  )
}

const ask = (question: string): Effect.Effect<string> =>
  Effect.zipRight(
    err(question),
    Effect.async<string>((resume) => {
      const lines = Readline.createInterface({ input: process.stdin })
      lines.once("line", (line) => {
        lines.close()
        resume(Effect.succeed(line))
      })
      lines.once("close", () => resume(Effect.succeed("")))
      return Effect.zipRight(Effect.sync(() => lines.close()), errLine(""))
    })
  )

// -- one file ----------------------------------------------------------------------------------------------------------

interface Run {
  readonly options: Options
  readonly target: Target
  readonly apiKey: string
  readonly limits: UserLimits
}

/** The most events without an outcome. It is below `reportCapacity`, so that no report is dropped. */
const maxUnderWay = 3000
const maxBytes = 12_000_000
/** The most lines from the first one without an outcome to the last one that was read. */
const maxSpan = 20_000

/** The tries without an answer, before the first event is delivered, after which the target counts as wrong. */
const maxUnanswered = 5

/** The length that a row of CSV counts as, in bytes. */
const unknownLength = 512

const saveEvery = "250 millis"

const secondsNow = Effect.map(Clock.currentTimeMillis, (millis) => millis / 1000)

const sendFile = (run: Run, file: string): Effect.Effect<Result, CliFailure> =>
  Effect.gen(function*() {
    const { options } = run
    const input = yield* Inputs.open(file, options)
    const store = options.dryRun ? noStore : yield* Checkpoint.open(input, fingerprintOf(run, input), options.restart)
    const outstanding = new Outstanding(store.from)
    if (store.isComplete) {
      yield* note(`${file}: sent by an earlier run`)
    } else {
      if (store.from.line > 0) yield* note(`${file}: resumes after line ${count(store.from.line)}`)
      yield* Effect.onInterrupt(deliver(run, input, store, outstanding), () =>
        input.path === undefined || options.dryRun
          ? Effect.void
          : note(
            `${file}: interrupted after ${counted(outstanding.settled.line, "line")}: the same command goes on there`
          ))
      yield* store.save(outstanding, true)
    }
    return {
      file,
      sent: outstanding.settled.sent,
      refused: outstanding.settled.refused,
      resumedAt: store.from.line,
      rejected: Checkpoint.rejectedPathOf(input.path ?? input.name),
      forget: store.remove
    }
  })

const note = (message: string): Effect.Effect<void> =>
  process.stderr.isTTY === true ? errLine(message) : errJson({ type: "note", message })

const noStore: Checkpoint.Store = {
  from: { line: 0, end: 0, sent: 0, refused: 0 },
  isComplete: false,
  save: (outstanding) => Effect.sync(() => void outstanding.takeRefused()),
  remove: Effect.void
}

/** Identifies a run for its checkpoint: the same lines are then the same events for the same project. */
const fingerprintOf = ({ apiKey, options, target }: Run, input: Input): string =>
  Crypto.createHash("sha256").update(JSON.stringify([
    target.url.href,
    apiKey,
    input.format,
    options.isExport,
    options.skipUserPropertiesSync
  ])).digest("hex").slice(0, 16)

const deliver = (
  run: Run,
  input: Input,
  store: Checkpoint.Store,
  outstanding: Outstanding
): Effect.Effect<void, CliFailure> =>
  Effect.gen(function*() {
    const { limits, options } = run
    const failure = yield* Deferred.make<never, CliFailure>()
    const room = yield* Effect.makeLatch(true)
    let lines = store.from.sent + store.from.refused
    let sent = store.from.sent
    let refused = store.from.refused
    let notice: string | undefined
    let unanswered = 0

    // runs after the client has closed, so that the checkpoint has the outcomes of its last events
    yield* Effect.addFinalizer(() => Effect.ignore(store.save(outstanding, false)))

    const settle = (report: DeliveryReport): Effect.Effect<void> =>
      Effect.flatMap(secondsNow, (now) => {
        const entry = outstanding.take(report.event.insert_id ?? "")
        if (entry === undefined) return Effect.void
        limits.end(entry.user, entry.device, report._tag === "Delivered", now)
        if (report._tag === "Delivered") {
          sent += 1
          notice = undefined
          outstanding.settle(entry, undefined)
        } else {
          const failed = failureOf(run, report)
          // the line was neither sent nor refused: the next run begins with it
          if (failed !== undefined) return Effect.asVoid(Deferred.fail(failure, failed))
          refused += 1
          const reason = Reasons.ofService(report.reason, report.code, report.message)
          outstanding.settle(entry, refusedLine(input, entry.line, [reason], report.event))
        }
        return hasRoom(outstanding) ? room.open : Effect.void
      })

    const client = yield* Client.make({
      apiKey: run.apiKey,
      serverUrl: run.target.url.href,
      minIdLength: options.minIdLength,
      transport: options.dryRun ? Client.acceptAll : Transport.layerFetch,
      capacity: maxUnderWay,
      onReport: settle,
      onRetry: ({ cause, code }) => {
        notice = `${code === 0 ? "cannot be reached" : `answers ${code}`}, trying again`
        unanswered += code === 0 ? 1 : 0
        // a target that has never answered is most likely wrong
        return code === 0 && sent === store.from.sent && unanswered >= maxUnanswered
          ? Effect.asVoid(Deferred.fail(
            failure,
            failed(
              `${run.target.url.host} cannot be reached (${
                cause?.message ?? "no answer"
              }): check --to, or start the server`
            )
          ))
          : Effect.void
      }
    })
    yield* Progress.start(() => ({
      file: input.name,
      lines,
      sent,
      refused,
      bytes: input.bytesRead(),
      totalBytes: input.bytes,
      notice
    }))
    yield* store.save(outstanding, false).pipe(
      Effect.delay(saveEvery),
      Effect.forever,
      Effect.catchAll((error) => Deferred.fail(failure, error)),
      Effect.forkScoped
    )

    const refuse = (record: InputRecord, reasons: ReadonlyArray<Reason>, event: unknown): string => {
      refused += 1
      const whole = shown(event)
      return refusedLine(
        input,
        record.line,
        reasons,
        whole,
        event === undefined || whole !== event ? record.text : undefined
      )
    }
    const pace = makePace(options)
    const readAll = input.records(store.from).pipe(
      Stream.runForEach((records) =>
        Effect.gen(function*() {
          for (const record of records) {
            const { end, event: read, line, text } = record
            if (line <= store.from.line) continue
            while (!hasRoom(outstanding)) {
              yield* room.close
              // checked again, since an event that was settled before the latch closed has not opened it
              if (!hasRoom(outstanding)) yield* room.await
            }
            lines += 1
            if (Either.isLeft(read)) {
              outstanding.refuseUnsent(line, end, refuse(record, [Reasons.unreadable(read.left)], undefined))
              continue
            }
            const event = toSend(options, input, record, read.right)
            const entry = outstanding.begin(
              line,
              end,
              text?.length ?? unknownLength,
              event.insert_id,
              event.user_id,
              event.device_id
            )
            if (!options.dryRun) yield* pace(limits, entry)
            limits.begin(entry.user, entry.device)
            const tracked = yield* Effect.either(client.trackOrFail(event))
            if (Either.isRight(tracked)) continue
            const reasons = yield* Client.refusalOf(tracked.left, event, options.minIdLength)
            limits.end(entry.user, entry.device, false, yield* secondsNow)
            outstanding.take(event.insert_id)
            outstanding.settle(entry, refuse(record, reasons, read.right))
          }
        })
      ),
      Effect.zipRight(client.flush)
    )
    yield* Effect.raceFirst(readAll, Deferred.await(failure))
    if (outstanding.span > 0) {
      return yield* Option.getOrElse(yield* Deferred.poll(failure), () =>
        Effect.fail(
          failed(`${counted(outstanding.span, "line")} of ${input.name} had no outcome: run the command again`)
        ))
    }
  }).pipe(Effect.scoped)

const hasRoom = (outstanding: Outstanding): boolean =>
  outstanding.events < maxUnderWay && outstanding.bytes < maxBytes && outstanding.span < maxSpan

/** A line for the file of refused events. */
const refusedLine = (
  input: Input,
  line: number,
  reasons: ReadonlyArray<Reason>,
  event: unknown,
  text?: string
): string => `${JSON.stringify({ file: input.name, line, reasons, event, text })}\n`

type Sendable = Event.Input & { readonly insert_id: string }

/** The event of a line to send. Its `insert_id` is the same each time the line is sent. */
const toSend = (options: Options, input: Input, record: InputRecord, event: Fields): Sendable => ({
  ...event,
  ...(options.skipUserPropertiesSync ? { $skip_user_properties_sync: true } : undefined),
  insert_id: event["insert_id"] ?? insertIdOf(input, record, event)
} as Sendable)

/** An id from the number and the content of a line. Another file with the same name has other ids. */
const insertIdOf = (input: Input, { line, text }: InputRecord, event: Fields): string =>
  Crypto.hash("sha256", `${Path.basename(input.name)}\n${line}\n${text ?? JSON.stringify(shown(event))}`).slice(0, 32)

/** The failure of the whole run that a dropped event means, or undefined for a fault of this event. */
const failureOf = ({ options, target }: Run, { code, message, reason }: Dropped): CliFailure | undefined => {
  const again = options.files.includes("-")
    ? "send the rest again"
    : "run the same command again to go on from here"
  switch (reason) {
    case "Rejected":
      // other statuses do not come from a fault of the event, but from a firewall or a wrong path
      return [400, 413, 422].includes(code)
        ? undefined
        : failed(`${target.url.href} answers ${code}: check the target, then ${again}`)
    case "Silenced":
    case "QuotaExceeded":
    case "PayloadTooLarge":
    case "Invalid":
      return undefined
    case "InvalidApiKey":
      return failed(`${target.url.host} does not know the API key: set AMPLITUDE_API_KEY to that of the project`)
    case "RetriesExhausted":
      return failed(
        `${target.url.host} ${code === 0 ? "cannot be reached" : `answers ${code}`} (${message}): ${again}`
      )
    default:
      return failed(`an event was not sent (${message}): ${again}`)
  }
}

// -- pace --------------------------------------------------------------------------------------------------------------

/** Waits until one more event may be sent, by `rate` and by the limits of the service for each user. */
const makePace = ({ rate }: Options) => {
  let due = 0
  return (limits: UserLimits, { device, user }: Entry): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const hasRoom = (now: number): boolean => limits.hasRoom(user, device, now / 1000)
      const untilRoom = Effect.sleep("100 millis").pipe(
        Effect.zipRight(Clock.currentTimeMillis),
        Effect.repeat({ until: hasRoom }),
        Effect.unless(() => hasRoom(now)),
        Effect.asVoid
      )
      if (rate === undefined) return hasRoom(now) ? Effect.void : untilRoom
      due = Math.max(due, now) + 1000 / rate
      // shorter sleeps are not exact
      return due - now < 20 ? untilRoom : Effect.zipRight(Effect.sleep(due - now), untilRoom)
    })
}

/** Shows the progress of a backfill on stderr: a bar on a terminal, lines of JSON elsewhere. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { clock, count, err, errJson, onStderr } from "./terminal.js"

/** The progress at one moment. */
export interface Snapshot {
  readonly file: string
  readonly lines: number
  readonly sent: number
  readonly refused: number
  /** The bytes that were read. `totalBytes` are all bytes of the file, if known. */
  readonly bytes: number
  readonly totalBytes: number | undefined
  /** A message about an endpoint that fails, or undefined. */
  readonly notice: string | undefined
}

const barWidth = 20

/** Shows the progress until the scope closes, and then erases the bar. */
export const start = (snapshot: () => Snapshot): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const isTerminal = process.stderr.isTTY === true
    const began = yield* Clock.currentTimeMillis
    const first = snapshot()
    const tick = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const here = snapshot()
      const seconds = (now - began) / 1000
      const rate = seconds > 0 ? (here.sent - first.sent) / seconds : 0
      const readRate = seconds > 0 ? (here.bytes - first.bytes) / seconds : 0
      const secondsLeft = here.totalBytes === undefined || readRate <= 0
        ? undefined
        : Math.max(0, here.totalBytes - here.bytes) / readRate
      return isTerminal ? err(`\r\u001b[K${bar(here, rate, secondsLeft)}`) : errJson({
        type: "progress",
        file: here.file,
        lines: here.lines,
        sent: here.sent,
        refused: here.refused,
        rate: Math.round(rate),
        bytes: here.bytes,
        totalBytes: here.totalBytes,
        secondsLeft: secondsLeft === undefined ? undefined : Math.round(secondsLeft),
        notice: here.notice
      })
    })
    if (isTerminal) yield* Effect.addFinalizer(() => err("\r\u001b[K"))
    const period = isTerminal ? "200 millis" : "1 second"
    yield* tick.pipe(Effect.delay(period), Effect.repeat(Schedule.spaced(period)), Effect.forkScoped)
  })

const bar = (
  { bytes, file, notice, refused, sent, totalBytes }: Snapshot,
  rate: number,
  secondsLeft: number | undefined
): string => {
  const share = totalBytes === undefined || totalBytes === 0 ? undefined : Math.min(1, bytes / totalBytes)
  const filled = Math.round((share ?? 0) * barWidth)
  const parts = [
    ...(share === undefined
      ? []
      : [`[${"#".repeat(filled)}${"-".repeat(barWidth - filled)}] ${String(Math.floor(share * 100)).padStart(3)}%`]),
    `${count(sent)} events`,
    `${count(rate)}/s`,
    ...(secondsLeft === undefined ? [] : [`${clock(secondsLeft)} left`]),
    ...(refused === 0 ? [] : [`${count(refused)} refused`]),
    ...(notice === undefined ? [] : [notice])
  ]
  const text = `${file}  ${parts.join("  ")}`
  // a line that wraps cannot be erased
  const cut = text.slice(0, (process.stderr.columns ?? 80) - 1)
  return refused > 0 ? cut.replace(/[\d,]+ refused/, (words) => onStderr("red", words)) : cut
}

/** Writes data to stdout and messages to stderr, with colour on a terminal only. */
import * as Effect from "effect/Effect"
import { hasColour, onStdout } from "./colours.js"

export { type Colour, onStderr, onStdout } from "./colours.js"

// control characters of events are replaced, since they could send escape sequences to the terminal or move its cursor

const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|\u001b\[[0-9;]*m/g

/** An untrusted text as one line for the terminal. */
export const plain = (text: string): string => text.replace(/[\t\r\n]+/g, " ").replace(controls, "\ufffd")

const styles = /\u001b\[[0-9;]*m/g

export const withoutStyles = (text: string): string => text.replace(styles, "")

export const stylesAllowed: (stream: { readonly isTTY?: boolean | undefined }) => boolean = hasColour

const write = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    const done = () => resume(Effect.void)
    // a stream whose reader has closed it calls back with an error
    if (stream.write(text, done)) done()
  })

/** Writes to stdout, and waits for a slow reader. */
export const out = (text: string): Effect.Effect<void> => write(process.stdout, text)

export const outLine = (text: string): Effect.Effect<void> => out(`${text}\n`)

export const outJson = (value: unknown): Effect.Effect<void> => outLine(JSON.stringify(value))

export const err = (text: string): Effect.Effect<void> => write(process.stderr, text)

export const errLine = (text: string): Effect.Effect<void> => err(`${text}\n`)

export const errJson = (value: unknown): Effect.Effect<void> => errLine(JSON.stringify(value))

/** Completes when everything that was written has left the process. */
export const drained: Effect.Effect<void> = Effect.forEach(
  [process.stdout, process.stderr],
  (stream) => Effect.async<void>((resume) => void stream.write("", () => resume(Effect.void))),
  { discard: true }
)

export type Align = "left" | "right"

/** A table with two spaces between its columns. */
export const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  align: ReadonlyArray<Align> = []
): string => {
  const all = [head, ...rows.map((row) => row.map(plain))]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  const line = (row: ReadonlyArray<string>): string =>
    row.map((cell, column) => align[column] === "right" ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))
      .join("  ").trimEnd()
  return [onStdout("bold", line(head)), ...all.slice(1).map(line)].join("\n")
}

/** `1234567` as `1,234,567`. */
export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",")

/** `1 event`, `2 events`. */
export const counted = (value: number, one: string, many: string = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

/** Seconds as `0:07`, `12:30` or `1:02:03`. */
export const clock = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds))
  const two = (part: number): string => String(part).padStart(2, "0")
  const minutes = Math.floor(whole / 60)
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`
}

/**
 * Saves the progress of a backfill in a small file beside the input: the line up to which every event has its outcome.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import type { CliFailure } from "./failure.js"
import { fileFailure } from "./failure.js"
import type { Input } from "./input.js"
import type { Outstanding, Position } from "./outstanding.js"

class Checkpoint extends Schema.Class<Checkpoint>("effect-amplitude/internal/cli/Checkpoint")({
  version: Schema.Literal(1),
  /** A hash of the target and of the options that change how lines are read. */
  run: Schema.String,
  fingerprint: Schema.String,
  bytes: Schema.NonNegativeInt,
  line: Schema.NonNegativeInt,
  end: Schema.NonNegativeInt,
  sent: Schema.NonNegativeInt,
  refused: Schema.NonNegativeInt,
  rejectedBytes: Schema.NonNegativeInt,
  isComplete: Schema.Boolean
}) {}

const decode = Schema.decodeOption(Schema.parseJson(Checkpoint))

export const pathOf = (file: string): string => `${file}.checkpoint.json`

export const rejectedPathOf = (file: string): string => `${file}.rejected.ndjson`

const start: Position = { line: 0, end: 0, sent: 0, refused: 0 }

export interface Store {
  readonly from: Position
  readonly isComplete: boolean
  /** Writes the refused lines up to the checkpoint, then the checkpoint. */
  readonly save: (outstanding: Outstanding, isComplete: boolean) => Effect.Effect<void, CliFailure>
  /** Removes the checkpoint of a backfill that needs no resume. */
  readonly remove: Effect.Effect<void>
}

/**
 * Opens the checkpoint of a file. A checkpoint for another target, for another file with this name, or that cannot be
 * read is ignored. Events are then sent again with the same `insert_id`s.
 */
export const open = (input: Input, run: string, restart: boolean): Effect.Effect<Store, CliFailure> =>
  Effect.try({
    try: (): Store => {
      const path = input.path === undefined ? undefined : pathOf(input.path)
      const rejectedPath = rejectedPathOf(input.path ?? input.name)
      const found = path === undefined || restart ? Option.none() : Option.filter(
        Option.flatMap(Either.getRight(Either.try(() => Fs.readFileSync(path, "utf8"))), decode),
        (found) =>
          // a file that has only grown is the same file
          found.run === run && found.bytes <= (input.bytes ?? 0) && found.fingerprint === input.fingerprint(found.bytes)
      )
      const from = Option.getOrElse(found, () => start)
      let rejectedBytes = keepRejected(
        rejectedPath,
        Option.match(found, {
          onNone: () => 0,
          onSome: (found) => found.rejectedBytes
        })
      )
      let saved = ""
      return {
        from,
        isComplete: Option.exists(found, (found) => found.isComplete && found.bytes === input.bytes),
        save: (outstanding, isComplete) =>
          Effect.try({
            try: () => {
              const refused = outstanding.takeRefused()
              if (refused !== "") {
                Fs.appendFileSync(rejectedPath, refused, { mode: 0o600 })
                rejectedBytes += Buffer.byteLength(refused)
              }
              if (path === undefined) return
              const text = JSON.stringify({
                version: 1,
                run,
                fingerprint: input.fingerprint(input.bytes ?? 0),
                bytes: input.bytes ?? 0,
                ...outstanding.settled,
                rejectedBytes,
                isComplete
              })
              if (text === saved) return
              saved = text
              // a rename is atomic, even if the process is killed
              Fs.writeFileSync(`${path}.tmp`, text, { mode: 0o600 })
              Fs.renameSync(`${path}.tmp`, path)
            },
            catch: fileFailure(path ?? rejectedPath)
          }),
        remove: Effect.sync(() => {
          if (path !== undefined) Fs.rmSync(path, { force: true })
        })
      }
    },
    catch: fileFailure(input.name)
  })

/** Cuts the file of refused lines to its length at the checkpoint. Later lines are sent again, and refused again. */
const keepRejected = (path: string, bytes: number): number => {
  if (bytes === 0) {
    Fs.rmSync(path, { force: true })
    return 0
  }
  if (!Fs.existsSync(path)) return 0
  const kept = Math.min(bytes, Fs.statSync(path).size)
  Fs.truncateSync(path, kept)
  return kept
}

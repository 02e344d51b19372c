/** A file that keeps the uploads across restarts, one a line. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { constVoid } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { Buffer } from "node:buffer"
import * as Fs from "node:fs"
import * as Body from "./body.js"
import type { HeldUpload } from "./heldUploads.js"
import type { InPlace, Store, Upload } from "./store.js"

/** The file of the uploads. Without a path its methods do nothing. */
export interface KeptFile {
  /** Appends an upload that the store has received. */
  readonly append: (upload: Upload, inPlace: InPlace | undefined) => void
  /** Rewrites the file with the uploads that the store holds. */
  readonly rewrite: () => void
}

/** The file is rewritten when it is this many bytes larger than twice its size after the last rewrite. */
const surplusBytes = 1_000_000

const charactersOfWrite = 1_000_000

const newline = 10

const nowhere: KeptFile = { append: () => {}, rewrite: () => {} }

/** The file cannot be read or written (`cause` says why), or it has other content, which is left as it is. */
export class KeptFileError extends Data.TaggedError("KeptFileError")<{
  readonly path: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return this.cause === undefined ?
      `${this.path} holds no events of a DevServer, and would be overwritten: name another file` :
      `${this.path} cannot be used: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

/**
 * Opens the file, and adds its uploads to the store. `warn` is called when it cannot be written any more, for example
 * because the disk is full. The server goes on.
 */
export const open = (
  path: string | undefined,
  store: Store,
  warn: (error: KeptFileError) => void = constVoid
): Effect.Effect<KeptFile, KeptFileError, Scope.Scope> =>
  path === undefined ?
    Effect.succeed(nowhere) :
    Effect.acquireRelease(
      Effect.flatMap(
        attempt(path, () => Fs.existsSync(path) ? Fs.readFileSync(path) : Buffer.alloc(0)),
        (bytes) => {
          let uploads = 0
          for (const line of linesOf(bytes)) {
            Option.map(keptOf(line), ({ inPlace, upload }) => {
              store.receive(upload, inPlace)
              uploads++
            })
          }
          return uploads > 0 || isEmptyOrCut(bytes) ?
            attempt(path, () => new AppendedFile(path, store, warn)) :
            Effect.fail(new KeptFileError({ path }))
        }
      ),
      (file) => Effect.sync(() => file.close())
    )

const attempt = <A>(path: string, run: () => A): Effect.Effect<A, KeptFileError> =>
  Effect.try({ try: run, catch: (cause) => new KeptFileError({ path, cause }) })

class AppendedFile implements KeptFile {
  readonly #path: string
  readonly #store: Store
  readonly #warn: (error: KeptFileError) => void
  #file: number
  #bytes = 0
  #maxBytes = 0
  /** Whether the last write failed. The file may then end in the middle of a line. */
  #isCut = false

  constructor(path: string, store: Store, warn: (error: KeptFileError) => void) {
    this.#path = path
    this.#store = store
    this.#warn = warn
    this.#file = this.#write()
  }

  readonly append = (upload: Upload, inPlace: InPlace | undefined): void =>
    this.#attempt(() => {
      this.#bytes += write(this.#file, `${this.#isCut ? "\n" : ""}${lineOf(upload, inPlace)}`)
      if (this.#bytes > this.#maxBytes) {
        this.#replace()
      }
    })

  readonly rewrite = (): void => this.#attempt(() => this.#replace())

  #attempt(run: () => void): void {
    const failure = Either.flip(Either.try({
      try: run,
      catch: (cause) => new KeptFileError({ path: this.#path, cause })
    }))
    if (Either.isRight(failure) && !this.#isCut) {
      this.#warn(failure.right)
    }
    this.#isCut = Either.isRight(failure)
  }

  #replace(): void {
    const before = this.#file
    this.#file = this.#write()
    Fs.closeSync(before)
  }

  close(): void {
    Fs.closeSync(this.#file)
  }

  /** Writes a new file and renames it, so that a process that ends meanwhile leaves a whole file. */
  #write(): number {
    const path = `${this.#path}.new`
    Fs.rmSync(path, { force: true })
    const file = Fs.openSync(path, "ax", 0o600)
    let bytes = 0
    let text = ""
    for (const upload of this.#store.held) {
      text += lineOf(upload, inPlaceOf(upload))
      if (text.length > charactersOfWrite) {
        bytes += write(file, text)
        text = ""
      }
    }
    this.#bytes = bytes + write(file, text)
    this.#maxBytes = 2 * this.#bytes + surplusBytes
    Fs.renameSync(path, this.#path)
    return file
  }
}

/** Writes a whole text, and gives its length in bytes. One `Fs.writeSync` may write a part only. */
const write = (file: number, text: string): number => {
  const bytes = Buffer.from(text)
  Fs.writeFileSync(file, bytes)
  return bytes.length
}

const inPlaceOf = ({ answer, inPlaceBecause: because }: HeldUpload): InPlace | undefined =>
  because === undefined ? undefined : { answer, because }

const beginningOfLine = "{\"path\":"

/** Whether a file without a readable line is empty, or holds the beginning of one line. */
const isEmptyOrCut = (bytes: Buffer): boolean => {
  const beginning = bytes.toString("utf8", 0, beginningOfLine.length)
  return bytes.length === 0 || beginning === beginningOfLine.slice(0, bytes.length)
}

const lineOf = (
  { bytes, headers, now, path, remoteAddress, text }: Omit<Upload, "body">,
  inPlace: InPlace | undefined
): string =>
  `${JSON.stringify({ path, text, bytes, headers, now, remoteAddress: Option.getOrNull(remoteAddress), inPlace })}\n`

/** Reads the lines one by one, since the file can be larger than the longest string. */
function* linesOf(bytes: Buffer): Generator<string> {
  let from = 0
  while (from < bytes.length) {
    const end = bytes.indexOf(newline, from)
    const to = end === -1 ? bytes.length : end
    yield bytes.toString("utf8", from, to)
    from = to + 1
  }
}

interface Kept {
  readonly upload: Upload
  readonly inPlace: InPlace | undefined
}

/** Parses a line. A process that ended while it wrote can leave an incomplete last line, which is ignored. */
const keptOf = (line: string): Option.Option<Kept> =>
  Option.flatMap(
    Option.liftThrowable((text: string): unknown => JSON.parse(text))(line),
    (value) =>
      Predicate.isRecord(value) && Predicate.isString(value.path) && Predicate.isString(value.text) &&
        Predicate.isNumber(value.bytes) && Predicate.isNumber(value.now) ?
        Option.some({
          upload: {
            path: value.path,
            text: value.text,
            bytes: value.bytes,
            now: value.now,
            headers: Predicate.isRecord(value.headers) ? value.headers as { readonly [name: string]: string } : {},
            remoteAddress: Option.filter(Option.some(value.remoteAddress), Predicate.isString),
            body: Body.parse(value.text, value.path)
          },
          inPlace: Predicate.isRecord(value.inPlace) ? value.inPlace as unknown as InPlace : undefined
        }) :
        Option.none()
  )

/**
 * Reads events from a file or stdin, plain, gzipped or zipped, with lines of JSON or CSV. The stream of records holds
 * only a few pieces of the file at a time.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Csv from "csv-parse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import type * as NodeStreams from "node:stream"
import { pipeline } from "node:stream"
import * as Zlib from "node:zlib"
import * as Yauzl from "yauzl"
import { fromExport } from "./amplitudeExport.js"
import { columnsOf, fromRow } from "./csvEvents.js"
import type { CliFailure } from "./failure.js"
import { failed, fileFailure, usage } from "./failure.js"
import type { RawLine } from "./lines.js"
import { LineSplitter, maxLineBytes } from "./lines.js"

export type Fields = Readonly<Record<string, unknown>>

export interface InputRecord {
  /** The line of the record, from 1. A record of CSV can have several lines: this is the last. */
  readonly line: number
  /** The position of the end of the record in the uncompressed text, in bytes. */
  readonly end: number
  /** The line of the record. Undefined for CSV, and for a line that is too long. */
  readonly text: string | undefined
  /** The event, or the reason why the record is none. */
  readonly event: Either.Either<Fields, string>
}

export type Format = "ndjson" | "csv"

export interface InputOptions {
  readonly format?: Format | undefined
  /** Whether the events come from Amplitude's Export API. */
  readonly isExport?: boolean | undefined
}

export interface Input {
  /** The name to print: the given path, or `stdin`. */
  readonly name: string
  /** The path of the file. Undefined for stdin. */
  readonly path: string | undefined
  readonly format: Format
  readonly container: Container
  /** The size of the file on disk. Undefined for stdin. */
  readonly bytes: number | undefined
  /** A hash of the first bytes, at most 64 KB. It differs for another file with the same name. */
  readonly fingerprint: (bytes: number) => string
  /** How many bytes of the file were read up to now. */
  readonly bytesRead: () => number
  /** The records after the given one, or all. Only plain text is read from the middle. */
  readonly records: (after?: { readonly line: number; readonly end: number }) => Stream.Stream<
    ReadonlyArray<InputRecord>,
    CliFailure
  >
}

export type Container = "plain" | "gzip" | "zip"

const headBytes = 65_536
const chunkBytes = 131_072

/** Opens the input of a command: a path, or `-` for stdin. */
export const open = (given: string, options: InputOptions = {}): Effect.Effect<Input, CliFailure> =>
  given === "-" ? openStdin(options) : openFile(given, options)

const openFile = (path: string, options: InputOptions): Effect.Effect<Input, CliFailure> =>
  Effect.gen(function*() {
    const [size, head] = yield* Effect.try({ try: () => headOf(path), catch: fileFailure(path) })
    const container = containerOf(head)
    let read = 0
    const progress = (bytes: number) => {
      read += bytes
    }
    return {
      name: path,
      path,
      format: options.format ?? formatOf(path, container, head),
      container,
      bytes: size,
      fingerprint: (bytes) => Crypto.createHash("sha256").update(head.subarray(0, bytes)).digest("hex").slice(0, 16),
      bytesRead: () => read,
      records(after) {
        const segments = container === "zip"
          ? zipSegments(path, progress)
          : Stream.succeed(() => {
            // in compressed files, the position in the text is not the position in the file
            const start = container === "plain" && this.format === "ndjson" ? after?.end ?? 0 : 0
            read = start
            const file = Fs.createReadStream(path, { start, highWaterMark: chunkBytes })
            file.on("data", (chunk) => progress(chunk.length))
            return container === "gzip" ? gunzipped(file) : file
          })
        return recordsOf(path, segments, this.format, container === "plain" ? after : undefined, options)
      }
    }
  })

const headOf = (path: string): readonly [size: number, head: Buffer] => {
  const file = Fs.openSync(path, "r")
  const head = Buffer.alloc(headBytes)
  const size = Fs.fstatSync(file).size
  const length = Fs.readSync(file, head, 0, headBytes, 0)
  Fs.closeSync(file)
  return [size, head.subarray(0, length)]
}

const openStdin = (options: InputOptions): Effect.Effect<Input, CliFailure> =>
  Effect.gen(function*() {
    const head = yield* firstChunk(process.stdin)
    const container = containerOf(head)
    if (container === "zip") {
      return yield* usage("a zip archive cannot be read from stdin: name the file")
    }
    let read = 0
    const format = options.format ?? formatOf("", container, head)
    return {
      name: "stdin",
      path: undefined,
      format,
      container,
      bytes: undefined,
      fingerprint: () => "",
      bytesRead: () => read,
      records: () =>
        recordsOf(
          "stdin",
          Stream.succeed(() => {
            process.stdin.on("data", (chunk) => {
              read += chunk.length
            })
            return container === "gzip" ? gunzipped(process.stdin) : process.stdin
          }),
          format,
          undefined,
          options
        )
    }
  })

/** Reads the first bytes of a stream, and puts them back. */
const firstChunk = (readable: NodeStreams.Readable): Effect.Effect<Buffer, CliFailure> =>
  Effect.async<Buffer, CliFailure>((resume) => {
    const end = () => done(Effect.succeed(Buffer.alloc(0)))
    const fail = (error: Error) => done(Effect.fail(fileFailure("stdin")(error)))
    const look = () => {
      const chunk = readable.read() as Buffer | null
      if (chunk === null) return
      readable.unshift(chunk)
      done(Effect.succeed(chunk))
    }
    const done = (effect: Effect.Effect<Buffer, CliFailure>) => {
      readable.off("readable", look).off("end", end).off("error", fail)
      resume(effect)
    }
    readable.on("readable", look).on("end", end).on("error", fail)
  })

const containerOf = (head: Uint8Array): Container =>
  head[0] === 0x1f && head[1] === 0x8b
    ? "gzip"
    : head[0] === 0x50 && head[1] === 0x4b && head[2]! <= 8
    ? "zip"
    : "plain"

/** The format by the name of the file, or else by its beginning: a JSON event begins with a brace. */
const formatOf = (name: string, container: Container, head: Buffer): Format => {
  if (/\.csv(\.gz)?$/i.test(name)) return "csv"
  if (container === "zip" || /\.(nd|l)?jsonl?(\.gz)?$/i.test(name)) return "ndjson"
  const text = (container === "gzip" ? beginningOf(head) : head).toString("utf8", 0, 1024).replace(/^\ufeff/, "")
  return /^\s*[{[]/.test(text) || !/^[^\n]*\bevent_type\b/.test(text) ? "ndjson" : "csv"
}

const beginningOf = (head: Buffer): Buffer =>
  Either.getOrElse(
    Either.try(() => Zlib.gunzipSync(head, { finishFlush: Zlib.constants.Z_SYNC_FLUSH })),
    () => Buffer.alloc(0)
  )

const ignore = (): void => {}

/** Decompresses a stream. `pipeline` passes the errors of both streams on. */
const gunzipped = (readable: NodeStreams.Readable): NodeStreams.Readable =>
  pipeline(readable, Zlib.createGunzip({ chunkSize: chunkBytes }), ignore)

// -- zip ---------------------------------------------------------------------------------------------------------------

type Segment = () => NodeStreams.Readable

const inOrder = new Intl.Collator("en", { numeric: true })

/** The files of an archive in the order of their names. In Amplitude's exports this is the order of time. */
const zipSegments = (path: string, progress: (bytes: number) => void): Stream.Stream<Segment, CliFailure> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const archive = yield* Effect.acquireRelease(openZip(path), (archive) => Effect.sync(() => archive.close()))
    const entries = yield* entriesOf(path, archive)
    return Stream.fromIterable(entries).pipe(
      Stream.mapEffect((entry) =>
        Effect.map(openEntry(path, archive, entry), (readable): Segment => () => {
          progress(entry.compressedSize)
          return /\.gz$/i.test(entry.fileName) ? gunzipped(readable) : readable
        })
      )
    )
  }))

const openZip = (path: string): Effect.Effect<Yauzl.ZipFile, CliFailure> =>
  Effect.async<Yauzl.ZipFile, CliFailure>((resume) =>
    Yauzl.open(
      path,
      { lazyEntries: true, autoClose: false },
      (error, archive) => resume(error === null ? Effect.succeed(archive) : Effect.fail(fileFailure(path)(error)))
    )
  )

const entriesOf = (path: string, archive: Yauzl.ZipFile): Effect.Effect<ReadonlyArray<Yauzl.Entry>, CliFailure> =>
  Effect.async<ReadonlyArray<Yauzl.Entry>, CliFailure>((resume) => {
    const entries: Array<Yauzl.Entry> = []
    archive.on("entry", (entry: Yauzl.Entry) => {
      if (!entry.fileName.endsWith("/") && !/(^|\/)(__MACOSX\/|\.)/.test(entry.fileName)) entries.push(entry)
      archive.readEntry()
    })
    archive.on("end", () => resume(Effect.succeed(entries.sort((a, b) => inOrder.compare(a.fileName, b.fileName)))))
    archive.on("error", (error: Error) => resume(Effect.fail(fileFailure(path)(error))))
    archive.readEntry()
  })

const openEntry = (
  path: string,
  archive: Yauzl.ZipFile,
  entry: Yauzl.Entry
): Effect.Effect<NodeStreams.Readable, CliFailure> =>
  Effect.async<NodeStreams.Readable, CliFailure>((resume) =>
    archive.openReadStream(
      entry,
      (error, readable) => resume(error === null ? Effect.succeed(readable) : Effect.fail(fileFailure(path)(error)))
    )
  )

// -- records -----------------------------------------------------------------------------------------------------------

const recordsOf = (
  name: string,
  segments: Stream.Stream<Segment, CliFailure>,
  format: Format,
  after: { readonly line: number; readonly end: number } | undefined,
  options: InputOptions
): Stream.Stream<ReadonlyArray<InputRecord>, CliFailure> => {
  if (format === "csv") {
    return Stream.suspend(() => {
      const read = { line: 0, end: 0 }
      return Stream.flatMap(segments, (open) => csvRecords(name, open, read))
    })
  }
  const toEvent = options.isExport === true ? exportEventOf : eventOf
  const toRecord = ({ end, line, text }: RawLine): InputRecord => ({
    line,
    end,
    text,
    event: text === undefined ? tooLong : toEvent(text)
  })
  return Stream.suspend(() => {
    const lines = new LineSplitter(after)
    return Stream.flatMap(segments, (open) =>
      Stream.concat(
        Stream.map(bytesOf(name, open), (bytes) => lines.push(bytes)),
        Stream.sync(() => lines.finish())
      ))
  }).pipe(
    Stream.filter((lines) => lines.length > 0),
    Stream.map((lines) => lines.map(toRecord))
  )
}

const bytesOf = (name: string, open: Segment): Stream.Stream<Uint8Array, CliFailure> =>
  NodeStream.fromReadable<CliFailure, Uint8Array>(open, fileFailure(name))

const tooLong = Either.left(`it is longer than ${maxLineBytes / 1_000_000} MB, the most that one request can hold`)

const parse = Either.try as <A>(options: {
  readonly try: () => A
  readonly catch: (error: unknown) => string
}) => Either.Either<A, string>

/** Describes a JSON error by its position. The message of V8 quotes the text, which can hold personal data. */
const jsonFault = (error: unknown): string => {
  const position = /at position (\d+)/.exec(String(error))?.[1]
  return position !== undefined
    ? `it is not JSON: character ${Number(position) + 1} is wrong`
    : /end of JSON/.test(String(error))
    ? "it is not JSON: it ends too early"
    : "it is not JSON"
}

const eventOf = (text: string): Either.Either<Fields, string> =>
  Either.flatMap(
    parse({ try: (): unknown => JSON.parse(text), catch: jsonFault }),
    (value) =>
      Predicate.isRecord(value)
        ? Either.right(value as Fields)
        : Either.left(
          Array.isArray(value)
            ? "it is a JSON array: write one event a line (jq -c '.[]' does that)"
            : "it is not a JSON object"
        )
  )

const exportEventOf = (text: string): Either.Either<Fields, string> => Either.map(eventOf(text), fromExport)

interface CsvRow {
  readonly record: ReadonlyArray<string>
  readonly info: { readonly lines: number; readonly bytes: number }
}

/** The records of one file. `read` is the position after the last record: the files of an archive are one text. */
const csvRecords = (
  name: string,
  open: Segment,
  read: { line: number; end: number }
): Stream.Stream<ReadonlyArray<InputRecord>, CliFailure> =>
  Stream.suspend(() => {
    const start = { ...read }
    let columns: ReturnType<typeof columnsOf> | undefined
    return NodeStream.fromReadable<CliFailure, CsvRow>(
      () =>
        pipeline(
          open(),
          Csv.parse({
            bom: true,
            info: true,
            relax_column_count: true,
            skip_empty_lines: true,
            // a quote that is not closed would read the rest of the file into memory
            max_record_size: maxLineBytes
          }),
          ignore
        ),
      (error) => failed(`${name}: ${csvFault(error, read.line)}`)
    ).pipe(
      Stream.chunks,
      Stream.mapEffect((rows) =>
        Effect.gen(function*() {
          const records: Array<InputRecord> = []
          for (const { info, record } of rows) {
            read.line = start.line + info.lines
            read.end = start.end + info.bytes
            if (columns === undefined) {
              columns = columnsOf(record)
              if (Either.isLeft(columns)) return yield* usage(`${name}: ${columns.left}`)
            } else if (Either.isRight(columns)) {
              records.push({
                line: read.line,
                end: read.end,
                text: undefined,
                event: fromRow(columns.right, record)
              })
            }
          }
          return records
        })
      )
    )
  })

/** Describes a CSV error by its line. The message of the parser quotes the text, which can hold personal data. */
const csvFault = (error: unknown, lastLine: number): string => {
  const { code, lines, message } = error as {
    readonly code?: unknown
    readonly lines?: unknown
    readonly message: string
  }
  const fault = code === "CSV_MAX_RECORD_SIZE" || code === "CSV_QUOTE_NOT_CLOSED"
    ? `a quote after line ${lastLine} is not closed`
    : typeof code === "string" && /^(INVALID_OPENING|CSV_INVALID_CLOSING)_QUOTE$/.test(code)
    ? `line ${typeof lines === "number" ? lines : lastLine + 1} has a quote where none may be`
    : message.split("\n", 1)[0]!
  return `${fault}: correct the quotes there, or send the lines before it alone`
}

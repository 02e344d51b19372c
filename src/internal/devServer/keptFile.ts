/** A file with the uploads that came, one a line, so that they are there after a restart. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Ingestion from "./ingestion.js"
import type { Store, Upload } from "./store.js"

/** Where uploads are kept; nowhere, without a path. */
export interface KeptFile {
  readonly append: (upload: Upload) => void
  readonly clear: () => void
}

const maxLines = 1000

const nowhere: KeptFile = { append: () => {}, clear: () => {} }

/** Reads the file, takes its uploads again, and opens it for those to come. A file that cannot be opened is a defect. */
export const open = (path: string | undefined, store: Store): Effect.Effect<KeptFile, never, Scope.Scope> =>
  path === undefined ?
    Effect.succeed(nowhere) :
    Effect.acquireRelease(
      Effect.sync(() => {
        const lines = Fs.existsSync(path)
          ? Fs.readFileSync(path, "utf8").split("\n").filter(Boolean).slice(-maxLines)
          : []
        lines.forEach((line) => Option.map(uploadOf(line), (upload) => store.receive(upload, undefined)))
        Fs.writeFileSync(path, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 })
        Fs.chmodSync(path, 0o600)
        return Fs.openSync(path, "a", 0o600)
      }),
      (file) => Effect.sync(() => Fs.closeSync(file))
    ).pipe(Effect.map((file): KeptFile => ({
      append: ({ body: _, remoteAddress, ...upload }) =>
        void Fs.writeSync(
          file,
          `${
            JSON.stringify({
              ...upload,
              body: _._tag === "Right" ? _.right : null,
              remoteAddress: Option.getOrNull(remoteAddress)
            })
          }\n`
        ),
      clear: () => Fs.ftruncateSync(file)
    })))

const uploadOf = (line: string): Option.Option<Upload> =>
  Option.flatMap(
    Option.liftThrowable((text: string): unknown => JSON.parse(text))(line),
    (value) =>
      Predicate.isRecord(value) && Predicate.isString(value.path) && Predicate.isString(value.text) &&
        Predicate.isNumber(value.bytes) && Predicate.isNumber(value.now) ?
        Option.some({
          path: value.path,
          text: value.text,
          bytes: value.bytes,
          now: value.now,
          headers: Predicate.isRecord(value.headers) ? value.headers as { readonly [name: string]: string } : {},
          remoteAddress: Option.filter(Option.some(value.remoteAddress), Predicate.isString),
          body: Predicate.isRecord(value.body) ? Either.right(value.body) : Ingestion.readBody(value.text)
        }) :
        Option.none()
  )

/** Runs the command line as its users do: the bundle, in a process of its own. */
import { assert } from "@effect/vitest"
import type { ChildProcessWithoutNullStreams } from "node:child_process"
import { execFileSync, spawn } from "node:child_process"
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"

export const root = fileURLToPath(new URL("../../..", import.meta.url))

/** A folder that is removed when the tests of the file are over. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "effect-amplitude-cli-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Builds the bundle, far from any `node_modules`, or copies it if the package was packed for the tests. */
export const bundle = (): string => {
  const folder = temporaryFolder()
  if (process.env["AMPLITUDE_TEST_TARBALL"] === undefined) {
    execFileSync(process.execPath, [join(root, "src/internal/cli/bundle.mjs"), folder], { cwd: root, stdio: "pipe" })
  } else for (const name of ["bin.js", "bin.LICENSES.txt"]) copyFileSync(join(root, "dist", name), join(folder, name))
  return join(folder, "bin.js")
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Options {
  readonly cwd?: string
  readonly stdin?: string | Uint8Array
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** Waits until the output matches a pattern, and gives the match. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>
}

export const start = (file: string, args: ReadonlyArray<string>, options: Options = {}): Running => {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...options.env }
  })
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
  })
  child.stdin.on("error", () => {})
  child.stdin.end(options.stdin ?? "")
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return {
    child,
    ended,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(stdout) ?? pattern.exec(stderr)
          if (found !== null) resolve(found)
        }
        child.stdout.on("data", look)
        child.stderr.on("data", look)
        void ended.then(() => reject(new Error(`It ended without printing ${pattern}: ${stdout}${stderr}`)))
        look()
      })
  }
}

export const run = (file: string, args: ReadonlyArray<string>, options?: Options): Promise<Ended> =>
  start(file, args, options).ended

/** The last line of stdout, which is JSON. */
export const lastJson = ({ stderr, stdout }: Ended): any => {
  const line = stdout.trimEnd().split("\n").at(-1) ?? ""
  assert.match(line, /^\{.*\}$/, `stdout: ${stdout}\nstderr: ${stderr}`)
  return JSON.parse(line)
}

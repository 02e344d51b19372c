/** The examples, each as a process of its own against a local server. The gate `demo` runs one with `tsx`. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { DevServer } from "effect-amplitude/DevServer"
import { spawn } from "node:child_process"
import { built } from "./built.js"

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

interface Options {
  readonly args?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

/** An example that runs until it ends, or until the scope closes. */
export const start = (name: string, { args = [], env = {} }: Options = {}) =>
  Effect.gen(function*() {
    const server = yield* DevServer
    const cwd = yield* Effect.promise(built)
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [`examples/${name}.js`, ...args], {
          cwd,
          env: {
            ...process.env,
            OTHER_API_URL: undefined,
            OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
            AMPLITUDE_API_KEY: "key",
            AMPLITUDE_SERVER_URL: server.urlV2,
            PORT: "0",
            ...env
          },
          stdio: ["ignore", "pipe", "pipe"]
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    let stdout = ""
    let stderr = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on("error", reject)
      child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }))
    })
    return {
      signal: (signal: NodeJS.Signals) => Effect.sync(() => child.kill(signal)),
      output: () => stdout,
      /** Waits until the output matches a pattern, and gives the match. */
      printed: (pattern: RegExp) =>
        Effect.promise(() =>
          new Promise<string>((resolve, reject) => {
            const look = () => {
              const found = pattern.exec(stdout)
              if (found !== null) resolve(found[0])
            }
            child.stdout.on("data", look)
            child.on("close", () => reject(new Error(`It ended without printing ${pattern}: ${stdout}${stderr}`)))
            look()
          })
        ),
      ended: Effect.promise(() => ended)
    }
  })

/** The output of an example that has ended. It must have ended without an error. */
export const printedBy = ({ code, signal, stderr, stdout }: Ended): string => {
  assert.deepStrictEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" }, stdout)
  return stdout
}

/** Runs an example to its end. */
export const run = (name: string, options?: Options) =>
  Effect.flatMap(start(name, options), (example) => Effect.map(example.ended, printedBy))

/** Runs the command of `dev`. It gets the server in its environment, and the signals of `dev`. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import * as Os from "node:os"
import type { CliFailure } from "./failure.js"
import { failed, reasonOf } from "./failure.js"

export interface Child {
  /** The exit status. A command that a signal ended has the status that a shell would give. */
  readonly exitCode: Effect.Effect<number>
}

/** The longest that a command may take to end after a signal. */
const grace = "10 seconds"

const signals: ReadonlyArray<NodeJS.Signals> = ["SIGINT", "SIGTERM", "SIGHUP"]

export const run = (
  [command, ...args]: readonly [string, ...ReadonlyArray<string>],
  env: Readonly<Record<string, string | undefined>>
): Effect.Effect<Child, CliFailure, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(start(command, args, env), (child) => end(child)),
    (child): Child => ({ exitCode: exitOf(child) })
  )

const start = (
  command: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string | undefined>>
): Effect.Effect<ChildProcess, CliFailure> =>
  Effect.async<ChildProcess, CliFailure>((resume) => {
    const child = spawn(command, args, {
      stdio: "inherit",
      env: { ...process.env, ...env },
      // on Windows, npm and similar commands are scripts
      shell: process.platform === "win32"
    })
    child.once("error", (error) => resume(Effect.fail(failed(`${command}: it cannot be run (${reasonOf(error)})`))))
    child.once("spawn", () => {
      for (const signal of signals) {
        const passOn = () => {
          // the terminal sends Ctrl+C to every process in the foreground itself
          if (signal !== "SIGINT" || process.stdin.isTTY !== true) child.kill(signal)
        }
        process.on(signal, passOn)
        child.once("exit", () => process.off(signal, passOn))
      }
      resume(Effect.succeed(child))
    })
  })

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const exitOf = (child: ChildProcess): Effect.Effect<number> =>
  Effect.async<number>((resume) => {
    const done = () => resume(Effect.sync(() => codeOf(child)))
    if (hasEnded(child)) return done()
    child.once("exit", done)
    return Effect.sync(() => void child.off("exit", done))
  })

const codeOf = ({ exitCode, signalCode }: ChildProcess): number =>
  exitCode ?? 128 + (signalCode === null ? 0 : Os.constants.signals[signalCode])

/** Waits for the end of a command that has got a signal, and kills it after `grace`. */
const end = (child: ChildProcess): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (hasEnded(child)) return Effect.void
    return Effect.timeoutOption(exitOf(child), grace).pipe(
      Effect.zipRight(Effect.sync(() => {
        if (!hasEnded(child)) child.kill("SIGKILL")
      })),
      Effect.zipRight(Effect.asVoid(exitOf(child)))
    )
  })

/** Servers that tests start, each as a process of its own on a free port and in a folder of its own. */
import { Data, Effect, Schedule } from "effect"
import type { ChildProcess } from "node:child_process"
import { spawn, spawnSync } from "node:child_process"
import { chownSync, cpSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** Servers refuse to run as root: they run as "nobody". */
const nobody = 65534
const isRoot = process.getuid?.() === 0
export const asNobody = isRoot ? { uid: nobody, gid: nobody } : {}

const folderIn = (parent: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(parent, "effect-amplitude-"))
      if (isRoot) chownSync(folder, nobody, nobody)
      return folder
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  )

export const temporaryFolder = folderIn(tmpdir())

const memory = "/dev/shm"

/** A folder in memory, for a server that syncs every write to its disk. The files outlive the process of the server. */
export const folderInMemory = folderIn(existsSync(memory) ? memory : tmpdir())

/**
 * A port below those that Linux gives to connections and to servers without a port of their own, so that nobody takes it
 * before its server starts, or while its server is down. A node of a Redis cluster also needs the port that is higher by
 * 10000. Browsers refuse the port 10080.
 */
export const freePort: Effect.Effect<number> = Effect.async<number, Error>((resume) => {
  const port = 11_000 + Math.floor(Math.random() * 9_000)
  const server = createServer()
  server.once("error", (error) => resume(Effect.fail(error)))
  server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.succeed(port))))
}).pipe(Effect.retry({ times: 20 }), Effect.orDie)

/** The folder, or a copy of it if "nobody" cannot read it. */
export const readable = (folder: string, into: string): string => {
  for (let path = folder; isRoot && path !== dirname(path); path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) {
      const copy = join(into, "binaries")
      if (!existsSync(copy)) cpSync(folder, copy, { recursive: true, verbatimSymlinks: true })
      return copy
    }
  }
  return folder
}

export const runOnce = (command: string, args: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.sync(() => {
    const { error, status, stderr } = spawnSync(command, args, { ...asNobody, encoding: "utf8" })
    if (error !== undefined || status !== 0) throw error ?? new Error(`${command} ended with ${status}: ${stderr}`)
  })

/** Whether a program is installed. */
export const isInstalled = (program: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${program}`], { env: { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` } })
    .status === 0

class NotStarted extends Data.TaggedError("NotStarted")<{ readonly message: string }> {}

export interface Daemon {
  readonly start: Effect.Effect<void>
  /** Kills it at once. */
  readonly kill: Effect.Effect<void>
}

/** A server that can be killed and started again. It is killed with its scope. */
export const daemon = (command: string, args: ReadonlyArray<string>, isReady: RegExp) =>
  Effect.gen(function*() {
    let child: ChildProcess | undefined = undefined
    const kill = Effect.promise(() =>
      new Promise<void>((resolve) => {
        const running = child
        child = undefined
        if (running === undefined || running.exitCode !== null) return resolve()
        running.once("exit", () => resolve())
        running.kill("SIGKILL")
      })
    )
    const startOnce = Effect.async<void, NotStarted>((resume) => {
      const started = child = spawn(command, args, {
        ...asNobody,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...process.env,
          PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`
        }
      })
      let output = ""
      const look = (text: string) => {
        output += text
        if (isReady.test(output)) resume(Effect.void)
      }
      const fail = (message: string) => resume(new NotStarted({ message }))
      started.stdout.setEncoding("utf8").on("data", look)
      started.stderr.setEncoding("utf8").on("data", look)
      started.once("error", (error) => fail(error.message))
      started.once("exit", (code) => fail(`${command} ended with ${code}: ${output}`))
    })
    // the processes that a killed Postgres leaves hold its memory until they notice
    const start = startOnce.pipe(
      Effect.retry({
        while: (error) => error.message.includes("still in use"),
        schedule: Schedule.spaced("100 millis").pipe(Schedule.upTo("30 seconds"))
      }),
      Effect.orDie
    )
    yield* Effect.addFinalizer(() => kill)
    yield* start
    return { start, kill } satisfies Daemon
  })

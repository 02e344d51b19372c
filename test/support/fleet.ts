/** Processes that share an outbox, and the service that they send to. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Batch, MemberOptions } from "./outboxMember.js"

const script = fileURLToPath(new URL("../../node_modules/.outbox/member.mjs", import.meta.url))
const root = fileURLToPath(new URL("../..", import.meta.url))

/** Bundles the process once: it starts in a fraction of the time. */
export const bundle = Effect.promise(() =>
  build({
    entryPoints: [fileURLToPath(new URL("outboxMember.ts", import.meta.url))],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "error",
    plugins: [{
      name: "sources",
      setup: ({ onResolve }) => {
        onResolve({ filter: /^effect-amplitude\// }, ({ path }) => ({
          path: join(root, "src", `${path.slice("effect-amplitude/".length)}.ts`)
        }))
      }
    }]
  })
)

interface Arrival {
  readonly sender: string
  readonly user_id: string
  readonly body: string
}

/** Takes every batch, and remembers what arrived. */
export const service = Effect.acquireRelease(
  Effect.promise(async () => {
    /** By insert_id, in the order of the first arrival. */
    const arrivals = new Map<string, Array<Arrival>>()
    const server = createServer((request, response) => {
      let text = ""
      request.setEncoding("utf8").on("data", (part: string) => {
        text += part
      })
      request.on("end", () => {
        const { events, sender } = JSON.parse(text) as Batch
        for (const event of events) {
          const arrived = arrivals.get(event.insert_id)
          const arrival = { sender, user_id: event.user_id, body: JSON.stringify(event) }
          if (arrived === undefined) arrivals.set(event.insert_id, [arrival])
          else arrived.push(arrival)
        }
        response.end("{}")
      })
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    return { arrivals, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  }),
  ({ server }) =>
    Effect.promise(() =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      })
    )
)

export interface Member {
  readonly name: string
  readonly child: ChildProcess
  /** The insert_ids of what was accepted. */
  readonly accepted: ReadonlyArray<string>
  readonly isStored: () => boolean
}

/** Starts a process, which is killed with the scope. */
export const member = (options: MemberOptions) =>
  Effect.acquireRelease(
    Effect.sync((): Member => {
      const child = spawn(process.execPath, [script, JSON.stringify(options)], {
        cwd: root,
        stdio: ["ignore", "pipe", "inherit"]
      })
      const accepted: Array<string> = []
      let isStored = false
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line === "stored") isStored = true
        else accepted.push(line.slice("accepted ".length))
      })
      return { name: options.name, child, accepted, isStored: () => isStored }
    }),
    kill
  )

/** Kills a process, and waits for its end. */
export const kill = ({ child }: Member): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, "exit")
    child.kill("SIGKILL")
    await exit
  })

/**
 * Everything accepted has arrived; the first arrivals of each client's events of one lane are in order; no insert_id has two
 * bodies; and what arrived twice was sent by a process that was killed or stopped. Answers how many arrived twice.
 */
export const check = (
  arrivals: ReadonlyMap<string, ReadonlyArray<Arrival>>,
  accepted: ReadonlyArray<string>,
  disturbed: ReadonlySet<string>
): number => {
  assert.deepStrictEqual(accepted.filter((id) => !arrivals.has(id)), [])
  const last = new Map<string, number>()
  for (const [id, [first]] of arrivals) {
    const [client, place] = id.split(" ")
    const lane = `${client} ${first!.user_id}`
    assert.isAbove(Number(place), last.get(lane) ?? -1, `${id} of ${lane} came too late`)
    last.set(lane, Number(place))
  }
  let twice = 0
  for (const [id, arrived] of arrivals) {
    assert.strictEqual(new Set(arrived.map(({ body }) => body)).size, 1, id)
    if (arrived.length === 1) continue
    twice++
    assert.isTrue(
      arrived.some(({ sender }) => disturbed.has(sender)),
      `${id}: ${arrived.map(({ sender }) => sender).join(", ")}`
    )
  }
  return twice
}

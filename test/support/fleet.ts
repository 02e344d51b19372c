/**
 * Processes that share an outbox, and the service that they send to. `OUTBOX_EVENTS` is how many events they store, and
 * makes the fleet one of eight processes; `OUTBOX_ROUNDS` is how often a single process is killed.
 */
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

const root = fileURLToPath(new URL("../..", import.meta.url))
// two test files use it at the same time: neither may write it while the other one starts it
const script = join(root, `node_modules/.outbox/member-${process.env["VITEST_POOL_ID"]}.mjs`)

/** Bundles the process once with its packages, so that it starts in a third of the time. */
export const bundle = Effect.promise(() =>
  build({
    entryPoints: [fileURLToPath(new URL("outboxMember.ts", import.meta.url))],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    // the packages with native code, and those that CommonJS requires
    external: ["better-sqlite3", "pg-native"],
    banner: { js: `import { createRequire } from "node:module"\nconst require = createRequire(import.meta.url)` },
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
const service = Effect.acquireRelease(
  Effect.promise(async () => {
    /** By insert_id, in the order of the first arrival. */
    const arrivals = new Map<string, Array<Arrival>>()
    const server = createServer((request, response) => {
      let text = ""
      request.setEncoding("utf8").on("data", (part: string) => {
        text += part
      })
      request.on("end", () => {
        const sender = decodeURIComponent(request.url!.slice(1))
        const { events } = JSON.parse(text) as Batch
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

interface Member {
  readonly name: string
  readonly child: ChildProcess
  /** The insert_ids of the accepted events. */
  readonly accepted: ReadonlyArray<string>
  /** The insert_ids of its reports. */
  readonly delivered: ReadonlyArray<string>
  readonly dropped: ReadonlyArray<string>
  readonly isStored: () => boolean
}

/** Starts a process, which is killed with the scope. */
const member = (options: MemberOptions) =>
  Effect.acquireRelease(
    Effect.sync((): Member => {
      const url = options.url === undefined ? undefined : `${options.url}/${encodeURIComponent(options.name)}`
      const child = spawn(process.execPath, [script, JSON.stringify({ ...options, url })], {
        cwd: root,
        stdio: ["ignore", "pipe", "inherit"]
      })
      const accepted: Array<string> = []
      const delivered: Array<string> = []
      const dropped: Array<string> = []
      let isStored = false
      const lists: ReadonlyArray<readonly [start: string, ids: Array<string>]> = [
        ["accepted ", accepted],
        ["reported Delivered ", delivered],
        ["reported Dropped ", dropped]
      ]
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line === "stored") isStored = true
        for (const [start, ids] of lists) if (line.startsWith(start)) ids.push(line.slice(start.length))
      })
      return { name: options.name, child, accepted, delivered, dropped, isStored: () => isStored }
    }),
    kill
  )

/** Kills a process, and waits for its end. */
const kill = ({ child }: Member): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, "exit")
    child.kill("SIGKILL")
    await exit
  })

/**
 * Checks that every accepted event has arrived, that the first arrivals of a client's events of one lane are in order,
 * that no insert_id has two bodies, that only killed or stopped processes sent events twice, and that no event was dropped
 * or reported twice. The result is the number of events that arrived twice.
 */
const check = (
  arrivals: ReadonlyMap<string, ReadonlyArray<Arrival>>,
  members: ReadonlyArray<Member>,
  disturbed: ReadonlySet<string>
): number => {
  assert.deepStrictEqual(members.flatMap(({ accepted }) => accepted).filter((id) => !arrivals.has(id)), [])
  assert.deepStrictEqual(members.flatMap(({ dropped }) => dropped), [])
  const reported = new Set<string>()
  for (const id of members.flatMap(({ delivered }) => delivered)) {
    assert.isTrue(arrivals.has(id), `${id} was reported and did not arrive`)
    assert.isFalse(reported.has(id), `${id} was reported twice`)
    reported.add(id)
  }
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

export const isWhole = process.env["OUTBOX_EVENTS"] !== undefined
const events = Number(process.env["OUTBOX_EVENTS"] ?? 1000)
export const rounds = Number(process.env["OUTBOX_ROUNDS"] ?? 4)

/** How many processes store, and how many send. */
const size = isWhole ? 4 : 2

/** How long a process may take to start, in milliseconds. The whole runs beside others. */
const startLimit = isWhole ? 600_000 : 60_000

/** The most that `fleet` takes, in milliseconds. */
export const fleetLimit = 120_000 + startLimit + events * 10

const leaseDuration = 1500

const until = (isSo: () => boolean, what: () => string, limit: number) =>
  Effect.gen(function*() {
    const end = Date.now() + limit
    while (!isSo()) {
      if (Date.now() > end) return assert.fail(what())
      yield* Effect.sleep(20)
    }
  })

/** Processes that store and send, and are killed and stopped at any moment until everything has arrived. */
export const fleet = (database: Pick<MemberOptions, "dialect" | "port" | "filename">) =>
  Effect.gen(function*() {
    const { arrivals, url } = yield* service
    const disturbed = new Set<string>()
    const base = { ...database, table: "fleet", leaseDuration, users: Math.min(2000, Math.ceil(events / 20)) }
    const members: Array<Member> = []
    const start = (role: string, options: Pick<MemberOptions, "events" | "url">) =>
      Effect.suspend(() => member({ ...base, ...options, name: `${role} ${members.length + 1}` })).pipe(
        Effect.tap((started) => Effect.sync(() => members.push(started)))
      )
    const web = (count: number) => start("web", { events: count, url: undefined })
    const worker = start("worker", { events: 0, url })

    const webs: Array<Member> = []
    for (let index = 0; index < size; index++) webs.push(yield* web(Math.ceil(events / size)))
    const workers: Array<Member> = []
    for (let index = 0; index < size; index++) workers.push(yield* worker)
    const accepted = () => webs.flatMap(({ accepted }) => accepted)
    const isDone = () =>
      webs.every((web) => web.isStored() || web.child.signalCode !== null) && accepted().every((id) => arrivals.has(id))
    let wounds = 0
    const disturb = Effect.gen(function*() {
      yield* until(() => arrivals.size > 0, () => "no event arrived", startLimit)
      // at least one kill and one stop, even if everything has arrived before
      while (!isDone() || wounds < 2) {
        yield* Effect.sleep(500 + Math.random() * 500)
        const place = Math.floor(Math.random() * workers.length)
        const victim = workers[place]!
        disturbed.add(victim.name)
        wounds++
        if (wounds % 2 === 0) {
          victim.child.kill("SIGSTOP")
          yield* Effect.sleep(leaseDuration * 1.5)
          victim.child.kill("SIGCONT")
        } else {
          yield* kill(victim)
          workers[place] = yield* worker
        }
        // once a process that stores is killed: its accepted events are not lost, and another process stores the others
        if (wounds === 2) {
          const [victim] = webs
          yield* kill(victim!)
          webs.push(yield* web(Math.ceil(events / size) - victim!.accepted.length))
        }
      }
    })
    yield* disturb
    const twice = check(arrivals, members, disturbed)
    assert.isAtLeast(arrivals.size, accepted().length)
    yield* Effect.logInfo(`${accepted().length} events, ${wounds} kills and stops, ${twice} events arrived twice`)
  })

/** The most that `killed` takes, in milliseconds. */
export const killedLimit = startLimit + rounds * 10_000

/**
 * One process that stores and sends, is killed at any moment, and starts again: everything that was accepted arrives.
 */
export const killed = (database: Pick<MemberOptions, "dialect" | "port" | "filename">) =>
  Effect.gen(function*() {
    const { arrivals, url } = yield* service
    const members: Array<Member> = []
    const disturbed = new Set<string>()
    const start = (round: number, events: number) =>
      member({ ...database, name: `round ${round}`, table: "outbox", leaseDuration: 1000, users: 50, events, url })
    for (let round = 0; round < rounds; round++) {
      const process = yield* start(round, 1_000_000)
      yield* until(() => process.accepted.length > 0, () => "nothing was accepted", startLimit)
      yield* Effect.sleep(Math.random() * 400)
      yield* kill(process)
      disturbed.add(process.name)
      members.push(process)
    }
    members.push(yield* start(rounds, 0))
    const accepted = members.flatMap(({ accepted }) => accepted)
    yield* until(
      () => accepted.every((id) => arrivals.has(id)),
      () => `${accepted.filter((id) => !arrivals.has(id)).length} of ${accepted.length} events did not arrive`,
      30_000 + accepted.length
    )
    const twice = check(arrivals, members, disturbed)
    yield* Effect.logInfo(`${accepted.length} events in ${rounds} rounds, ${twice} arrived twice`)
  })

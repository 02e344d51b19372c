/**
 * S8: processes that share an outbox, and are killed and stopped at any moment. The whole of it takes minutes:
 * `OUTBOX_EVENTS=100000 OUTBOX_ROUNDS=200 npx vitest run test/SqlEventStorage.fleet.test.ts`.
 */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import type { Member } from "./support/fleet.js"
import { bundle, check, kill, member, service } from "./support/fleet.js"
import { mariadb, missing } from "./support/mariadb.js"
import type { MemberOptions } from "./support/outboxMember.js"
import { postgres } from "./support/postgres.js"
import { temporaryFolder } from "./support/processes.js"

const isWhole = process.env["OUTBOX_EVENTS"] !== undefined
const events = Number(process.env["OUTBOX_EVENTS"] ?? 1000)
const rounds = Number(process.env["OUTBOX_ROUNDS"] ?? 4)
/** How many processes store, and how many send. */
const size = isWhole ? 4 : 2

const leaseDuration = 1500

beforeAll(() => Effect.runPromise(Effect.asVoid(bundle)), 60_000)

const until = (isSo: () => boolean, what: () => string, limit: number) =>
  Effect.gen(function*() {
    const end = Date.now() + limit
    while (!isSo()) {
      if (Date.now() > end) return assert.fail(what())
      yield* Effect.sleep(20)
    }
  })

const fleet = (database: Pick<MemberOptions, "dialect" | "port" | "filename">) =>
  Effect.gen(function*() {
    const { arrivals, url } = yield* service
    const disturbed = new Set<string>()
    const base = { ...database, table: "fleet", leaseDuration, users: Math.min(2000, Math.ceil(events / 20)) }
    let members = 0
    const web = (count: number) => member({ ...base, name: `web ${++members}`, events: count, url: undefined })
    const worker = Effect.suspend(() => member({ ...base, name: `worker ${++members}`, events: 0, url }))

    const webs: Array<Member> = []
    for (let index = 0; index < size; index++) webs.push(yield* web(Math.ceil(events / size)))
    const workers: Array<Member> = []
    for (let index = 0; index < size; index++) workers.push(yield* worker)
    const accepted = () => webs.flatMap(({ accepted }) => accepted)
    const isDone = () =>
      webs.every((web) => web.isStored() || web.child.signalCode !== null) && accepted().every((id) => arrivals.has(id))
    let wounds = 0
    const disturb = Effect.gen(function*() {
      yield* until(() => arrivals.size > 0, () => "no event arrived", 60_000)
      while (!isDone()) {
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
        // and once a process that stores: what it had accepted is not lost
        if (wounds === 2) yield* kill(webs[0]!)
      }
    })
    yield* disturb
    assert.isAbove(wounds, 1)
    const twice = check(arrivals, accepted(), disturbed)
    assert.isAtLeast(arrivals.size, accepted().length)
    yield* Effect.logInfo(`${accepted().length} events, ${wounds} kills and stops, ${twice} events arrived twice`)
  })

const limit = 120_000 + events * 10

describe("a fleet that shares an outbox", () => {
  it.scopedLive(
    "on Postgres loses nothing, keeps the order of each lane, and doubles only what was in flight",
    () => Effect.flatMap(postgres(18), ({ port }) => fleet({ dialect: "pg", port })),
    limit
  )

  it.scopedLive.skipIf(!isWhole || missing.length > 0)(
    `on MariaDB${
      missing.length > 0 ? ` (needs the Debian package mariadb-server: ${missing.join(", ")} not found)` : ""
    }`,
    () => Effect.flatMap(mariadb, ({ port }) => fleet({ dialect: "mysql", port })),
    limit
  )

  it.scopedLive.skipIf(!isWhole)(
    "on one machine with SQLite",
    () => Effect.flatMap(temporaryFolder, (folder) => fleet({ dialect: "sqlite", filename: join(folder, "fleet.db") })),
    limit
  )
})

describe("a process that is killed again and again", () => {
  it.scopedLive(`sends everything that SQLite had accepted, in ${rounds} rounds`, () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "killed.db")
      const { arrivals, url } = yield* service
      const accepted: Array<string> = []
      const disturbed = new Set<string>()
      const start = (round: number, events: number) =>
        member({
          name: `round ${round}`,
          dialect: "sqlite",
          filename,
          table: "outbox",
          leaseDuration: 1000,
          users: 50,
          events,
          url
        })
      for (let round = 0; round < rounds; round++) {
        const process = yield* start(round, 1_000_000)
        yield* until(() => process.accepted.length > 0, () => "nothing was accepted", 60_000)
        yield* Effect.sleep(Math.random() * 400)
        yield* kill(process)
        disturbed.add(process.name)
        accepted.push(...process.accepted)
      }
      yield* start(rounds, 0)
      yield* until(
        () => accepted.every((id) => arrivals.has(id)),
        () => `${accepted.filter((id) => !arrivals.has(id)).length} of ${accepted.length} events did not arrive`,
        30_000 + accepted.length
      )
      const twice = check(arrivals, accepted, disturbed)
      yield* Effect.logInfo(`${accepted.length} events in ${rounds} rounds, ${twice} arrived twice`)
    }), 60_000 + rounds * 10_000)
})

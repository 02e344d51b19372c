/**
 * S8: processes that share an outbox, and are killed and stopped at any moment. The full test takes minutes:
 * `OUTBOX_EVENTS=100000 OUTBOX_ROUNDS=200 npx vitest run test/SqlEventStorage.fleet.test.ts`.
 */
import { beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { bundle, fleet, fleetLimit, isWhole, killed, killedLimit, rounds } from "./support/fleet.js"
import { mariadb, missing } from "./support/mariadb.js"
import { postgres } from "./support/postgres.js"
import { temporaryFolder } from "./support/processes.js"

beforeAll(() => Effect.runPromise(Effect.asVoid(bundle)), 60_000)

describe("a fleet that shares an outbox", () => {
  it.scopedLive(
    "on Postgres loses nothing, keeps the order of each lane, and doubles only what was in flight",
    () => Effect.flatMap(postgres(18), ({ port }) => fleet({ dialect: "pg", port })),
    fleetLimit
  )

  it.scopedLive.skipIf(!isWhole || missing.length > 0)(
    `on MariaDB${
      missing.length > 0 ? ` (needs the Debian package mariadb-server: ${missing.join(", ")} not found)` : ""
    }`,
    () => Effect.flatMap(mariadb, ({ port }) => fleet({ dialect: "mysql", port })),
    fleetLimit
  )

  it.scopedLive.skipIf(!isWhole)(
    "on one machine with SQLite",
    () => Effect.flatMap(temporaryFolder, (folder) => fleet({ dialect: "sqlite", filename: join(folder, "fleet.db") })),
    fleetLimit
  )
})

describe("a process that is killed again and again", () => {
  it.scopedLive(
    `sends everything that SQLite had accepted, in ${rounds} rounds`,
    () =>
      Effect.flatMap(
        temporaryFolder,
        (folder) => killed({ dialect: "sqlite", filename: join(folder, "killed.db") })
      ),
    killedLimit
  )
})

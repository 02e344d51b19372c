/** A pooler in transaction mode before a Postgres server: the Debian package `pgbouncer`. */
import { Effect } from "effect"
import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { daemon, freePort, isInstalled, temporaryFolder } from "./processes.js"

/** What a machine needs for the tests, by name. */
export const missing = ["pgbouncer"].filter((program) => !isInstalled(program))

export const pgbouncer = (postgresPort: number) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const port = yield* freePort
    const users = join(folder, "users.txt")
    writeFileSync(users, `"postgres" ""\n`)
    const settings = join(folder, "pgbouncer.ini")
    writeFileSync(
      settings,
      `[databases]
postgres = host=127.0.0.1 port=${postgresPort} dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
auth_file = ${users}
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
`
    )
    for (const file of [users, settings]) chmodSync(file, 0o644)
    yield* daemon("pgbouncer", [settings], /process up/)
    return { port }
  })

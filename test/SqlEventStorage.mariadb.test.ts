/** `SqlEventStorage` on MariaDB. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mariadb, missing } from "./support/mariadb.js"
import { shared, sqlContract } from "./support/sqlContract.js"

if (missing.length > 0) {
  describe.skip("SqlEventStorage on MariaDB", () => {
    it(`needs the Debian package mariadb-server: ${missing.join(", ")} not found`, () => {})
  })
} else {
  const server = shared(mariadb)
  sqlContract("SqlEventStorage on MariaDB", Effect.map(server, ({ layer }) => layer()))
}

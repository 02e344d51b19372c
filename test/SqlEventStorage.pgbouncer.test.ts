/** `SqlEventStorage` on Postgres behind pgbouncer in transaction mode: consecutive transactions run on any connection. */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { missing, pgbouncer } from "./support/pgbouncer.js"
import { postgres } from "./support/postgres.js"
import { shared, sqlContract } from "./support/sqlContract.js"

if (missing.length > 0) {
  describe.skip("SqlEventStorage behind pgbouncer", () => {
    it(`needs the Debian package pgbouncer: ${missing.join(", ")} not found`, () => {})
  })
} else {
  const pooled = shared(Effect.gen(function*() {
    const { layer, port } = yield* postgres(18)
    const pooler = yield* pgbouncer(port)
    return layer({ port: pooler.port })
  }))
  sqlContract("SqlEventStorage behind pgbouncer", pooled)
}

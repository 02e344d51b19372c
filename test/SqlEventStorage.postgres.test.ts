/** `SqlEventStorage` on Postgres. */
import { Effect } from "effect"
import { postgres } from "./support/postgres.js"
import { shared, sqlContract } from "./support/sqlContract.js"

const server = shared(postgres(18))

sqlContract("SqlEventStorage on Postgres 18", Effect.map(server, ({ layer }) => layer()))

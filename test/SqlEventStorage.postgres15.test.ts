/** `SqlEventStorage` on the oldest Postgres that is supported. */
import { Effect } from "effect"
import { postgres } from "./support/postgres.js"
import { shared, sqlContract } from "./support/sqlContract.js"

const server = shared(postgres(15))

sqlContract("SqlEventStorage on Postgres 15", Effect.map(server, ({ layer }) => layer()))

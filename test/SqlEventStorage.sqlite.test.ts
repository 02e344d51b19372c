/** `SqlEventStorage` on SQLite. */
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Effect } from "effect"
import { join } from "node:path"
import { temporaryFolder } from "./support/processes.js"
import { sqlContract } from "./support/sqlContract.js"

sqlContract(
  "SqlEventStorage on SQLite",
  Effect.map(temporaryFolder, (folder) => SqliteClient.layer({ filename: join(folder, "amplitude.db") }))
)

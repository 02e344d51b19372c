/** `SqlEventStorage` on libSQL. */
import { libsql } from "./support/sqlDatabases.js"
import { sqlContract } from "./support/sqlContract.js"

sqlContract("SqlEventStorage on libSQL", libsql.database, { isOneClient: true })

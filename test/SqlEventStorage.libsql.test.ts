/** `SqlEventStorage` on libSQL. */
import { sqlContract } from "./support/sqlContract.js"
import { libsql } from "./support/sqlDatabases.js"

sqlContract("SqlEventStorage on libSQL", libsql.database, { isOneClient: true })

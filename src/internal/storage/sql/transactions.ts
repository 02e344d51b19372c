/** Finds whether the calling fiber is inside a transaction of the same database. */
import type { SqlClient } from "@effect/sql/SqlClient"
import { TransactionConnection } from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"

/** `@effect/sql-libsql` has a tag of its own. */
const LibsqlTransaction: typeof TransactionConnection = Context.GenericTag(
  "@effect/sql-libsql/LibsqlClient/LibsqlTransaction"
)

const tags = [TransactionConnection, LibsqlTransaction]

export type ConnectionOf = (context: Context.Context<never>) => Option.Option<Connection>

/**
 * Finds the connection of the caller's transaction. The context can hold the connection of another client, for another
 * database. A client is recognised by the class of its connections, or by its single connection.
 */
export const make = (
  sql: SqlClient
): Effect.Effect<ConnectionOf> =>
  Effect.map(
    Effect.option(Effect.scoped(Effect.mapInputContext(sql.reserve, outsideTransactions))),
    (own) => (context) =>
      !tags.some(({ key }) => context.unsafeMap.has(key)) ? Option.none() : Option.flatMap(own, (own) =>
        Option.filter(
          Option.fromNullable(connectionsIn(context).find((connection) => isOfOneClient(own, connection))),
          () => !hasEnded(context)
        ))
  )

/** A context with the scope only, since a layer can be built inside a transaction. */
const outsideTransactions = (context: Context.Context<Scope.Scope>): Context.Context<Scope.Scope> =>
  Context.pick(Scope.Scope)(context)

/** The connections of the transactions that the context is inside of. */
export const connectionsIn = (context: Context.Context<never>): ReadonlyArray<Connection> =>
  tags.flatMap((tag) =>
    Option.match(Context.getOption(context, tag), { onNone: () => [], onSome: ([connection]) => [connection] })
  )

const isOfOneClient = (one: Connection, other: Connection): boolean =>
  one === other || (one.constructor !== Object && one.constructor === other.constructor)

/**
 * Whether a transaction is over. A fiber that was forked inside a transaction inherits its connection and can outlive
 * it. The span of the transaction has ended then. Without tracing its span says nothing, and the transaction counts as
 * open.
 */
const hasEnded = (context: Context.Context<never>): boolean => {
  let span = Context.getOption(context, Tracer.ParentSpan)
  let found = false
  while (Option.isSome(span) && span.value._tag === "Span") {
    if (span.value.name === "sql.transaction") {
      if (span.value.status._tag === "Started" || span.value.spanId === untraced) return false
      found = true
    }
    span = span.value.parent
  }
  return found
}

/** The id of the spans that Effect makes without tracing. They have ended from the start. */
const untraced = "noop"

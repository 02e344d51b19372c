/** A `SqlClient` that can lose its database, as the client of a stopped or killed process does. */
import { SqlClient, SqlError } from "@effect/sql"
import type { Statement } from "@effect/sql"
import { Context, Effect, Layer } from "effect"

export interface Freezable {
  readonly client: SqlClient.SqlClient
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

const error = new SqlError.SqlError({ cause: new Error("the process is stopped"), message: "the process is stopped" })

export const freezable = <E>(layer: Layer.Layer<SqlClient.SqlClient, E>) =>
  Effect.map(Layer.build(Layer.fresh(layer)), (context): Freezable => {
    const client = Context.get(context, SqlClient.SqlClient)
    let isFrozen = false
    const guard = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.suspend((): Effect.Effect<A, E | SqlError.SqlError, R> => isFrozen ? Effect.fail(error) : effect)
    const guarded = <A>(statement: Statement.Statement<A>): any =>
      Object.defineProperty(guard(statement), "unprepared", { get: () => guard(statement.unprepared) })
    const frozen: SqlClient.SqlClient = Object.assign(Object.create(Object.getPrototypeOf(client)), client, {
      unsafe: (sql: string, params?: ReadonlyArray<unknown>) => guarded(client.unsafe(sql, params)),
      withTransaction: <R, E, A>(effect: Effect.Effect<A, E, R>) => guard(client.withTransaction(effect)),
      withoutTransforms: () => frozen
    })
    return {
      client: frozen,
      freeze: Effect.sync(() => {
        isFrozen = true
      }),
      thaw: Effect.sync(() => {
        isFrozen = false
      })
    }
  })

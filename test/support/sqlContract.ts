/** The contract of storages, for a database. */
import { SqlClient } from "@effect/sql"
import { afterAll, beforeAll } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { EventStorage } from "effect-amplitude/EventStorage"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"
import type { Subject } from "../storage/contract.js"
import { storageContract } from "../storage/contract.js"
import { freezable } from "./freezable.js"

/** A runtime that the tests of a file share. It is built before the first test, and closed after the last one. */
export const shared = <A>(make: Effect.Effect<A, unknown, Scope.Scope>): Effect.Effect<A> => {
  const scope = Effect.runSync(Scope.make())
  let value: A | undefined = undefined
  beforeAll(async () => {
    value = await Effect.runPromise(Scope.extend(make, scope))
  }, 120_000)
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)), 60_000)
  return Effect.sync(() => value!)
}

let tables = 0

/** A name that no other test uses. */
export const freshTable = Effect.sync(() => `outbox_${++tables}`)

export const leaseDuration = 1500

export const sqlContract = (
  name: string,
  /** A database for one test. */
  database: Effect.Effect<Layer.Layer<SqlClient.SqlClient, unknown>, unknown, Scope.Scope>,
  { isOneClient = false, ...options }: Partial<Subject> & {
    /** Whether all connections are of one client: for databases that one process uses. */
    readonly isOneClient?: boolean
  } = {}
): void =>
  storageContract(name, {
    clock: "live",
    wait: (millis) => Effect.sleep(millis),
    durability: "shared",
    capacity: "soft",
    leaseDuration,
    runs: 5,
    make: Effect.map(
      Effect.gen(function*() {
        const layer = yield* database
        const table = yield* freshTable
        const client = isOneClient
          ? Layer.succeed(SqlClient.SqlClient, Context.get(yield* Layer.build(layer), SqlClient.SqlClient))
          : layer
        return { client, table }
      }),
      ({ client, table }) =>
        Effect.gen(function*() {
          const { client: frozen, freeze, thaw } = yield* freezable(client)
          const storage = yield* Layer.build(
            SqlEventStorage.layer({ table, pollInterval: 50, leaseDuration }).pipe(
              Layer.provide(Layer.succeed(SqlClient.SqlClient, frozen))
            )
          )
          return { storage: Context.get(storage, EventStorage), freeze, thaw }
        })
    ),
    ...options
  })

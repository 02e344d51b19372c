/**
 * An order and its events in one transaction of Postgres: both are stored, or neither is. Events are sent after the
 * commit.
 *
 *     AMPLITUDE_API_KEY=... DATABASE_URL=postgres://localhost/shop npx tsx examples/transactional-outbox.ts
 */
import { NodeRuntime } from "@effect/platform-node"
import { SqlClient } from "@effect/sql"
import { PgClient } from "@effect/sql-pg"
import { Config, Data, Effect, Layer } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"

const Database = PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") })

// the orders and the events need the same SqlClient, so that they are in one transaction
const AmplitudeOutbox = AmplitudeNode.layerStorageConfig({
  apiKey: Config.redacted("AMPLITUDE_API_KEY"),
  serverUrl: Config.string("AMPLITUDE_SERVER_URL").pipe(Config.withDefault(undefined))
}).pipe(Layer.provide(SqlEventStorage.layer()), Layer.provideMerge(Database))

class OutOfStock extends Data.TaggedError("OutOfStock")<{ readonly sku: string }> {}

const placeOrder = (userId: string, sku: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* Effect.gen(function*() {
      yield* sql`INSERT INTO orders (user_id, sku) VALUES (${userId}, ${sku})`
      yield* Amplitude.track("Order Placed", { sku }, { user_id: userId })
      const left = yield* sql`UPDATE stock SET items = items - 1 WHERE sku = ${sku} AND items > 0 RETURNING items`
      // the order is rolled back, and its event with it
      if (left.length === 0) return yield* new OutOfStock({ sku })
    }).pipe(sql.withTransaction)
  })

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, user_id text NOT NULL, sku text NOT NULL)`
  yield* sql`CREATE TABLE IF NOT EXISTS stock (sku text PRIMARY KEY, items integer NOT NULL)`
  yield* sql`INSERT INTO stock (sku, items) VALUES ('sku-1', 1) ON CONFLICT (sku) DO UPDATE SET items = 1`

  yield* placeOrder("user-12345", "sku-1")
  yield* Effect.log("the first order is placed")
  yield* placeOrder("user-67890", "sku-1").pipe(
    Effect.catchTag("OutOfStock", ({ sku }) => Effect.log(`the second order is rolled back: ${sku} is out of stock`))
  )
  yield* Amplitude.flush
})

program.pipe(Effect.provide(AmplitudeOutbox), NodeRuntime.runMain)

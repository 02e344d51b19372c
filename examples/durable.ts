/**
 * Events that survive the process: they wait in a SQLite file until the service has them. Run the example without a
 * network, or kill it: the next run sends the events.
 *
 *     AMPLITUDE_API_KEY=... npx tsx examples/durable.ts
 */
import { NodeRuntime } from "@effect/platform-node"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { Config, Effect, Layer } from "effect"
import { Amplitude } from "effect-amplitude"
import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"
import { SqlEventStorage } from "effect-amplitude/SqlEventStorage"

const AmplitudeDurable = AmplitudeNode.layerStorageConfig({
  apiKey: Config.redacted("AMPLITUDE_API_KEY"),
  serverUrl: Config.string("AMPLITUDE_SERVER_URL").pipe(Config.withDefault(undefined))
}).pipe(
  // the events that a killed process was sending are locked for this long
  Layer.provide(SqlEventStorage.layer({ leaseDuration: "2 seconds" })),
  Layer.provide(SqliteClient.layerConfig({
    filename: Config.string("OUTBOX_FILE").pipe(Config.withDefault("amplitude.db"))
  }))
)

const program = Effect.gen(function*() {
  yield* Amplitude.track("Import Started", { files: 3 }, { user_id: "user-12345" })
  yield* Amplitude.track("Import Finished", { files: 3 }, { user_id: "user-12345" })
  yield* Effect.log("tracked")
  // wait for the events for a while; events that the service does not take stay in the file
  yield* Amplitude.flush.pipe(Effect.timeoutOption("10 seconds"))
})

program.pipe(Effect.provide(AmplitudeDurable), NodeRuntime.runMain)

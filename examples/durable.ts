/**
 * Events that survive the process: they wait in a SQLite file until the service has them. Run it without a network, or kill
 * it: what was tracked is sent by the next run.
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
  // a process that is killed keeps what it was sending for so long: one process at a time needs no more
  Layer.provide(SqlEventStorage.layer({ leaseDuration: "2 seconds" })),
  Layer.provide(SqliteClient.layerConfig({
    filename: Config.string("OUTBOX_FILE").pipe(Config.withDefault("amplitude.db"))
  }))
)

const program = Effect.gen(function*() {
  yield* Amplitude.track("Import Started", { files: 3 }, { user_id: "user-12345" })
  yield* Amplitude.track("Import Finished", { files: 3 }, { user_id: "user-12345" })
  yield* Effect.log("tracked")
  // a finished program waits a moment for its events; what the service does not take stays in the file
  yield* Amplitude.flush.pipe(Effect.timeoutOption("10 seconds"))
})

program.pipe(Effect.provide(AmplitudeDurable), NodeRuntime.runMain)

/**
 * A worker that reads its settings from a file, and reads them again on SIGHUP. A setting that is not in the file has
 * its value from the start. A file that cannot be used is logged and changes nothing. On SIGTERM the worker delivers
 * the waiting events and ends.
 *
 *     echo '{ "flushInterval": 1000, "eventOptions": { "app_version": "1.0.0" } }' > settings.json
 *     AMPLITUDE_API_KEY=... npx tsx examples/reload.ts settings.json
 *     kill -HUP ... # after a change of the file
 */
import { FileSystem } from "@effect/platform"
import { NodeFileSystem, NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Queue, Schema } from "effect"
import type { AmplitudeConfig } from "effect-amplitude"
import { Amplitude, AmplitudeLive } from "effect-amplitude"

const path = process.argv[2] ?? "settings.json"

/** The settings that the file can have. `updateConfig` checks their values. */
const Settings = Schema.parseJson(
  Schema.Struct({
    optOut: Schema.optional(Schema.Boolean),
    /** In milliseconds. */
    flushInterval: Schema.optional(Schema.Number),
    flushQueueSize: Schema.optional(Schema.Number),
    eventOptions: Schema.optional(Schema.Struct({ app_version: Schema.String }))
  }).annotations({ identifier: "Settings" })
)

/**
 * Reads the file and changes the settings. Settings that are not in the file go back to their values from the start.
 */
const reload = ({ eventOptions, flushInterval, flushQueueSize, optOut }: AmplitudeConfig.Settings) =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const text = yield* files.readFileString(path)
    const settings = yield* Schema.decodeUnknown(Settings, { onExcessProperty: "error" })(text)
    yield* Amplitude.updateConfig({ eventOptions, flushInterval, flushQueueSize, optOut, ...settings })
    yield* Effect.log(`the settings are those of ${path}: ${JSON.stringify(settings)}`)
  }).pipe(Effect.catchAll((error) => Effect.logError(`the settings stay as they are: ${error.message}`)))

/** A queue with one element for each SIGHUP. Signals that come while the file is read are one element. */
const hangups = Effect.gen(function*() {
  const queue = yield* Queue.sliding<NodeJS.Signals>(1)
  const listener = (signal: NodeJS.Signals) => void queue.unsafeOffer(signal)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", listener)),
    () => Effect.sync(() => process.off("SIGHUP", listener))
  )
  return queue
})

/** The work: a job every 50 milliseconds. */
const work = Effect.gen(function*() {
  for (let job = 1;; job++) {
    yield* Amplitude.track("Job Done", { job }, { device_id: "worker-1" })
    yield* Console.log(`job ${job} is done`)
    yield* Effect.sleep("50 millis")
  }
})

const program = Effect.gen(function*() {
  const signals = yield* hangups
  const initial = yield* Amplitude.config
  yield* reload(initial)
  yield* Effect.forkScoped(Effect.forever(Effect.zipRight(signals.take, reload(initial))))
  return yield* work
}).pipe(Effect.scoped)

program.pipe(Effect.provide(Layer.merge(AmplitudeLive, NodeFileSystem.layer)), NodeRuntime.runMain)

/**
 * A short command. It does not have to flush: when the program ends, the layer closes and delivers the waiting events.
 * Then the process ends.
 *
 *     AMPLITUDE_API_KEY=... npx tsx examples/cli.ts Ada
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Amplitude, AmplitudeLive } from "effect-amplitude"

const greet = (name: string) =>
  Effect.gen(function*() {
    yield* Console.log(`Hello, ${name}!`)
    yield* Amplitude.track("Command Run", { command: "greet", name }, { user_id: "cli-user-1" })
  })

greet(process.argv[2] ?? "World").pipe(Effect.provide(AmplitudeLive), NodeRuntime.runMain)

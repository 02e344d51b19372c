/**
 * A script that lives for a moment. It neither flushes nor waits: when the program ends, the layer's scope closes, and
 * that delivers what is waiting. Then nothing is left that keeps the process alive.
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

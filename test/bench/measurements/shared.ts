/**
 * Compares the shared storages. A separate program starts the servers and prints the figures.
 */
import { spawnSync } from "node:child_process"
import type { Measurement, Settings } from "../bench.js"
import { builtOf, root } from "../paths.js"

const eventsOf = ({ quick }: Settings): number => quick ? 1000 : 20_000

export const shared: Measurement = {
  name: "shared",
  seconds: ({ rounds }) => 30 + rounds * 30,
  run: (settings) => {
    console.log("\nshared: storages that processes share")
    const args = [String(eventsOf(settings)), String(settings.rounds), ...settings.only]
    const { status } = spawnSync(process.execPath, [builtOf("shared.js"), ...args], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"]
    })
    return status === 0 ? Promise.resolve() : Promise.reject(new Error(`the measurement ended with ${status}`))
  }
}

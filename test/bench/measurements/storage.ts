/**
 * Compares the storages in memory and in databases with plain statements. A separate program starts the databases and
 * prints the figures.
 */
import { spawnSync } from "node:child_process"
import type { Measurement, Settings } from "../bench.js"
import { builtOf, root } from "../paths.js"

const eventsOf = ({ quick }: Settings): number => quick ? 1000 : 50_000

export const storage: Measurement = {
  name: "storage",
  seconds: (settings) => settings.quick ? 30 : 240,
  run: (settings) => {
    console.log("\nstorage: microseconds an event, and how long the event loop stood still")
    const { status } = spawnSync(process.execPath, [
      builtOf("storage.js"),
      String(eventsOf(settings)),
      ...settings.only
    ], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"]
    })
    return status === 0 ? Promise.resolve() : Promise.reject(new Error(`the measurement ended with ${status}`))
  }
}

/**
 * Compares the storages in memory and in databases with plain statements. A separate program starts a database and prints
 * the figures. It has a process for each storage, since V8 allocates in one as it has learned from another.
 */
import { spawnSync } from "node:child_process"
import type { Measurement, Settings } from "../bench.js"
import { builtOf, root } from "../paths.js"

const names = ["memory", "sqlite", "postgres", "postgres-durable", "redis", "mariadb"]

const eventsOf = ({ quick }: Settings): number => quick ? 1000 : 50_000

export const storage: Measurement = {
  name: "storage",
  seconds: (settings) => settings.quick ? 30 : 240,
  run: (settings) => {
    console.log("\nstorage: microseconds an event, and how long the event loop stood still")
    for (const name of names.filter((name) => settings.only.size === 0 || settings.only.has(name))) {
      const { status } = spawnSync(process.execPath, [builtOf("storage.js"), String(eventsOf(settings)), name], {
        cwd: root,
        stdio: ["ignore", "inherit", "inherit"]
      })
      if (status !== 0) return Promise.reject(new Error(`the measurement of ${name} ended with ${status}`))
    }
    return Promise.resolve()
  }
}

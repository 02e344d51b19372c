import type { Measurement, Race, Sample, Settings } from "../bench.js"
import { race, secondsOf } from "../bench.js"
import { compare, figure, show } from "../report.js"
import { median } from "../statistics.js"

const of = ({ quick }: Settings): Race => ({
  measurement: "ingest",
  label: "",
  entrants: [
    { name: "json-parse", seconds: 3 },
    { name: "node-http", seconds: 16 },
    { name: "dev-server", seconds: 20 }
  ],
  params: quick ? { uploads: 10, warm: 5 } : { uploads: 100, warm: 20 },
  flags: ["--expose-gc"],
  capSeconds: 120
})

export const ingest: Measurement = {
  name: "ingest",
  seconds: (settings) => secondsOf(settings, of(settings)),
  run: async (settings) => {
    const samples = await race(settings, of(settings))
    compare("ingest: uploads of 1,000 events to DevServer", samples, [
      figure("cpu", "CPU, µs of an event", { times: 1e6, ratios: false }),
      figure("perSecond", "events/s", { digits: 0, ratios: false }),
      figure("heldBytes", "heap of a kept event, bytes", { digits: 0, ratios: false }),
      figure("heapGrowth", "heap at the end / when full", { ratios: false }),
      figure("lost", "lost at 10,000 events/s", { digits: 0, ratios: false }),
      figure("slowest", "the slowest answer there, ms", { digits: 0, ratios: false })
    ])
    const cpuOf = (name: string): number =>
      median((samples.get(name) ?? []).flatMap(({ figures }: Sample) => figures?.["cpu"] ?? []))
    console.log(
      `  (dev-server - node-http) / json-parse, CPU: ${
        show((cpuOf("dev-server") - cpuOf("node-http")) / cpuOf("json-parse"))
      }`
    )
  }
}

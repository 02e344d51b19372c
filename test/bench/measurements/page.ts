import { existsSync } from "node:fs"
import type { Measurement, Race, Settings } from "../bench.js"
import { race, secondsOf } from "../bench.js"
import { executablePath } from "../chromium.js"
import { compare, figure } from "../report.js"

const isMissing = !existsSync(executablePath)

const of = ({ quick }: Settings): Race => ({
  measurement: "page",
  label: "",
  entrants: [{ name: "page", seconds: 35 }],
  params: quick ? { arrived: 3, uploads: 5 } : { arrived: 40, uploads: 100 },
  capSeconds: 120
})

const ms = (name: string, title: string) => figure(name, title, { digits: 0, ratios: false })

export const page: Measurement = {
  name: "page",
  seconds: (settings) => isMissing ? 0 : secondsOf(settings, of(settings)),
  run: async (settings) => {
    if (isMissing) return console.log("\npage: left out, the Debian package chromium is missing")
    const samples = await race(settings, of(settings))
    compare("page: the page of DevServer in Chromium", samples, [
      ms("median", "from sending an event to its row, ms"),
      ms("p95", "p95"),
      ms("lost", "lost at 10,000 events/s"),
      ms("slowest", "the slowest answer there, ms"),
      ms("key", "a key there, ms"),
      ms("slowestKey", "the slowest key, ms"),
      ms("task", "the longest task, ms"),
      ms("behind", "until all are counted, ms")
    ])
  }
}

import type { Measurement, Race, Settings } from "../bench.js"
import { race, secondsOf } from "../bench.js"
import { compare, figure } from "../report.js"

const names = [
  "nothing",
  "floor",
  "floor-effect",
  "undici",
  "fetch",
  "node-http",
  "amplitude-node",
  "amplitude-node-fast",
  "posthog",
  "segment",
  "rudderstack",
  "mixpanel"
]

const of = ({ quick }: Settings): Race => ({
  measurement: "delay",
  label: "",
  entrants: names.map((name) => ({ name, seconds: name === "amplitude-node" ? 25 : 13 })),
  params: { rate: 2000, seconds: quick ? 2 : 10 },
  rounds: 5,
  capSeconds: 120
})

export const delay: Measurement = {
  name: "delay",
  seconds: (settings) => secondsOf(settings, of(settings)),
  run: async (settings) => {
    const one = of(settings)
    compare(
      `delay: milliseconds between turns of the event loop, of which one is due, at ${one.params.rate} events a second`,
      await race(settings, one),
      [
        figure("mean", "mean", { ratios: false }),
        figure("p99", "p99"),
        figure("max", "max"),
        figure("cpuShare", "CPU share"),
        figure("events", "events", { digits: 0, ratios: false }),
        figure("distinct", "arrived", { digits: 0, ratios: false })
      ]
    )
  }
}

import type { Measurement, Race, Settings } from "../bench.js"
import { race, secondsOf } from "../bench.js"
import { doors as all } from "../doors.js"
import { compare, figure } from "../report.js"

const of = ({ quick }: Settings): Race => ({
  measurement: "doors",
  label: "",
  entrants: all.map(({ name }) => ({ name, seconds: 3 })),
  params: { bursts: quick ? 15 : 150, calls: 1000 },
  capSeconds: 120
})

export const doors: Measurement = {
  name: "doors",
  seconds: (settings) => secondsOf(settings, of(settings)),
  run: async (settings) => {
    const samples = await race(settings, of(settings))
    compare("doors: CPU of a call", samples, [
      figure("nanoseconds", "ns", { digits: 0, ratios: false }),
      figure("bare", "stringify+uuid", { digits: 0, ratios: false }),
      figure("ratio", "x stringify+uuid", { ratios: false })
    ])
  }
}

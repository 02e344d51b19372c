import type { Measurement, Race, Settings } from "../bench.js"
import { race, secondsOf } from "../bench.js"
import { compare, figure, leftOut } from "../report.js"

const of = ({ quick }: Settings): Race => ({
  measurement: "call",
  label: "",
  entrants: [
    { name: "stringify+uuid", seconds: 1 },
    { name: "floor", seconds: 1 },
    { name: "floor-effect", seconds: 1 },
    { name: "undici", seconds: 3 },
    { name: "runtime.runSync", seconds: 3 },
    { name: "runtime.runFork", seconds: 4 },
    { name: "amplitude-node-fast", seconds: 10 },
    { name: "posthog", seconds: 6 },
    { name: "segment", seconds: 10 },
    { name: "rudderstack", seconds: 4 }
  ],
  params: { bursts: quick ? 15 : 150, calls: 1000 },
  capSeconds: 120
})

export const call: Measurement = {
  name: "call",
  seconds: (settings) => secondsOf(settings, of(settings)),
  run: async (settings) => {
    const samples = await race(settings, of(settings))
    compare("call: nanoseconds of a call of track", samples, [figure("nanoseconds", "ns", { digits: 0 })])
    console.log("  undici: in a running fiber. amplitude-node-fast: the call is the same with its defaults.")
    leftOut("mixpanel", "it has no queue, a call is a request")
  }
}

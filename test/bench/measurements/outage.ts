import type { Measurement, Race, Settings } from "../bench.js"
import { race, secondsOf } from "../bench.js"
import { compare, figure } from "../report.js"

const of = ({ quick }: Settings): Race => ({
  measurement: "outage",
  label: "",
  entrants: [
    { name: "floor", seconds: 11 },
    { name: "undici", seconds: 11 },
    { name: "fetch", seconds: 11 },
    { name: "amplitude-node", seconds: 30, rounds: 1 },
    { name: "amplitude-node-fast", seconds: 18, rounds: 1 },
    { name: "posthog", seconds: 12, rounds: 1 },
    { name: "segment", seconds: 20, rounds: 1 },
    { name: "rudderstack", seconds: 15, rounds: 1 },
    { name: "mixpanel", seconds: 18, rounds: 1 }
  ],
  params: { events: quick ? 4000 : 20_000, seconds: quick ? 2 : 5 },
  rounds: 2,
  capSeconds: 180
})

export const outage: Measurement = {
  name: "outage",
  seconds: (settings) => secondsOf(settings, of(settings)),
  run: async (settings) => {
    const one = of(settings)
    const { events, seconds } = one.params
    compare(
      `outage: ${events} events in the ${seconds} s in which connections are refused`,
      await race(settings, one),
      [
        {
          // a contender that has lost events has no time of recovery
          title: "seconds until all are there",
          value: ({ figures }) => figures?.lost === 0 ? figures.recovery! : NaN,
          ratios: true
        },
        figure("lost", "lost", { digits: 0, ratios: false }),
        figure("doubled", "doubled", { digits: 0, ratios: false })
      ]
    )
  }
}

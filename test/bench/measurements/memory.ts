import type { Measurement, Race, Settings } from "../bench.js"
import { race, secondsOf } from "../bench.js"
import { compare, figure, leftOut } from "../report.js"

const of = ({ quick }: Settings): Race => {
  const divisor = quick ? 10 : 1
  return {
    measurement: "memory",
    label: "",
    entrants: [
      { name: "floor", seconds: 8 },
      { name: "floor-effect", seconds: 8 },
      { name: "floor-effect-fetch", seconds: 8 },
      { name: "undici", seconds: 14 },
      { name: "fetch", seconds: 14 },
      { name: "undici+callback", seconds: 14 },
      // these clients search all waiting events for each answer: with more events, draining takes minutes
      { name: "amplitude-node-fast", seconds: 15, params: { events: 20_000 / divisor } },
      { name: "posthog", seconds: 15, params: { events: 20_000 / divisor } },
      { name: "segment", seconds: 12, params: { events: 20_000 / divisor } },
      // each call makes the JSON of all waiting events
      { name: "rudderstack", seconds: 12, params: { events: 2000 / divisor } }
    ],
    params: { events: 200_000 / divisor },
    rounds: 2,
    flags: ["--expose-gc", "--max-old-space-size=8192"],
    capSeconds: 180
  }
}

export const memory: Measurement = {
  name: "memory",
  seconds: (settings) => secondsOf(settings, of(settings)),
  run: async (settings) => {
    const one = of(settings)
    const samples = await race(settings, one)
    const per = (name: string, title: string) => ({
      title,
      value: ({ figures }: { readonly figures?: Readonly<Record<string, number>> }) =>
        figures === undefined ? NaN : figures[name]! / figures.json!
    })
    compare(`memory: while ${one.params.events} events wait, in bytes and as a multiple of their JSON`, samples, [
      figure("json", "JSON", { digits: 0, ratios: false }),
      figure("heap", "heap", { digits: 0 }),
      per("heap", "x JSON"),
      per("heapCold", "first time"),
      figure("rss", "RSS", { digits: 0, ratios: false }),
      per("rss", "x JSON"),
      per("rssCold", "first time")
    ])
    compare("memory: after draining, as a multiple of the start", samples, [
      figure("heapAfter", "heap, warm start", { ratios: false }),
      figure("rssAfter", "RSS, warm start", { ratios: false }),
      figure("heapAfterCold", "heap, cold start", { ratios: false }),
      figure("rssAfterCold", "RSS, cold start", { ratios: false })
    ])
    console.log("  fewer events wait in peers: 20,000, in rudderstack 2,000; more take minutes")
    leftOut("mixpanel", "it has no queue")
  }
}

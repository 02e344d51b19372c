import { spawnSync } from "node:child_process"
import type { Entrant, Measurement, Race, Sample, Settings } from "../bench.js"
import { env, race, secondsOf } from "../bench.js"
import { pathOf } from "../paths.js"
import type { Column } from "../report.js"
import { compare, figure, leftOut } from "../report.js"

const capSeconds = 180

const isPythonThere = (): boolean => spawnSync("python3", ["-c", "import amplitude"], { env: env() }).status === 0

const python: Entrant = {
  name: "amplitude-python",
  seconds: 10,
  rounds: 3,
  command: ["python3", pathOf("contenders/amplitude_python.py")]
}

const hundredThousand = (quick: boolean): Race => ({
  measurement: "deliver",
  label: "100,000 events, an answer at once",
  entrants: [
    { name: "floor", seconds: 1 },
    { name: "floor-effect", seconds: 1 },
    { name: "floor-effect-fetch", seconds: 2 },
    { name: "undici", seconds: 2 },
    { name: "fetch", seconds: 3 },
    { name: "http-client", seconds: 2 },
    { name: "node-http", seconds: 2 },
    { name: "undici+callback", seconds: 3 },
    // a timer for each event: more than a millisecond, whatever else is measured
    { name: "amplitude-node", seconds: 120, rounds: 1 },
    { name: "amplitude-node-fast", seconds: 4 },
    { name: "posthog", seconds: 4 },
    { name: "segment", seconds: 6 },
    { name: "rudderstack", seconds: 10 },
    { name: "mixpanel", seconds: 2 },
    ...(isPythonThere() ? [python] : [])
  ],
  params: { events: quick ? 4000 : 100_000, delay: 0 },
  capSeconds
})

const hundredThousandSlow = (quick: boolean): Race => ({
  measurement: "deliver",
  label: "100,000 events, an answer after 50 ms",
  entrants: [
    { name: "floor", seconds: 27 },
    { name: "floor-8", seconds: 4 },
    { name: "floor-effect", seconds: 27 },
    { name: "undici", seconds: 27 },
    { name: "undici-8", seconds: 5 },
    { name: "amplitude-node-fast", seconds: 10, rounds: 1 },
    { name: "posthog", seconds: 10, rounds: 1 },
    { name: "segment", seconds: 12, rounds: 1 },
    { name: "rudderstack", seconds: 70, rounds: 1 },
    { name: "mixpanel", seconds: 7, rounds: 1 }
  ],
  params: { events: quick ? 4000 : 100_000, delay: 50 },
  rounds: 2,
  capSeconds
})

const million = (quick: boolean): Race => ({
  measurement: "deliver",
  label: "1,000,000 events, an answer at once",
  entrants: [
    { name: "floor", seconds: 5 },
    { name: "floor-effect", seconds: 7 },
    { name: "floor-effect-fetch", seconds: 10 },
    { name: "undici", seconds: 12 },
    { name: "fetch", seconds: 14 },
    { name: "amplitude-node-fast", seconds: 35, rounds: 1 },
    { name: "posthog", seconds: 35, rounds: 1 },
    { name: "segment", seconds: 60, rounds: 1 },
    { name: "rudderstack", seconds: 95, rounds: 1 },
    { name: "mixpanel", seconds: 12, rounds: 1 }
  ],
  params: { events: quick ? 120_000 : 1_000_000, delay: 0 },
  rounds: 2,
  capSeconds
})

const millionSlow = (quick: boolean): Race => ({
  measurement: "deliver",
  label: "1,000,000 events, an answer after 50 ms",
  entrants: [
    { name: "floor-8", seconds: 35 },
    { name: "undici-8", seconds: 38 },
    { name: "amplitude-node-fast", seconds: 90 }
  ],
  params: { events: quick ? 120_000 : 1_000_000, delay: 50 },
  rounds: 1,
  capSeconds
})

const racesOf = ({ quick }: Settings): ReadonlyArray<Race> =>
  [hundredThousand, hundredThousandSlow, million, millionSlow].map((of) => of(quick))

const inSink = (title: string, value: (sink: NonNullable<Sample["sink"]>) => number): Column => ({
  title,
  value: ({ figures, sink }) => figures === undefined || sink === undefined ? NaN : value(sink),
  digits: 0
})

const columnsOf = (events: number): ReadonlyArray<Column> => [
  {
    title: "events/s",
    value: ({ figures, sink }) => sink === undefined ? NaN : sink.distinct / (figures?.seconds ?? NaN),
    digits: 0,
    ratios: true
  },
  figure("cpuSeconds", "CPU s"),
  inSink("arrived", ({ distinct }) => distinct),
  inSink("lost", ({ distinct }) => events - distinct),
  inSink("doubled", ({ arrived, distinct }) => arrived - distinct),
  { ...inSink("sink CPU s", ({ cpuSeconds }) => cpuSeconds), digits: 2 }
]

export const deliver: Measurement = {
  name: "deliver",
  seconds: (settings) => racesOf(settings).reduce((sum, one) => sum + secondsOf(settings, one), 0),
  run: async (settings) => {
    for (const one of racesOf(settings)) {
      const samples = await race(settings, one)
      if (samples.size === 0) continue
      const { delay, events } = one.params
      compare(
        `deliver: ${events} events, an answer ${delay === 0 ? "at once" : `after ${delay} ms`}`,
        samples,
        columnsOf(events!),
        samples.has("undici") ? "undici" : "undici-8"
      )
      for (const [name, taken] of samples) {
        const reports = taken.map(({ figures }) => figures?.reports).filter((count) => count !== undefined)
        if (reports.length > 0) console.log(`  ${name}: reports that were read: ${[...new Set(reports)].join(", ")}`)
      }
    }
    leftOut(
      "amplitude-node",
      "from all but the first: a timer for each event takes it longer than any answer, or the cap"
    )
    leftOut("one request at a time", "of a million events to a sink that takes 50 ms: 5,000 answers alone take 250 s")
    if (!isPythonThere()) {
      leftOut(python.name, "python3 cannot import amplitude (set PYTHONPATH to where it is installed)")
    }
  }
}

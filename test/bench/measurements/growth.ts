import type { Measurement, Race, Samples, Settings } from "../bench.js"
import { race, secondsOf } from "../bench.js"
import { show, table } from "../report.js"
import { median } from "../statistics.js"

interface Axis {
  readonly name: string
  readonly title: string
  /** How long a sample takes. */
  readonly seconds: number
  /**
   * The values that have a process each. A process in which a million events have waited differs from one in which a
   * thousand wait.
   */
  readonly alone?: ReadonlyArray<number>
}

/** What grows, and in which unit. */
const axes: ReadonlyArray<Axis> = [
  { name: "fibers", title: "fibers that track", seconds: 15 },
  { name: "sizes", title: "kilobytes of an event", seconds: 15 },
  {
    name: "depths",
    title: "events that wait before they leave",
    seconds: 15,
    alone: [1000, 10_000, 100_000, 1_000_000]
  },
  { name: "plugins", title: "enrichment plugins", seconds: 12 }
]

const samplesOf = ({ alone, name }: Axis): ReadonlyArray<string> => alone?.map((value) => `${name} ${value}`) ?? [name]

const of = ({ quick }: Settings): Race => ({
  measurement: "growth",
  label: "",
  entrants: axes.flatMap((axis) => samplesOf(axis).map((name) => ({ name, seconds: axis.seconds }))),
  params: { divisor: quick ? 20 : 1, repetitions: quick ? 1 : 3 },
  rounds: 2,
  flags: ["--max-old-space-size=8192"],
  capSeconds: 300
})

const print = (samples: Samples, axis: Axis): void => {
  const all = samplesOf(axis).flatMap((name) => samples.get(name) ?? [])
  const taken = all.flatMap(({ figures }) => figures === undefined ? [] : Object.entries(figures))
  const failure = all.find(({ failure }) => failure !== undefined)?.failure
  if (failure !== undefined) console.log(`\n  ${axis.name}: ${failure}`)
  if (taken.length === 0) return
  const values = [...new Set(taken.map(([value]) => value))].filter((value) => !value.startsWith("floor "))
    .sort((a, b) => +a - +b)
  const medianOf = (value: string): number => median(taken.flatMap(([name, figure]) => name === value ? [figure] : []))
  const first = medianOf(values[0]!)
  const floor = !Number.isNaN(medianOf(`floor ${values[0]}`))
  table(`growth: microseconds of CPU of an event, by ${axis.title}`, [
    ["", "µs", `x ${values[0]}`, ...(floor ? ["floor µs", "x floor"] : [])],
    ...values.map((value) => [
      value,
      show(medianOf(value)),
      show(medianOf(value) / first),
      ...(floor ? [show(medianOf(`floor ${value}`)), show(medianOf(value) / medianOf(`floor ${value}`))] : [])
    ])
  ])
}

export const growth: Measurement = {
  name: "growth",
  // every contender is the package itself, or beside it the floor
  seconds: (settings) => secondsOf({ ...settings, only: new Set() }, of(settings)),
  run: async (settings) => {
    const samples = await race({ ...settings, only: new Set() }, of(settings))
    for (const axis of axes) print(samples, axis)
  }
}

import type { Measurement, Race, Samples, Settings } from "../bench.js"
import { race, secondsOf } from "../bench.js"
import { show, table } from "../report.js"
import { median } from "../statistics.js"

/** What grows, in which unit, and the value that the others are compared with. */
const axes = [
  { name: "fibers", title: "fibers that track", seconds: 15 },
  { name: "sizes", title: "kilobytes of an event", seconds: 15 },
  { name: "depths", title: "events that wait before they leave", seconds: 60 },
  { name: "plugins", title: "enrichment plugins", seconds: 12 }
]

const of = ({ quick }: Settings): Race => ({
  measurement: "growth",
  label: "",
  entrants: axes.map(({ name, seconds }) => ({ name, seconds })),
  params: { divisor: quick ? 20 : 1, repetitions: quick ? 1 : 3 },
  rounds: 2,
  flags: ["--expose-gc", "--max-old-space-size=8192"],
  capSeconds: 300
})

const print = (samples: Samples, name: string, title: string): void => {
  const taken = (samples.get(name) ?? []).flatMap(({ figures }) => figures === undefined ? [] : [figures])
  const failure = samples.get(name)?.find(({ failure }) => failure !== undefined)?.failure
  if (failure !== undefined) console.log(`\n  ${name}: ${failure}`)
  if (taken.length === 0) return
  // whole numbers come first in an object, whatever the order they were given in
  const values = Object.keys(taken[0]!).filter((value) => !value.startsWith("floor ")).sort((a, b) => +a - +b)
  const medianOf = (value: string): number => median(taken.map((figures) => figures[value] ?? NaN))
  const first = medianOf(values[0]!)
  const floor = !Number.isNaN(medianOf(`floor ${values[0]}`))
  table(`growth: microseconds of CPU of an event, by ${title}`, [
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
    for (const { name, title } of axes) print(samples, name, title)
  }
}

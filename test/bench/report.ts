/** Tables of medians and ratios. */
import type { Sample, Samples } from "./bench.js"
import { median } from "./statistics.js"

export interface Column {
  readonly title: string
  /** Of one sample; NaN where it has none. */
  readonly value: (sample: Sample) => number
  readonly digits?: number
  /** Whether ratios to the floor, and of ours to each, mean something. */
  readonly ratios?: boolean
}

/** A column of a figure of the sample. */
export const figure = (
  name: string,
  title: string,
  options: { readonly digits?: number; readonly ratios?: boolean; readonly times?: number } = {}
): Column => ({
  title,
  value: ({ figures }) => (figures?.[name] ?? NaN) * (options.times ?? 1),
  digits: options.digits ?? 2,
  ratios: options.ratios ?? true
})

/** The contender of ours that the others are compared with. */
const reference = "undici"

export const table = (title: string, rows: ReadonlyArray<ReadonlyArray<string>>): void => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  console.log(`\n${title}`)
  for (const row of rows) {
    console.log(
      `  ${row.map((cell, at) => at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)).join("  ")}`
    )
  }
}

export const show = (value: number, digits = 2): string => Number.isNaN(value) ? "-" : value.toFixed(digits)

export const compare = (title: string, samples: Samples, columns: ReadonlyArray<Column>, ours = reference): void => {
  const medianOf = (name: string, { value }: Column): number =>
    median((samples.get(name) ?? []).map(value).filter((number) => !Number.isNaN(number)))
  const floor = samples.has("floor") ? "floor" : "floor-8"
  const header = [
    "",
    ...columns.flatMap(({ ratios, title }) => [
      title,
      ...(ratios === true && samples.has(floor) ? [`x ${floor}`] : []),
      ...(ratios === true && samples.has(ours) ? [`${ours} / it`] : [])
    ]),
    "samples"
  ]
  const rows = [...samples].map(([name, taken]) => [
    name,
    ...columns.flatMap((column) => {
      const value = medianOf(name, column)
      return [
        show(value, column.digits),
        ...(column.ratios === true && samples.has(floor) ? [show(value / medianOf(floor, column))] : []),
        ...(column.ratios === true && samples.has(ours) ? [show(medianOf(ours, column) / value)] : [])
      ]
    }),
    String(taken.filter(({ figures }) => figures !== undefined).length)
  ])
  table(title, [header, ...rows])
  for (const [name, taken] of samples) {
    const failed = taken.filter(({ failure }) => failure !== undefined)
    for (const { failure, sink } of failed.slice(0, 1)) {
      const arrived = sink === undefined ? "" : `, ${sink.distinct} events had arrived`
      console.log(`  ${name}: ${failed.length} of ${taken.length} ${failure}${arrived}`)
    }
  }
}

export const leftOut = (name: string, why: string): void => console.log(`  ${name} is left out: ${why}`)

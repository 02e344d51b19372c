/**
 * One sample of one measurement of one contender, in this process alone. The last line it prints is the sample as JSON.
 *
 *     node test/bench/built/sample.js call undici '{"url":"...","control":"...", ...}'
 */
import type { Place } from "./control.js"

/** Figures by their names. */
export type Figures = Readonly<Record<string, number>>

/** The input of a sample. */
export type Params = Place & Figures

export type Sampler = (contender: string, params: Params) => Promise<Figures>

const [measurement = "", contender = "", params = "{}"] = process.argv.slice(2)
const { sample } = await import(`./samples/${measurement}.js`) as { readonly sample: Sampler }

const figures = await sample(contender, JSON.parse(params) as Params)
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0))

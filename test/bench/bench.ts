/** Takes samples of contenders for the measurements, in turns, each in its own process. */
import { spawn } from "node:child_process"
import type { Place } from "./control.js"
import * as Control from "./control.js"
import { builtOf, root } from "./paths.js"
import type { Figures } from "./sample.js"
import type { State } from "./sink.js"

export interface Settings {
  readonly place: Place
  readonly rounds: number
  /** Whether to take few events and short times, to try the benchmarks. The figures mean nothing then. */
  readonly quick: boolean
  /** Only these contenders, where any are named. */
  readonly only: ReadonlySet<string>
}

/** One sample: its figures and what the sink had then, or why there are none. */
export interface Sample {
  readonly figures?: Figures
  readonly sink?: State
  readonly failure?: string
}

export type Samples = ReadonlyMap<string, ReadonlyArray<Sample>>

export interface Entrant {
  readonly name: string
  /** Not in every round, where one sample takes long. */
  readonly rounds?: number
  /** About how long one sample takes. */
  readonly seconds: number
  /** Where it differs from the others. */
  readonly params?: Figures
  /** Another program than a sample in Node: it gets the place and the events as arguments. */
  readonly command?: ReadonlyArray<string>
}

export interface Race {
  readonly measurement: string
  /** Which of the measurement's cases. */
  readonly label: string
  readonly entrants: ReadonlyArray<Entrant>
  readonly params: Figures
  readonly rounds?: number
  readonly flags?: ReadonlyArray<string>
  /** A sample that takes longer is cut. */
  readonly capSeconds?: number
}

export interface Measurement {
  readonly name: string
  /** About how long it takes. */
  readonly seconds: (settings: Settings) => number
  readonly run: (settings: Settings) => Promise<void>
}

/** Every sample that was taken, for the file. */
export const records: Array<object> = []

const proxies = new Set(["http_proxy", "https_proxy", "all_proxy"])

/** The environment of samples, without the settings of proxies. */
export const env = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !proxies.has(name.toLowerCase())))

/** Runs a program; its last line is JSON. */
export const runToEnd = (
  command: string,
  args: ReadonlyArray<string>,
  options: { readonly capSeconds?: number; readonly cwd?: string } = {}
): Promise<Sample> =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: options.cwd ?? root, env: env(), stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    let errors = ""
    let cut = false
    const capSeconds = options.capSeconds ?? 600
    const timer = setTimeout(() => {
      cut = true
      child.kill("SIGKILL")
    }, capSeconds * 1000)
    child.stdout.on("data", (chunk: Buffer) => output += chunk.toString())
    child.stderr.on("data", (chunk: Buffer) => errors = (errors + chunk.toString()).slice(-2000))
    child.on("error", (error) => errors += error.message)
    child.on("close", (code) => {
      clearTimeout(timer)
      if (cut) return resolve({ failure: `cut after ${capSeconds} s` })
      if (code !== 0) return resolve({ failure: `exit ${code}: ${errors.trim().slice(-500)}` })
      resolve({ figures: JSON.parse(output.trim().split("\n").at(-1)!) as Figures })
    })
  })

const entrantsOf = ({ only }: Settings, entrants: ReadonlyArray<Entrant>): ReadonlyArray<Entrant> =>
  only.size === 0 ? entrants : entrants.filter(({ name }) => only.has(name))

/** About how long a race takes; starting a process is half a second of it. */
export const secondsOf = (settings: Settings, { entrants, rounds }: Race): number =>
  entrantsOf(settings, entrants).reduce(
    (sum, entrant) => sum + (entrant.seconds + 0.5) * roundsOf(settings, rounds, entrant),
    0
  )

const roundsOf = (settings: Settings, rounds: number | undefined, entrant: Entrant): number =>
  Math.min(settings.rounds, rounds ?? Infinity, entrant.rounds ?? Infinity)

/** Lets the entrants take turns. */
export const race = async (settings: Settings, race: Race): Promise<Samples> => {
  const { capSeconds, entrants, flags = [], label, measurement, params } = race
  const samples = new Map(entrantsOf(settings, entrants).map((entrant) => [entrant.name, new Array<Sample>()]))
  for (let round = 0; round < settings.rounds; round++) {
    for (const entrant of entrantsOf(settings, entrants)) {
      if (round >= roundsOf(settings, race.rounds, entrant)) continue
      const all = { ...params, ...entrant.params }
      const { control, url } = settings.place
      const cap = capSeconds === undefined ? {} : { capSeconds }
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${measurement} ${label} ${round + 1} ${entrant.name}`)
      if (entrant.command !== undefined) await Control.order(settings.place, { events: all.events! })
      const sample = entrant.command !== undefined
        ? await runToEnd(entrant.command[0]!, [...entrant.command.slice(1), url, String(all.events)], cap)
        : await runToEnd(
          process.execPath,
          [
            ...flags,
            builtOf("sample.js"),
            measurement,
            entrant.name,
            JSON.stringify({ url, control, ...all })
          ],
          cap
        )
      const sink = await Control.state(settings.place)
      // one that was cut may have left it so
      await Control.start(settings.place)
      await Control.release(settings.place)
      samples.get(entrant.name)!.push({ ...sample, sink })
      records.push({ measurement, label, contender: entrant.name, round, params: all, ...sample, sink })
    }
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K")
  return samples
}

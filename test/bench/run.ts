/**
 * Runs the contenders, each in a process of its own, taking turns, for several rounds, and prints medians and their
 * ratios to the floor's. The ratios are what can be compared: the times are those of this machine and this minute.
 *
 *     npx tsx test/bench/run.ts [rounds]
 */
import { execFile, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

type Sample = Readonly<Record<string, number>>

const rounds = Number(process.argv[2] ?? 5)
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

// the built package, as its users have it: without the sources' paths its own name leads to `dist`
execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" })
const env = { ...process.env, TSX_TSCONFIG_PATH: pathOf("built.json") }

const run = async (script: string, ...args: ReadonlyArray<string>): Promise<Sample> => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", pathOf(script), ...args], { env })
  return JSON.parse(stdout) as Sample
}

const median = (numbers: ReadonlyArray<number>): number => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const measure = async (
  contenders: ReadonlyArray<string>,
  sample: (contender: string) => Promise<Sample>
): Promise<ReadonlyMap<string, ReadonlyArray<Sample>>> => {
  const samples = new Map(contenders.map((contender) => [contender, new Array<Sample>()]))
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) samples.get(contender)!.push(await sample(contender))
  }
  return samples
}

const print = (
  title: string,
  samples: ReadonlyMap<string, ReadonlyArray<Sample>>,
  valueOf: (sample: Sample) => number
): void => {
  const medians = new Map([...samples].map(([contender, values]) => [contender, median(values.map(valueOf))]))
  console.log(`\n${title}, median of ${rounds}`)
  for (const [contender, value] of medians) {
    const ratio = value / medians.get("floor")!
    console.log(`  ${contender.padEnd(8)}${value.toFixed(2).padStart(12)}   ${ratio.toFixed(2)} of the floor`)
  }
}

print(
  "nanoseconds per call",
  await measure(["floor", "track"], (contender) => run("track.ts", contender)),
  (sample) => sample.nanoseconds!
)

const sink = spawn(process.execPath, ["--import", "tsx", pathOf("sink.ts")], {
  env,
  stdio: ["ignore", "pipe", "inherit"]
})
const [port] = await once(sink.stdout, "data") as [Buffer]
const url = `http://127.0.0.1:${port.toString().trim()}/`

const delivered = await measure(["floor", "fetch", "undici"], (contender) => run("deliver.ts", contender, url))
sink.kill()

print("events per second", delivered, ({ events, seconds }) => events! / seconds!)
print("CPU seconds for all events", delivered, ({ cpuSeconds }) => cpuSeconds!)

const counts = new Set([...delivered.values()].flat().map(({ events }) => events))
console.log(`\nevents that arrived at the sink in each run: ${[...counts].join(", ")}`)

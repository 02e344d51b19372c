/**
 * Runs the measurements on the built package. Only ratios of the same run can be compared, since times depend on the
 * machine and its load.
 *
 *     npm run bench -- [measurement ...] [--rounds N] [--contenders a,b] [--quick]
 */
import type { ChildProcess } from "node:child_process"
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { parse } from "./arguments.js"
import type { Measurement, Settings } from "./bench.js"
import { env, records } from "./bench.js"
import type { Place } from "./control.js"
import { call } from "./measurements/call.js"
import { delay } from "./measurements/delay.js"
import { deliver } from "./measurements/deliver.js"
import { doors } from "./measurements/doors.js"
import { growth } from "./measurements/growth.js"
import { ingest } from "./measurements/ingest.js"
import { memory } from "./measurements/memory.js"
import { outage } from "./measurements/outage.js"
import { page } from "./measurements/page.js"
import { shared } from "./measurements/shared.js"
import { size } from "./measurements/size.js"
import { storage } from "./measurements/storage.js"
import { builtOf, pathOf, root } from "./paths.js"

const all: ReadonlyArray<Measurement> = [
  call,
  doors,
  deliver,
  memory,
  delay,
  outage,
  size,
  growth,
  storage,
  shared,
  ingest,
  page
]

const startSink = async (): Promise<{ readonly place: Place; readonly sink: ChildProcess }> => {
  const sink = spawn(process.execPath, [builtOf("sink.js")], {
    cwd: root,
    env: env(),
    stdio: ["ignore", "pipe", "inherit"]
  })
  const [line] = await once(sink.stdout, "data") as [Buffer]
  const [port, control] = line.toString().trim().split(" ")
  return { place: { url: `http://127.0.0.1:${port}/`, control: `http://127.0.0.1:${control}/` }, sink }
}

const { contenders, measurements, quick, rounds } = parse(process.argv.slice(2), all.map(({ name }) => name))
const wanted = measurements.length === 0 ? all : all.filter(({ name }) => measurements.includes(name))

if (!existsSync(pathOf("peers/node_modules"))) {
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: pathOf("peers"), stdio: "inherit" })
}

const { place, sink } = await startSink()
const settings: Settings = { place, rounds, quick, only: new Set(contenders) }
const minutes = wanted.reduce((sum, { seconds }) => sum + seconds(settings), 0) / 60

console.log(`Node ${process.version}, ${cpus().length} cores, ${rounds} rounds`)
console.log(quick ? "quick: the figures mean nothing" : `about ${Math.ceil(minutes)} minutes`)

try {
  for (const { run } of wanted) await run(settings)
} finally {
  sink.kill()
  const results = { node: process.version, cores: cpus().length, rounds, quick, samples: records }
  writeFileSync(pathOf("results.json"), `${JSON.stringify(results, undefined, 2)}\n`)
  console.log("\nevery sample is in test/bench/results.json")
}

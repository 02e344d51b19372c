/**
 * Measures the cost of importing, and the size of the modules that `track` needs beyond Effect and `@effect/platform`.
 */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, resolve } from "node:path"
import { gzipSync } from "node:zlib"
import type { Measurement, Sample, Settings } from "../bench.js"
import { records, runToEnd } from "../bench.js"
import { pathOf, root } from "../paths.js"
import { show, table } from "../report.js"
import { median } from "../statistics.js"

interface Import {
  readonly name: string
  readonly code: string
  /** Names are looked up from here. */
  readonly cwd?: string
}

/** The modules that `file` reaches which are not the package's own. */
const reachedBy = (file: string, seen = new Set<string>(), found = new Set<string>()): ReadonlySet<string> => {
  seen.add(file)
  for (const [, name] of readFileSync(file, "utf8").matchAll(/^(?:import|export)\b[^"']*["']([^"']+)["']/gm)) {
    if (!name!.startsWith(".")) found.add(name!)
    else {
      const next = resolve(dirname(file), name!)
      if (!seen.has(next)) reachedBy(next, seen, found)
    }
  }
  return found
}

const onlyEffect = (file: string): string =>
  [...reachedBy(`${root}dist/${file}`)].filter((name) => /^(@effect\/|effect(\/|$))/.test(name))
    .map((name) => `import ${JSON.stringify(name)}`)
    .join("\n")

const peers = [
  "@amplitude/analytics-node",
  "posthog-node",
  "@segment/analytics-node",
  "@rudderstack/rudder-sdk-node",
  "mixpanel"
]

const importsOf = (): ReadonlyArray<Import> => [
  { name: "nothing", code: "" },
  { name: "effect-amplitude/Amplitude", code: "import { Amplitude } from \"effect-amplitude/Amplitude\"" },
  { name: "its Effect modules alone", code: onlyEffect("Amplitude.js") },
  { name: "effect-amplitude", code: "import { Amplitude } from \"effect-amplitude\"" },
  { name: "all Effect modules of it alone", code: onlyEffect("index.js") },
  { name: "effect-amplitude/AmplitudeNode", code: "import { layer } from \"effect-amplitude/AmplitudeNode\"" },
  { name: "effect and @effect/platform", code: "import \"effect\"\nimport \"@effect/platform\"" },
  ...peers.map((name) => ({ name, code: `import ${JSON.stringify(name)}`, cwd: pathOf("peers") }))
]

const tell = `
const { system, user } = process.cpuUsage()
process.stdout.write(JSON.stringify({ wall: performance.now(), cpu: (user + system) / 1000 }) + "\\n")`

const launch = ({ code, cwd = root }: Import): Promise<Sample> =>
  runToEnd(process.execPath, ["--input-type=module", "--eval", `${code}\n${tell}`], { cwd })

const launchAll = async (times: number): Promise<ReadonlyMap<string, ReadonlyArray<Sample>>> => {
  const imports = importsOf()
  const samples = new Map(imports.map(({ name }) => [name, new Array<Sample>()]))
  // the first launches read the files from the disk
  for (const one of imports) await launch(one)
  for (let time = 0; time < times; time++) {
    for (const one of imports) {
      const sample = await launch(one)
      samples.get(one.name)!.push(sample)
      records.push({ measurement: "size", label: "import", contender: one.name, round: time, ...sample })
    }
  }
  return samples
}

/** The cost of starting Node, which is subtracted. */
const printImports = (samples: ReadonlyMap<string, ReadonlyArray<Sample>>): void => {
  const medianOf = (name: string, of: "cpu" | "wall"): number =>
    median((samples.get(name) ?? []).map(({ figures }) => figures?.[of] ?? NaN)) -
    (name === "nothing" ? 0 : medianOf("nothing", of))
  const ratio = (ours: string, effect: string) =>
    `${show(medianOf(ours, "cpu") / medianOf(effect, "cpu"))} in CPU, ` +
    `${show(medianOf(ours, "wall") / medianOf(effect, "wall"))} in time`
  table("size: milliseconds of importing, less what Node takes to start (which is the first line)", [
    ["", "CPU", "time", "effect-amplitude/Amplitude / it"],
    ...[...samples.keys()].map((name) => [
      name,
      show(medianOf(name, "cpu"), 1),
      show(medianOf(name, "wall"), 1),
      name === "nothing" ? "" : show(medianOf("effect-amplitude/Amplitude", "cpu") / medianOf(name, "cpu"))
    ])
  ])
  console.log(`  Amplitude to its Effect modules: ${ratio("effect-amplitude/Amplitude", "its Effect modules alone")}`)
  console.log(`  the barrel to its Effect modules: ${ratio("effect-amplitude", "all Effect modules of it alone")}`)
}

/** What this bench asks of esbuild, whose types are only there when the peers are. */
interface Esbuild {
  readonly buildSync: (options: object) => { readonly outputFiles: ReadonlyArray<{ readonly contents: Uint8Array }> }
}

const use = "console.log(Amplitude.layer, Amplitude.track)"

const bundles: ReadonlyArray<Import> = [
  { name: "effect-amplitude/Amplitude", code: `import { Amplitude } from "effect-amplitude/Amplitude"\n${use}` },
  { name: "effect-amplitude, layer and track", code: `import { Amplitude } from "effect-amplitude"\n${use}` },
  { name: "effect-amplitude, all of it", code: "export * from \"effect-amplitude\"" },
  ...peers.map((name) => ({
    name,
    code: `import * as all from ${JSON.stringify(name)}\nconsole.log(all)`,
    cwd: pathOf("peers")
  }))
]

const printBundles = (): void => {
  const { buildSync } = createRequire(pathOf("peers/package.json"))("esbuild") as Esbuild
  const sizes = bundles.map(({ code, cwd = root, name }) => {
    const { outputFiles } = buildSync({
      stdin: { contents: code, resolveDir: cwd },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "node",
      external: ["effect", "effect/*", "@effect/*"],
      logLevel: "silent"
    })
    const { contents } = outputFiles[0]!
    const gzipped = gzipSync(contents, { level: 9 }).length
    records.push({ measurement: "size", label: "bundle", contender: name, minified: contents.length, gzipped })
    return [name, String(contents.length), String(gzipped)]
  })
  table("size: bytes bundled; of this package beyond effect and @effect/platform, of the peers with all they need", [[
    "",
    "minified",
    "gzipped"
  ], ...sizes])
}

const timesOf = ({ quick, rounds }: Settings): number => quick ? 3 : 4 * rounds

export const size: Measurement = {
  name: "size",
  seconds: (settings) => timesOf(settings) * importsOf().length * 0.5,
  run: async (settings) => {
    printImports(await launchAll(timesOf(settings)))
    printBundles()
  }
}

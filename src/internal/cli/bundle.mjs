/** Bundles the command line into one file that needs Node alone, and collects the licences of what is inside. */
import { build } from "esbuild"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const dist = process.argv[2] ?? join(root, "dist")

/** A module finds files beside itself by its own URL, which in the bundle is that of the bundle. */
const ownUrls = {
  name: "own-urls",
  setup: ({ onLoad }) =>
    onLoad({ filter: new RegExp(`^${join(root, "src").replaceAll("\\", "\\\\")}.*\\.ts$`) }, ({ path }) => {
      const text = readFileSync(path, "utf8")
      if (!text.includes("import.meta.url")) return undefined
      const built = relative(join(root, "src"), path).split(sep).join("/").replace(/\.ts$/, ".js")
      return {
        contents: text.replaceAll("import.meta.url", `new URL(${JSON.stringify(built)}, import.meta.url).href`),
        loader: "ts"
      }
    })
}

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ["src/bin.ts"],
  outfile: join(dist, "bin.js"),
  bundle: true,
  minify: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  plugins: [ownUrls],
  // some packages inside are CommonJS and require modules of Node
  banner: {
    js: `import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);`
  }
})

const packages = new Set(
  Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)).flatMap((path) => {
    const [found] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path) ?? []
    return found === undefined ? [] : [found]
  })
)

const licences = [...packages].sort().map((path) => {
  const folder = join(root, path)
  const { license, name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  const file = readdirSync(folder).find((file) => /^(licen[cs]e|copying)/i.test(file))
  if (file === undefined && license === undefined) throw new Error(`${name} has no licence`)
  const text = file === undefined ? `Licence: ${license}` : readFileSync(join(folder, file), "utf8").trim()
  return `${name} ${version} (${license})\n\n${text}\n`
})

writeFileSync(
  join(dist, "bin.LICENSES.txt"),
  `bin.js contains parts of these packages.\n\n${licences.join(`\n${"-".repeat(80)}\n\n`)}`
)

if (!existsSync(join(dist, "bin.js"))) throw new Error("there is no bundle")

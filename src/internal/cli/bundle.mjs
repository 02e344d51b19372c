/** Bundles the command line into one file that needs only Node, and collects the licences of the bundled packages. */
import { build } from "esbuild"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { tmpdir } from "node:os"
import { join, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const dist = process.argv[2] ?? join(root, "dist")

/** Keeps the relative URLs of modules right: in the bundle, `import.meta.url` is the URL of the bundle. */
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

/** Loads the modules of Node when they are used, so that help does not load them. */
const lazyBuiltins = {
  name: "lazy-builtins",
  setup: ({ onLoad, onResolve }) => {
    onResolve(
      { filter: /^[a-z]/ },
      ({ namespace, path }) => namespace !== "builtin" && isBuiltin(path) ? { path, namespace: "builtin" } : undefined
    )
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = __require(${JSON.stringify(path)})`
    }))
  }
}

/** Replaces `helpTexts.ts` with the help texts, so that help does not load the commands. */
const withHelp = (texts) => ({
  name: "help-texts",
  setup: ({ onLoad }) =>
    onLoad({ filter: /helpTexts\.ts$/ }, () => ({ contents: `export const helpTexts = ${JSON.stringify(texts)}` }))
})

const bundle = (outfile, helpTexts) =>
  build({
    absWorkingDir: root,
    entryPoints: ["src/bin.ts"],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    plugins: [ownUrls, lazyBuiltins, withHelp(helpTexts)],
    // some bundled packages are CommonJS and require modules of Node
    banner: {
      js: `import{createRequire as __createRequire}from"node:module";const __require=__createRequire(import.meta.url);`
    }
  })

/** Imports a module of the command line. */
const load = async (entryPoint) => {
  const { outputFiles: [{ contents }] } = await build({
    absWorkingDir: root,
    entryPoints: [entryPoint],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false
  })
  return import(`data:text/javascript;base64,${Buffer.from(contents).toString("base64")}`)
}

/** Reads the help that the commands print without a terminal. */
const readHelp = async () => {
  const folder = mkdtempSync(join(tmpdir(), "effect-amplitude-bundle-"))
  const file = join(folder, "bin.mjs")
  await bundle(file, {})
  const { commands } = await load("src/internal/cli/helpAsked.ts")
  const texts = Object.fromEntries(commands.map((command) => {
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      [file, ...command.split(" ").filter((word) => word !== ""), "--help"],
      { encoding: "utf8" }
    )
    if (status !== 0 || stdout === "") throw new Error(`no help of "${command}": ${stderr}`)
    return [command, stdout]
  }))
  rmSync(folder, { recursive: true })
  return texts
}

const { metafile } = await bundle(join(dist, "bin.js"), await readHelp())

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

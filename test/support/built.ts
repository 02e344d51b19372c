/**
 * Builds the sources and the examples to JavaScript, so that processes of tests start faster. It builds once in a
 * process, into a package that the examples import by its name.
 */
import { build } from "esbuild"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/^(bin\.ts$|internal\/cli\/|page\/)/.test(path))
    .map((path) => join(root, folder, path))

const makeBuilt = async (): Promise<string> => {
  // below `node_modules`, where the packages are found that the sources import
  const folder = mkdtempSync(join(root, "node_modules/.built-"))
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      name: "effect-amplitude",
      type: "module",
      exports: { ".": "./src/index.js", "./*": "./src/*.js" }
    })
  )
  await build({
    entryPoints: [
      ...filesIn("src"),
      ...filesIn("examples"),
      ...["leftOpen", "nodeTimers"].map((name) => join(root, `test/support/${name}.ts`))
    ],
    outbase: root,
    outdir: folder,
    format: "esm",
    target: "node20",
    logLevel: "error"
  })
  return folder
}

let folder: Promise<string> | undefined

/** The folder with `src` and `examples`. */
export const built = (): Promise<string> => folder ??= makeBuilt()

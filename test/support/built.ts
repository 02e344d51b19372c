/**
 * Builds the sources and the examples to JavaScript, together with Effect, so that processes of tests start faster. It
 * builds once in a process, into a folder with the names of the sources.
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
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  await build({
    entryPoints: [
      ...filesIn("src"),
      ...filesIn("examples"),
      ...["leftOpen", "nodeTimers"].map((name) => join(root, `test/support/${name}.ts`))
    ],
    outbase: root,
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
    plugins: [{
      name: "packages",
      setup: ({ onResolve }) => {
        onResolve({ filter: /^effect-amplitude(\/|$)/ }, ({ path }) => ({
          path: join(root, "src", `${path.slice("effect-amplitude/".length) || "index"}.ts`)
        }))
        // Effect has hundreds of modules; the other packages are left as they are
        onResolve(
          { filter: /^[^./]/ },
          ({ path }) => /^(@effect|effect)(\/|$)/.test(path) ? undefined : { path, external: true }
        )
      }
    }]
  })
  return folder
}

let folder: Promise<string> | undefined

/** The folder with `src` and `examples`. */
export const built = (): Promise<string> => folder ??= makeBuilt()

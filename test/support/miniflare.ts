/** Workers in workerd, bundled as their tools bundle them. */
import { Effect } from "effect"
import { build } from "esbuild"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

// Its types do not compile where libraries are checked.
const { Miniflare } = createRequire(import.meta.url)("miniflare")

const root = fileURLToPath(new URL("../..", import.meta.url))

/** The worker of a file of this repository, and how to call it. */
export const start = (path: string, bindings: Record<string, string>) =>
  Effect.gen(function*() {
    const { outputFiles } = yield* Effect.promise(() =>
      build({
        entryPoints: [join(root, path)],
        bundle: true,
        format: "esm",
        conditions: ["workerd", "worker", "browser"],
        write: false,
        tsconfig: join(root, "tsconfig.json")
      })
    )
    const miniflare = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const miniflare = new Miniflare({
          modules: true,
          script: outputFiles[0]!.text,
          compatibilityDate: "2025-12-10",
          bindings
        })
        await miniflare.ready
        return miniflare
      }),
      (miniflare) => Effect.promise(() => miniflare.dispose())
    )
    return {
      call: (path: string) =>
        Effect.promise(async () => {
          const response = await miniflare.dispatchFetch(`http://worker${path}`)
          return { status: response.status, body: await response.text() }
        })
    }
  })

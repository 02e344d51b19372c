import { fileURLToPath } from "node:url"
import { configDefaults, defineConfig } from "vitest/config"

const src = fileURLToPath(new URL("./src", import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^effect-amplitude$/, replacement: `${src}/index.ts` },
      { find: /^effect-amplitude\/(.+)$/, replacement: `${src}/$1.ts` }
    ]
  },
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/bench/**"],
    maxWorkers: 2,
    // a worker loads the modules once: each test leaves what it changes as it was
    isolate: false,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: [
        // their tests run the bundle, in processes of their own
        "src/bin.ts",
        "src/internal/cli/**",
        // what needs a document runs in Chromium, driven by test/page/page.test.ts
        "src/page/{api,faults,keyboard,live,state,theme}.ts"
      ],
      thresholds: { lines: 95, functions: 95, statements: 95, branches: 90 }
    }
  }
})

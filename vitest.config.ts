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
    // one more than the cores of a small machine, since many tests wait for processes and servers
    maxWorkers: 3,
    // a test that is late on a busy machine is not at fault
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // the test files of a worker share its modules, so that each test must undo its changes
    isolate: false,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: [
        // the tests of the command line run the bundle in other processes
        "src/bin.ts",
        "src/internal/cli/**",
        // code that needs a document runs in Chromium, in test/page/page.test.ts
        "src/page/{api,faults,keyboard,live,state,theme}.ts"
      ],
      thresholds: { lines: 95, functions: 95, statements: 95, branches: 90 }
    }
  }
})

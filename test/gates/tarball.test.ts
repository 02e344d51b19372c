/**
 * The package as its users get it: packed, installed beside its required peers only, imported and required.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const root = fileURLToPath(new URL("../..", import.meta.url))
const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const generated = new Set([".git", "coverage", "dist", "docs", "node_modules"])

/** Runs a command, gives what it printed, and shows all of it when it fails. */
const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): Promise<string> =>
  promisify(execFile)(command, args, { cwd }).then(
    ({ stdout }) => stdout,
    (error) => assert.fail(`${error.message}\n${error.stdout}`)
  )

const listFiles = (directory: string): Array<string> =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

describe("the tarball", { timeout: 300_000 }, () => {
  let temporary: string
  let project: string
  let installed: string
  let packed: Array<string>

  // Packs a copy, so that the `dist` of the repository is left alone.
  beforeAll(async () => {
    temporary = await mkdtemp(join(tmpdir(), "effect-amplitude-"))
    const copy = join(temporary, "copy")
    await mkdir(copy)
    for (const name of await readdir(root)) {
      if (!generated.has(name)) await cp(join(root, name), join(copy, name), { recursive: true })
    }
    await symlink(join(root, "node_modules"), join(copy, "node_modules"))
    await run(copy, "npm", "pack", "--pack-destination", temporary)
    const tarball = join(temporary, (await readdir(temporary)).find((name) => name.endsWith(".tgz"))!)

    project = join(temporary, "project")
    installed = join(project, "node_modules/effect-amplitude")
    await mkdir(project)
    await writeFile(join(project, "package.json"), "{}")
    const peers = ["effect", "@effect/platform"].map((name) => `${name}@${devDependencies[name]}`)
    await run(
      project,
      "npm",
      "install",
      "--prefer-offline",
      "--omit=optional",
      "--no-audit",
      "--no-fund",
      tarball,
      ...peers
    )
    packed = listFiles(installed)
  }, 300_000)

  afterAll(() => rm(temporary, { recursive: true, force: true }))

  it("holds the sources, what is built from them, the command line, and four files", () => {
    const sources = listFiles(join(root, "src")).map((path) => path.slice(root.length))
    const built = sources.filter((path) => path.endsWith(".ts") && !/^src\/(bin|internal\/cli\/)/.test(path))
      .flatMap((path) =>
        ["js", "js.map", "d.ts", "d.ts.map"].map((extension) => path.replace(/^src(.*)ts$/, `dist$1${extension}`))
      )
    assert.deepStrictEqual(
      packed.map((path) => path.slice(installed.length + 1)).sort(),
      [
        ...sources,
        ...built,
        "dist/bin.js",
        "dist/bin.LICENSES.txt",
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "package.json"
      ].sort()
    )
  })

  it("has source maps that lead to the sources", () => {
    for (const map of packed.filter((path) => path.endsWith(".map"))) {
      for (const source of JSON.parse(readFileSync(map, "utf8")).sources) {
        assert.isTrue(existsSync(join(map, "..", source)), `${map}: ${source}`)
      }
    }
  })

  it("has a command line that runs where nothing else is installed", async () => {
    const alone = join(temporary, "alone.mjs")
    await cp(join(installed, "dist/bin.js"), alone)
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    assert.strictEqual(await run(temporary, process.execPath, alone, "--version"), `${version}\n`)
    assert.include(await run(project, join(project, "node_modules/.bin/effect-amplitude"), "--help"), "COMMANDS")
  })

  it("is installed without the optional peers", () => {
    assert.isFalse(existsSync(join(project, "node_modules/@effect/platform-node")))
    assert.isFalse(existsSync(join(project, "node_modules/@effect/sql")))
  })

  const program = `
    Amplitude.track({ event_type: "Installed", user_id: "user-12345" }).pipe(
      Effect.provide(Amplitude.layer({ apiKey: "k", serverUrl: process.argv[2] })),
      Effect.runPromise
    )`

  it.each([
    ["imported", "main.mjs", `import { Effect } from "effect"; import { Amplitude } from "effect-amplitude"`],
    ["required", "main.cjs", `const { Effect } = require("effect"); const { Amplitude } = require("effect-amplitude")`]
  ])("sends an event when it is %s", async (_, file, head) => {
    const bodies: Array<any> = []
    const server = createServer((request, response) =>
      void text(request).then((body) => {
        bodies.push(JSON.parse(body))
        response.setHeader("content-type", "application/json").end(`{"code":200,"events_ingested":1}`)
      })
    )
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    try {
      await writeFile(join(project, file), `${head}\n${program}`)
      const { port } = server.address() as AddressInfo
      await run(project, process.execPath, file, `http://127.0.0.1:${port}/2/httpapi`)
    } finally {
      server.close()
    }
    assert.strictEqual(bodies.length, 1)
    assert.strictEqual(bodies[0].api_key, "k")
    assert.strictEqual(bodies[0].events.length, 1)
    assert.include(bodies[0].events[0], { event_type: "Installed", user_id: "user-12345" })
  })

  it("has types that compile where libraries are checked too", async () => {
    await writeFile(join(project, "main.mts"), `import * as All from "effect-amplitude"\nexport default All\n`)
    const tsc = join(root, "node_modules/typescript/bin/tsc")
    await run(
      project,
      process.execPath,
      ...[tsc, "main.mts", "--noEmit", "--strict", "--exactOptionalPropertyTypes"],
      ...["--target", "es2022", "--lib", "es2023,dom", "--module", "nodenext"]
    )
  })
})

/**
 * The package as its users get it: packed, installed in a fresh folder, imported and required, with the oldest and the
 * newest of its peers, on Node, Bun and Deno, and bundled.
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
const { devDependencies, peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const generated = new Set([".git", "coverage", "dist", "docs", "node_modules"])
const inRoot = (path: string): string => join(root, "node_modules", path)

/** Runs a command, gives what it printed, and shows all of it when it fails. */
const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): Promise<string> =>
  promisify(execFile)(command, args, { cwd, timeout: 120_000 }).then(
    ({ stdout }) => stdout,
    (error) => assert.fail(`${error.message}\n${error.stdout}`)
  )

const listFiles = (directory: string): Array<string> =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** What arrives at a server while `send` runs with its URL. */
const received = async (send: (url: string) => Promise<unknown>): Promise<ReadonlyArray<unknown>> => {
  const eventTypes: Array<unknown> = []
  const server = createServer((request, response) =>
    void text(request).then((body) => {
      const { api_key, events } = JSON.parse(body)
      for (const { event_type, user_id } of events) eventTypes.push({ api_key, event_type, user_id })
      response.setHeader("content-type", "application/json").end(`{"code":200}`)
    })
  )
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  try {
    await send(`http://127.0.0.1:${(server.address() as AddressInfo).port}/2/httpapi`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
  return eventTypes
}

const delivered = { api_key: "key", event_type: "Installed", user_id: "user-12345" }

/** A program that sends an event with each of the clients. */
const program = (...clients: ReadonlyArray<string>): string => `
  const run = async () => {
    for (const client of [${clients.join(", ")}]) {
      await Amplitude.track({ event_type: "Installed", user_id: "user-12345" }).pipe(
        Effect.provide(client.layer({ apiKey: "key", serverUrl: process.argv[2] })),
        Effect.runPromise
      )
    }
  }
  run().catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
`

const importing = `
  import { Effect } from "effect"
  import { Amplitude } from "effect-amplitude"
`
const requiring = `
  const { Effect } = require("effect")
  const { Amplitude } = require("effect-amplitude")
`
const importingNode = `${importing}import { AmplitudeNode } from "effect-amplitude/AmplitudeNode"`
const requiringNode = `${requiring}const { AmplitudeNode } = require("effect-amplitude/AmplitudeNode")`

let temporary: string
let tarball: string

/** Packs a copy, so that the `dist` of the repository is left alone. */
const pack = async (): Promise<string> => {
  const copy = join(temporary, "copy")
  await mkdir(copy)
  for (const name of await readdir(root)) {
    if (!generated.has(name)) await cp(join(root, name), join(copy, name), { recursive: true })
  }
  await symlink(join(root, "node_modules"), join(copy, "node_modules"))
  await run(copy, "npm", "pack", "--pack-destination", temporary)
  return join(temporary, (await readdir(temporary)).find((name) => name.endsWith(".tgz"))!)
}

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "effect-amplitude-"))
  // the gate has packed it before
  tarball = process.env["AMPLITUDE_TEST_TARBALL"] ?? await pack()
}, 300_000)

// the installed packages are many files, which a slow disk takes its time to remove
afterAll(() => rm(temporary, { recursive: true, force: true }), 120_000)

/** A fresh folder with the tarball and these packages. */
const install = async (name: string, ...packages: ReadonlyArray<string>): Promise<string> => {
  const project = join(temporary, name)
  await mkdir(project)
  await writeFile(join(project, "package.json"), "{}")
  const flags = ["--prefer-offline", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
  await run(project, "npm", "install", ...flags, tarball, ...packages)
  return project
}

/** Runs a file of a project with the URL of a server, and gives what arrived there. */
const deliveries = async (project: string, file: string, source: string, command = [process.execPath]) => {
  await writeFile(join(project, file), source)
  const [executable, ...args] = command
  return received((url) => run(project, executable!, ...args, file, url))
}

const compile = async (compiler: string, project: string, entries: ReadonlyArray<string>): Promise<void> => {
  const lines = entries.map((entry, index) => `export * as All${index} from "${entry}"\n`)
  await writeFile(join(project, "main.mts"), lines.join(""))
  await run(
    project,
    process.execPath,
    ...[inRoot(compiler), "main.mts", "--noEmit", "--strict", "--exactOptionalPropertyTypes"],
    ...["--target", "es2022", "--lib", "es2023,dom", "--module", "nodenext"]
  )
}

describe("the tarball", { timeout: 300_000 }, () => {
  let project: string
  let installed: string
  let packed: Array<string>

  beforeAll(async () => {
    project = await install(
      "required",
      ...["effect", "@effect/platform"].map((name) => `${name}@${devDependencies[name]}`)
    )
    installed = join(project, "node_modules/effect-amplitude")
    packed = listFiles(installed)
  }, 300_000)

  it("holds the sources, what is built from them, the command line, the page, the examples, and four files", () => {
    const relative = (path: string) => path.slice(root.length)
    const sources = listFiles(join(root, "src")).map(relative)
    const built = sources.filter((path) => path.endsWith(".ts") && !/^src\/(bin|internal\/cli\/|page\/)/.test(path))
      .flatMap((path) =>
        ["js", "js.map", "d.ts", "d.ts.map"].map((extension) => path.replace(/^src(.*)ts$/, `dist$1${extension}`))
      )
    const examples = listFiles(join(root, "examples")).map(relative)
    assert.deepStrictEqual(
      packed.map((path) => path.slice(installed.length + 1).replace(/page-[\w-]+\.(js|css)$/, "page-HASH.$1")).sort(),
      [
        ...sources,
        ...built,
        ...examples,
        "dist/bin.js",
        "dist/bin.LICENSES.txt",
        "dist/page/index.html",
        "dist/page/page-HASH.css",
        "dist/page/page-HASH.js",
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

  it("is installed without the optional peers, and the main entry loads without them", async () => {
    for (const name of ["@effect/platform-node", "@effect/sql", "ioredis"]) {
      assert.isFalse(existsSync(join(project, "node_modules", name)), name)
    }
    await writeFile(
      join(project, "loaded.mjs"),
      `import * as All from "effect-amplitude"\nconsole.log(All.Amplitude.key)`
    )
    assert.include(await run(project, process.execPath, "loaded.mjs"), "Amplitude")
  })

  it("sends an event when it is imported, and when it is required", async () => {
    assert.deepStrictEqual(
      await deliveries(project, "main.mjs", importing + program("Amplitude")),
      [delivered]
    )
    assert.deepStrictEqual(
      await deliveries(project, "main.cjs", requiring + program("Amplitude")),
      [delivered]
    )
  })

  it("has types that compile where libraries are checked too", () =>
    compile("typescript/bin/tsc", project, ["effect-amplitude", "effect-amplitude/AmplitudeBrowser"]))
})

const oldest = (name: string): string => /\d+\.\d+\.\d+/.exec(peerDependencies[name])![0]

describe("with the oldest peers of the ranges", { timeout: 300_000 }, () => {
  it("the client delivers, and its types compile", async () => {
    const peers = ["effect", "@effect/platform"]
    const project = await install("oldest", ...peers.map((name) => `${name}@${oldest(name)}`))
    for (const name of peers) {
      const { version } = JSON.parse(readFileSync(join(project, "node_modules", name, "package.json"), "utf8"))
      assert.strictEqual(version, oldest(name), name)
    }
    assert.deepStrictEqual(await deliveries(project, "main.mjs", importing + program("Amplitude")), [delivered])
    await compile("typescript-7/bin/tsc", project, ["effect-amplitude", "effect-amplitude/AmplitudeBrowser"])
  })

  // What @effect/platform-node needs itself asks for later patches of the same minor versions.
  it("the client over undici delivers", async () => {
    const peers = ["effect", "@effect/platform", "@effect/platform-node"]
    const project = await install("oldestNode", ...peers.map((name) => `${name}@~${oldest(name)}`))
    for (const [file, source] of [["main.mjs", importingNode], ["main.cjs", requiringNode]] as const) {
      assert.deepStrictEqual(
        await deliveries(project, file, source + program("Amplitude", "AmplitudeNode")),
        [delivered, delivered]
      )
    }
  })
})

describe("installed by the line of the README", { timeout: 300_000 }, () => {
  let project: string

  beforeAll(async () => {
    const line = /^npm install effect-amplitude (.+)$/m.exec(readFileSync(join(root, "README.md"), "utf8"))
    assert.isNotNull(line)
    project = await install("newest", ...line[1]!.split(" "))
  }, 300_000)

  it.each([
    ["Node", [process.execPath]],
    ["Bun", [inRoot("@oven/bun-linux-x64/bin/bun")]],
    ["Deno", [process.execPath, inRoot("deno/bin.cjs"), "run", "--allow-all"]]
  ])("every client delivers on %s", async (name, command) => {
    assert.deepStrictEqual(
      await deliveries(project, `${name}.mjs`, importingNode + program("Amplitude", "AmplitudeNode"), command),
      [delivered, delivered]
    )
  })

  it.each([
    ["CommonJS", "cjs", ["--format=cjs"]],
    ["ESM, with a `require`", "mjs", [
      "--format=esm",
      `--banner:js=import { createRequire } from "node:module"; const require = createRequire(import.meta.url)`
    ]]
  ])("esbuild bundles every client as %s", async (_, extension, flags) => {
    const [source, bundle] = ["bundled.mjs", `bundle.${extension}`]
    await writeFile(join(project, source), importingNode + program("Amplitude", "AmplitudeNode"))
    await run(project, inRoot(".bin/esbuild"), source, "--bundle", "--platform=node", ...flags, `--outfile=${bundle}`)
    assert.deepStrictEqual(await received((url) => run(project, process.execPath, bundle, url)), [
      delivered,
      delivered
    ])
  })
})

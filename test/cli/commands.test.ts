/** The bundle and its conventions: size, licences, help, exit statuses, variables, output. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { beforeAll } from "vitest"
import { bundle, lastJson, root, run, start, temporaryFolder } from "./support/cli.js"

const commands = ["dev", "send", "validate", "plan generate", "plan check"]

describe("the command line", { timeout: 60_000 }, () => {
  let bin: string
  const folder = temporaryFolder()
  beforeAll(() => {
    bin = bundle()
  }, 60_000)

  it("is one file of at most 400 KB gzipped that needs Node alone", () => {
    assert.isAtMost(gzipSync(readFileSync(bin)).length, 400_000)
    const imports = [...readFileSync(bin, "utf8").matchAll(/\bfrom"([^"]+)"|\bimport"([^"]+)"/g)]
    const names = imports.map(([, from, effect]) => from ?? effect!).filter((name) => /^[\w@./:-]+$/.test(name))
    assert.isAbove(names.length, 0)
    assert.deepStrictEqual(
      names.filter((name) =>
        !/^(node:)?(fs|http|https|path|url|util|zlib|stream|os|net|tty|crypto|events|buffer|child_process|readline|module|v8|assert|string_decoder|stream\/promises|fs\/promises|process|worker_threads|timers)$/
          .test(name)
      ),
      []
    )
  })

  it("ships the licences of what is inside", () => {
    const licences = readFileSync(join(dirname(bin), "bin.LICENSES.txt"), "utf8")
    for (const name of ["effect", "@effect/cli", "@effect/platform", "@effect/platform-node", "csv-parse", "yauzl"]) {
      const { version } = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"))
      assert.include(licences, `\n${name} ${version} (MIT)\n`)
    }
    assert.include(licences, "Permission is hereby granted, free of charge")
  })

  it("brings nothing new to those who install the library", () => {
    const { bin, dependencies, devDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8")
    )
    assert.deepStrictEqual(bin, { "effect-amplitude": "dist/bin.js" })
    for (const name of ["@effect/cli", "csv-parse", "yauzl"]) {
      assert.property(devDependencies, name)
      assert.notProperty(dependencies ?? {}, name)
      assert.notProperty(peerDependencies, name)
    }
  })

  it("shows its help without loading a command, so that it starts fast", () => {
    /** Whether Effect, which every command is made with, was loaded. */
    const loadsEffect = (args: ReadonlyArray<string>): boolean => {
      const script = `process.on("exit", () => {
        const isLoaded = Object.keys(globalThis).some((key) => key.startsWith("effect/"))
        process.stdout.write("\\nloads Effect: " + isLoaded)
      })`
      const preload = ["--import", `data:text/javascript,${encodeURIComponent(script)}`]
      const { stdout } = spawnSync(process.execPath, [...preload, bin, ...args], { encoding: "utf8" })
      assert.match(stdout, /loads Effect: (true|false)$/)
      return stdout.endsWith("true")
    }
    assert.isFalse(loadsEffect(["--help"]))
    assert.isFalse(loadsEffect(["send", "--help"]))
    assert.isTrue(loadsEffect(["--version"]))
  })

  it("tells its version, which is that of the package", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    assert.strictEqual((await run(bin, ["--version"])).stdout.trim(), version)
  })

  it("has help with examples for every command, without styles where there is no terminal", async () => {
    for (const command of ["", ...commands, "plan"]) {
      const { code, stderr, stdout } = await run(bin, [...command.split(" "), "--help"].filter((arg) => arg !== ""))
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, /\nEXAMPLES\n {2}# .+\n {2}npx effect-amplitude /, command)
      assert.match(stdout, /\nUSAGE\n/)
      assert.notInclude(stdout, "\u001b")
      for (const line of stdout.split("\n")) assert.isAtMost(line.length, 120, line)
    }
    assert.deepStrictEqual((await run(bin, [])).stdout, (await run(bin, ["--help"])).stdout)
  })

  it("has help that agrees with the table of the README", async () => {
    const readme = readFileSync(join(root, "README.md"), "utf8")
    const section = readme.slice(readme.indexOf("\n## The command line\n"))
    const rows = [...section.matchAll(/^\| `(.+)` \| (.+) \|$/gm)].map(([, usage, summary]) =>
      `  ${usage!.replace("\\|", "|")}  ${summary!}`
    )
    const { stdout } = await run(bin, ["--help"])
    const [, listed] = /\nCOMMANDS\n([^]*?)\n\n/.exec(stdout) ?? []
    assert.deepStrictEqual(listed!.replace(/\n {20,}/g, "  ").replace(/(?<=\S) {2,}/g, "  ").split("\n"), rows)
    // every option of a command is in the README, and there is no other one
    for (const command of commands) {
      const options = [...(await run(bin, [...command.split(" "), "--help"])).stdout.matchAll(/^ {2}(--[a-z-]+)/gm)]
        .map(([, option]) => option!)
      const [, told] = new RegExp(`^- \`${command}\`: (.+(?:\\n {2}.+)*)`, "m").exec(section) ?? []
      assert.isDefined(told, command)
      const named = [...told.matchAll(/`(--[a-z-]+)/g)].map(([, option]) => option!)
      assert.deepStrictEqual([...new Set(named)].sort(), options.sort())
    }
  })

  it("completes in the shells", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { code, stdout } = await run(bin, ["--completions", shell])
      assert.strictEqual(code, 0)
      for (const word of ["validate", "generate", "dry-run"]) assert.include(stdout, word)
    }
    const script = join(folder, "completions.bash")
    writeFileSync(script, (await run(bin, ["--completions", "bash"])).stdout)
    const complete = (...words: ReadonlyArray<string>): string =>
      execFileSync("bash", [
        "-c",
        `source ${script}; COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; ` +
        `_effect-amplitude_bash_completions effect-amplitude; echo "\${COMPREPLY[@]}"`
      ]).toString().trim()
    assert.strictEqual(complete("effect-amplitude", "va"), "validate")
    assert.strictEqual(complete("effect-amplitude", "send", "--dry"), "--dry-run")
    assert.strictEqual(complete("effect-amplitude", "plan", "generate", "--ou"), "--out")
  })

  it("tells a wrong usage in one line, and exits with 2", async () => {
    const file = join(folder, "events.ndjson")
    writeFileSync(file, `{"event_type":"A","user_id":"user-1"}\n`)
    const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [["sned", file], /send/],
      [["send"], /FILE/],
      [["send", file, "--prot", "1"], /--prot/],
      [["send", file, "--to", "nowhere"], /--to nowhere: give a URL, as in --to http/],
      [["send", file, "--to", "ftp://127.0.0.1"], /http or https/],
      [["send", file, "--zone", "eu"], /--zone: give US or EU/],
      [["dev", "--port", "abc"], /--port abc: give a whole number/],
      [["dev", "--max-events=1.5"], /--max-events 1\.5: give a whole number/],
      [["dev", "--port", "65536"], /give a port from 0 to 65535/],
      [["dev", "--port", "-1"], /port/],
      [["dev", "--fail-on-fault"], /needs a command/],
      [["dev", "--strict"], /needs a plan/],
      [["plan", "generate"], /from/],
      [["plan", "check", "a"], /SOURCE/]
    ]
    for (const [args, words] of wrong) {
      const { code, stderr, stdout } = await run(bin, args)
      assert.strictEqual(code, 2, `${args.join(" ")}: ${stderr}`)
      assert.match(stderr, /^error: [^\n]+\n$/, args.join(" "))
      assert.match(stderr, words)
      assert.strictEqual(stdout, "")
    }
  })

  it("takes options over variables over defaults", async () => {
    const file = join(folder, "short.ndjson")
    writeFileSync(file, `{"event_type":"A","user_id":"u"}\n`)
    const validate = (args: ReadonlyArray<string>, env: Record<string, string>) =>
      run(bin, ["validate", file, ...args], { env })
    assert.strictEqual((await validate([], {})).code, 3)
    assert.strictEqual((await validate([], { AMPLITUDE_DEV_MIN_ID_LENGTH: "1" })).code, 0)
    assert.strictEqual((await validate(["--min-id-length", "2"], { AMPLITUDE_DEV_MIN_ID_LENGTH: "1" })).code, 3)
    assert.strictEqual(lastJson(await validate([], { AMPLITUDE_DEV_JSON: "true" })).atFault, 1)
    const wrong = await validate([], { AMPLITUDE_DEV_MIN_ID_LENGTH: "few" })
    assert.strictEqual(wrong.code, 2)
    assert.match(wrong.stderr, /^error: [^\n]*AMPLITUDE_DEV_MIN_ID_LENGTH[^\n]*\n$/)
  })

  it("ends quietly when the reader of its output has gone", async () => {
    const file = join(folder, "many.ndjson")
    writeFileSync(file, `{"event_type":"A","user_id":"user-1","event_properties":{"a":1}}\n`.repeat(10))
    const running = start(bin, ["plan", "generate", "--from", file])
    running.child.stdout.destroy()
    const { code, stderr } = await running.ended
    assert.strictEqual(code, 0)
    assert.strictEqual(stderr, "")
  })

  const script = existsSync("/usr/bin/script")
  it.skipIf(!script)("has colours and a bar on a terminal, and no colours with NO_COLOR", async () => {
    const file = join(folder, "terminal.ndjson")
    writeFileSync(file, `{"event_type":"A","user_id":"u"}\n`)
    const inTerminal = (args: string, env: Record<string, string> = {}): string =>
      execFileSync("script", ["-qec", `${process.execPath} ${bin} ${args} || true`, "/dev/null"], {
        cwd: folder,
        env: { PATH: process.env["PATH"], TERM: "xterm", ...env },
        input: ""
      }).toString()
    assert.include(inTerminal("validate terminal.ndjson"), "\u001b[31m1 at fault\u001b[0m")
    assert.notInclude(inTerminal("validate terminal.ndjson", { NO_COLOR: "1" }), "\u001b[")
    assert.include(inTerminal("--help"), "\u001b[1mUSAGE\u001b[0m")
    assert.notInclude(inTerminal("--help", { NO_COLOR: "1" }), "\u001b[")
    assert.include(
      inTerminal("send terminal.ndjson --rate 1 --to http://127.0.0.1:1"),
      "[####################] 100%  0 events"
    )
  })
})

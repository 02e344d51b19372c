/**
 * Runs every gate, even if an earlier one has failed. The last line is `N passed, N failed`: the tests that vitest
 * counted, and one for each gate. A Debian package in `MISSING_PACKAGES` could not be installed. It counts as a failed
 * gate, because its tests are skipped.
 *
 * The gates before the tests use one core each: two of them run at a time.
 */
import { spawn } from "node:child_process"
import { readdirSync, readFileSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"

const report = "node_modules/.vitest-report.json"
const packed = "node_modules/.pack"
const limit = 15 * 60_000

/** The npm scripts, the longest ones first. `check` gives the Effect diagnostics as well, and `package` builds. */
const gates = ["check", "lint", "docs", "package", "check:7", "demo"]

/** Compilers make many objects that live shortly: larger semi-spaces save a fifth of their time. */
const gateEnv = { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} --max-semi-space-size=64` }

/** Runs every test, with the tarball that `package` has made. */
const coverage = (tarball) => ["coverage", ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`], {
  ...process.env,
  ...(tarball === undefined ? {} : { AMPLITUDE_TEST_TARBALL: tarball })
}]

/** Runs a script. Its output is shown at once, or at its end if other scripts run meanwhile. */
const run = (script, args = [], env = process.env, isAlone = true) =>
  new Promise((resolve) => {
    if (isAlone) console.log(`\n=== ${script}`)
    const start = performance.now()
    const child = spawn("npm", ["run", "--silent", script, "--", ...args], {
      stdio: ["ignore", ...(isAlone ? ["inherit", "inherit"] : ["pipe", "pipe"])],
      timeout: limit,
      env
    })
    const printed = []
    child.stdout?.on("data", (chunk) => printed.push(chunk))
    child.stderr?.on("data", (chunk) => printed.push(chunk))
    const end = (status) => {
      if (!isAlone) console.log(`\n=== ${script}\n${Buffer.concat(printed).toString()}`)
      resolve({ script, ok: status === 0, seconds: (performance.now() - start) / 1000 })
    }
    child.on("error", () => end(null))
    child.on("close", end)
  })

/** Runs the remaining gates, one after the other. */
const runGates = async (left, results) => {
  for (let gate = left.shift(); gate !== undefined; gate = left.shift()) {
    results.push(await run(gate, [], gateEnv, false))
  }
}

const tarballOf = () => {
  try {
    return resolve(join(packed, readdirSync(packed).find((name) => name.endsWith(".tgz"))))
  } catch {
    return undefined
  }
}

const countTests = () => {
  try {
    const { numFailedTests, numPassedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"))
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests }
  } catch {
    // vitest did not get as far as its report: its gate has failed
    return { passed: 0, failed: 0, skipped: 0 }
  }
}

rmSync(report, { force: true })
rmSync(packed, { recursive: true, force: true })
const missing = (process.env.MISSING_PACKAGES ?? "").split(" ").filter((name) => name !== "")
const results = missing.map((name) => ({ script: `package ${name}`, ok: false, seconds: 0 }))
const left = [...gates]
await Promise.all([runGates(left, results), runGates(left, results)])
results.push(await run(...coverage(tarballOf())))
const tests = countTests()
const passed = results.filter(({ ok }) => ok).length
const failed = results.length - passed

const width = Math.max(...results.map(({ script }) => script.length))
console.log(`\n${"gate".padEnd(width)} seconds  result`)
for (const { ok, script, seconds } of results) {
  console.log(`${script.padEnd(width)} ${seconds.toFixed(1).padStart(7)}  ${ok ? "passed" : "FAILED"}`)
}
if (tests.skipped > 0) console.log(`\n${tests.skipped} tests were skipped; each says what it needs`)
console.log(`\n${tests.passed + passed} passed, ${tests.failed + failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/**
 * Runs every gate, whatever became of the ones before it. The last line is `N passed, N failed`: the tests as vitest
 * counted them, and one for each gate. A Debian package that could not be installed, named in `MISSING_PACKAGES`, counts
 * as a gate that failed, because its tests are skipped.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"

const report = "node_modules/.vitest-report.json"
const limit = 15 * 60_000

/** The npm scripts, and what is passed on to them. `coverage` runs every test, `package` builds. */
const gates = [
  ["check"],
  ["check:7"],
  ["lint"],
  ["diagnostics"],
  ["coverage", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
  ["docs"],
  ["package"],
  ["demo"]
]

const run = ([script, ...args]) => {
  console.log(`\n=== ${script}`)
  const start = performance.now()
  const { status } = spawnSync("npm", ["run", "--silent", script, "--", ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    timeout: limit
  })
  return { script, ok: status === 0, seconds: (performance.now() - start) / 1000 }
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
const missing = (process.env.MISSING_PACKAGES ?? "").split(" ").filter((name) => name !== "")
const results = [
  ...missing.map((name) => ({ script: `package ${name}`, ok: false, seconds: 0 })),
  ...gates.map(run)
]
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

/**
 * Runs every gate, whatever became of the ones before it. The last line is `N passed, N failed`: the tests as vitest
 * counted them, and one for each gate.
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
    const { numFailedTests, numPassedTests } = JSON.parse(readFileSync(report, "utf8"))
    return { passed: numPassedTests, failed: numFailedTests }
  } catch {
    // vitest did not get as far as its report: its gate has failed
    return { passed: 0, failed: 0 }
  }
}

rmSync(report, { force: true })
const results = gates.map(run)
const tests = countTests()
const passed = results.filter(({ ok }) => ok).length
const failed = results.length - passed

console.log(`\n${"gate".padEnd(12)} seconds  result`)
for (const { ok, script, seconds } of results) {
  console.log(`${script.padEnd(12)} ${seconds.toFixed(1).padStart(7)}  ${ok ? "passed" : "FAILED"}`)
}
console.log(`\n${tests.passed + passed} passed, ${tests.failed + failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

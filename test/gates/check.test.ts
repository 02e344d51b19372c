/** `npm run check` gives the diagnostics of Effect's language service, since `npm ci` patches the compiler with it. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"

const modules = fileURLToPath(new URL("../../node_modules", import.meta.url))

describe("check", { timeout: 120_000 }, () => {
  // below `node_modules`, where `effect` is found
  const folder = mkdtempSync(join(modules, ".check-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("refuses an Effect that nobody runs", () => {
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: "../../tsconfig.json",
        compilerOptions: { skipLibCheck: true, types: [] },
        include: ["*.ts"]
      })
    )
    writeFileSync(
      join(folder, "floating.ts"),
      "import * as Effect from \"effect/Effect\"\n\nEffect.log(\"it is lost\")\n"
    )
    const { status, stdout } = spawnSync(process.execPath, [join(modules, "typescript/bin/tsc"), "-p", folder], {
      encoding: "utf8"
    })
    assert.match(stdout, /floating\.ts\(3,1\): error TS\d+: .*floatingEffect/)
    assert.strictEqual(status, 2)
  })
})

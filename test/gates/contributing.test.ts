/** Compares CONTRIBUTING.md with the code. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const text = readFileSync(join(root, "CONTRIBUTING.md"), "utf8")

const arrows = Array.from(text.matchAll(/^ {2}(\S+\.ts) --> (\S+\.ts)$/gm), ([_, from, to]) => [from!, to!] as const)

/** The modules of `src` that a module imports. */
const importsOf = (module: string): ReadonlyArray<string> => {
  const path = join(root, "src", module)
  return Array.from(
    readFileSync(path, "utf8").matchAll(/from "(\.[^"]+)"/g),
    ([_, specifier]) => relative(join(root, "src"), join(dirname(path), specifier!)).replace(/\.js$/, ".ts")
  )
}

describe("CONTRIBUTING.md", () => {
  it("draws the way of an event as the imports have it", () => {
    assert.isAbove(arrows.length, 10)
    for (const [from, to] of arrows) assert.include(importsOf(from), to, `${from} imports ${to}`)
  })

  it("names folders and files that are there", () => {
    const named = Array.from(text.matchAll(/(?:^\| |`)((?:src|test|examples)[\w/.]*)`/gm), ([_, path]) => path!)
    assert.isAbove(named.length, 10)
    for (const path of named) assert.isTrue(existsSync(join(root, path)), path)
  })
})

/**
 * Checks the entries of package.json against the modules of `src`, and the imports of these modules.
 */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = fileURLToPath(new URL("../..", import.meta.url))
const src = join(root, "src")
const modules = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts")).sort()

/** The module of `src` that a relative import names. */
const resolve = (from: string, specifier: string): string =>
  relative(src, join(src, from, "..", specifier)).replace(/\.js$/, ".ts")

const isRelative = (specifier: string): boolean => specifier.startsWith(".")

/** The imports of a node, of values and types. `eager` are the imports that load with the module. */
const importsIn = (node: ts.Node): Array<{ readonly specifier: string; readonly eager: boolean }> => {
  const [specifier, eager] = ts.isImportDeclaration(node)
    ? [node.moduleSpecifier, node.importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword]
    : ts.isExportDeclaration(node)
    ? [node.moduleSpecifier, !node.isTypeOnly]
    : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
    ? [node.argument.literal, false]
    : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
    ? [node.arguments[0], false]
    : [undefined, false]
  const found = specifier !== undefined && ts.isStringLiteral(specifier) ? [{ specifier: specifier.text, eager }] : []
  ts.forEachChild(node, (child) => void found.push(...importsIn(child)))
  return found
}

const imports = (module: string): ReturnType<typeof importsIn> =>
  importsIn(ts.createSourceFile(module, readFileSync(join(src, module), "utf8"), ts.ScriptTarget.Latest))

describe("package.json", () => {
  it("exports every public module of src and nothing else", () => {
    const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    const entry = (name: string) => ({ types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` })
    // the command line is run, not imported
    const names = modules.filter((path) => !path.includes("/") && path !== "bin.ts")
      .map((path) => path.replace(/\.ts$/, ""))
    assert.deepStrictEqual(exports, {
      ".": entry("index"),
      ...Object.fromEntries(names.filter((name) => name !== "index").map((name) => [`./${name}`, entry(name)])),
      "./internal/*": null,
      "./package.json": "./package.json"
    })
  })
})

describe("src", () => {
  it("the main entry needs effect and @effect/platform and nothing else, not even for its types", () => {
    const reached = new Set(["index.ts"])
    const others: Array<string> = []
    for (const module of reached) {
      for (const { specifier } of imports(module)) {
        if (isRelative(specifier)) {
          reached.add(resolve(module, specifier))
        } else if (!/^(effect|@effect\/platform)(\/|$)/.test(specifier)) {
          others.push(`${module} imports ${specifier}`)
        }
      }
    }
    assert.deepStrictEqual(others, [])
  })

  it("no module needs itself to be loaded", () => {
    const left = new Map(modules.map((module) => [
      module,
      imports(module).filter((_) => _.eager && isRelative(_.specifier)).map((_) => resolve(module, _.specifier))
    ]))
    // Removes modules without remaining imports, until only the cycles and the modules that lead to them are left.
    for (let size = -1; size !== left.size;) {
      size = left.size
      for (const [module, needs] of left) {
        if (!needs.some((need) => left.has(need))) left.delete(module)
      }
    }
    assert.deepStrictEqual(Object.fromEntries(left), {})
  })
})

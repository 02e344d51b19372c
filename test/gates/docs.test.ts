/**
 * The doc comments of `src`. docgen asks for `@since`, and runs the examples it prints; it does not ask for `@category`,
 * and does not see the examples of classes and of their static members.
 */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = fileURLToPath(new URL("../..", import.meta.url))
const src = join(root, "src")
const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config,
  ts.sys,
  root
)
const sources = readdirSync(src)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ts.createSourceFile(join(src, name), ts.sys.readFile(join(src, name))!, ts.ScriptTarget.Latest, true))

const placeOf = (node: ts.Node): string => {
  const source = node.getSourceFile()
  return `${relative(root, source.fileName)}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
}

const findExamples = (node: ts.Node): ReadonlyArray<ts.JSDocTag> =>
  ts.isJSDoc(node)
    ? (node.tags ?? []).filter(({ tagName }) => tagName.text === "example")
    : node.getChildren().flatMap(findExamples)

const textOf = (example: ts.JSDocTag): string =>
  (ts.getTextOfJSDocComment(example.comment) ?? "").replace(/^```.*\n|\n```$/g, "")

describe("the doc comments", () => {
  it("give each export its category", () => {
    const exported = sources.flatMap((source) => [...source.statements]).filter((node) =>
      ts.canHaveModifiers(node) && !ts.isModuleDeclaration(node) &&
      ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    )
    const without = exported.filter((node) =>
      !ts.getJSDocTags(node).some(({ tagName }) => ["category", "internal"].includes(tagName.text))
    )
    assert.deepStrictEqual(without.map(placeOf), [])
  })

  it("have examples that compile", { timeout: 60_000 }, () => {
    const examples = new Map(
      sources.flatMap(findExamples).map((
        example,
        index
      ) => [join(root, "examples", `doc-comment-${index}.ts`), example])
    )
    const host = ts.createCompilerHost(options)
    const { fileExists, getSourceFile } = host
    host.fileExists = (path) => examples.has(path) || fileExists(path)
    host.getSourceFile = (path, version, onError) => {
      const example = examples.get(path)
      return example === undefined
        ? getSourceFile(path, version, onError)
        : ts.createSourceFile(path, textOf(example), version)
    }
    const program = ts.createProgram(
      [...examples.keys()],
      { ...options, noUnusedLocals: false, skipLibCheck: true },
      host
    )
    const errors = [...examples].flatMap(([path, example]) =>
      ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map(({ messageText }) =>
        `${placeOf(example)}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`
      )
    )
    assert.deepStrictEqual(errors, [])
  })
})

/**
 * Checks the doc comments of `src` and the README. docgen checks `@since`, and runs the examples that it prints. It
 * does not check `@category`, and does not find the examples of classes and their static members.
 */
import { assert, describe, it } from "@effect/vitest"
import { AmplitudeConfig } from "effect-amplitude"
import { existsSync, readdirSync, readFileSync } from "node:fs"
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

interface Snippet {
  readonly place: string
  readonly text: string
}

/** The files that a program has read. No program reads them again. */
const read = new Map<string, ts.SourceFile | undefined>()

/** The errors of the compiler for snippets. Each snippet is a module in the folder of the examples. */
const errorsOf = (snippets: ReadonlyArray<Snippet>): ReadonlyArray<string> => {
  const modules = new Map(snippets.map((snippet, index) => [join(root, "examples", `snippet-${index}.ts`), snippet]))
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile } = host
  host.fileExists = (path) => modules.has(path) || fileExists(path)
  host.getSourceFile = (path, version, onError) => {
    const snippet = modules.get(path)
    if (snippet !== undefined) return ts.createSourceFile(path, snippet.text, version)
    if (!read.has(path)) read.set(path, getSourceFile(path, version, onError))
    return read.get(path)
  }
  const program = ts.createProgram(
    [...modules.keys()],
    { ...options, noUnusedLocals: false, skipLibCheck: true },
    host
  )
  return [...modules].flatMap(([path, { place }]) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map(({ messageText }) =>
      `${place}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`
    )
  )
}

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
    assert.deepStrictEqual(
      errorsOf(sources.flatMap(findExamples).map((example) => ({ place: placeOf(example), text: textOf(example) }))),
      []
    )
  })
})

describe("the README", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8")

  it("has snippets that compile as they are", { timeout: 60_000 }, () => {
    const snippets = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map(({ 1: text, index }) => ({
      place: `README.md:${readme.slice(0, index).split("\n").length}`,
      text: text!
    }))
    assert.isAbove(snippets.length, 10)
    assert.deepStrictEqual(errorsOf(snippets), [])
  })

  it("names every example, and no file that is not there", () => {
    const named = new Set([...readme.matchAll(/`((?:examples|test)\/[^`]+)`/g)].map((match) => match[1]!))
    const missing = [...named].filter((path) => !existsSync(join(root, path)))
    const unnamed = readdirSync(join(root, "examples")).filter((name) => !named.has(`examples/${name}`))
    assert.deepStrictEqual({ missing, unnamed }, { missing: [], unnamed: [] })
  })

  it("has a row for every setting", () => {
    const rows = readme.split("\n").filter((line) => line.startsWith("| `"))
    for (const name of ["apiKey", ...Object.keys(AmplitudeConfig.defaults)]) {
      if (name === "plugins") continue
      assert.isTrue(rows.some((row) => row.startsWith(`| \`${name}\` |`)), name)
    }
  })

  it("has links that lead to its headings", () => {
    const anchors = [...readme.matchAll(/^#+ (.+)$/gm)].map(({ 1: title }) =>
      `#${title!.toLowerCase().replace(/[^\p{L}\p{N} -]/gu, "").replace(/ /g, "-")}`
    )
    for (const { 1: link } of readme.matchAll(/\]\((#[^)]+)\)/g)) assert.include(anchors, link!)
  })
})

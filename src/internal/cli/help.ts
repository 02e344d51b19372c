/** Writes the help of a command on one screen, without styles: its description, its options in a table, examples. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import type * as Span from "@effect/cli/HelpDoc/Span"
import { withoutStyles } from "./terminal.js"

export interface Help {
  /** The usage without the name of the program. */
  readonly usage: string
  readonly summary: string
  /** The help of @effect/cli, with the arguments and options. */
  readonly doc: HelpDoc.HelpDoc
  readonly commands?: ReadonlyArray<readonly [usage: string, summary: string]> | undefined
  readonly examples: ReadonlyArray<readonly [command: string, what: string]>
}

type Row = readonly [name: string, words: string]

/** The texts that @effect/cli adds to every option of a type. The placeholder of the option says the same. */
const boilerplate =
  /^(This option can be set from environment variables\.|This setting is optional\.|This option may be repeated.*|This argument (may|must) be repeated.*|A true or false value\.|A user-defined piece of text\.|An integer\.|One of the following: .*)$/

const flat = (doc: HelpDoc.HelpDoc): ReadonlyArray<HelpDoc.HelpDoc> =>
  doc._tag === "Sequence" ? [...flat(doc.left), ...flat(doc.right)] : [doc]

const textOf = (span: Span.Span): string => withoutStyles(HelpDoc.toAnsiText(HelpDoc.p(span))).trim()

const wordsOf = (doc: HelpDoc.HelpDoc): string =>
  flat(doc)
    .flatMap((part) => part._tag === "Paragraph" ? [textOf(part.value)] : [])
    .filter((text) => text !== "" && !boilerplate.test(text))
    .join(" ")

/** The rows of a section. */
const rowsOf = (doc: HelpDoc.HelpDoc, section: string): ReadonlyArray<Row> => {
  const parts = flat(doc)
  const at = parts.findIndex((part) => part._tag === "Header" && textOf(part.value) === section)
  const end = parts.findIndex((part, index) => index > at && part._tag === "Header")
  return parts.slice(at < 0 ? parts.length : at + 1, end < 0 ? parts.length : end).flatMap((part) =>
    part._tag === "DescriptionList"
      ? part.definitions.map(([span, words]): Row => [nameOf(textOf(span)), wordsOf(words)])
      : []
  )
}

/** Writes `<FILE> 1+` as `FILE…`, and an alias without its parentheses. */
const nameOf = (text: string): string =>
  text.replace(/^\((.*)\)$/, "$1").replace(
    /^<(.*)>( 1\+)?$/,
    (_, name: string, many?: string) => name + (many ? "…" : "")
  )

const nameWidth = 28
const width = 110

const table = (rows: ReadonlyArray<Row>): ReadonlyArray<string> => {
  const names = Math.min(nameWidth, Math.max(...rows.map(([name]) => name.length)))
  return rows.flatMap(([name, words]) => {
    const lines = wrapped(words, width - names - 4)
    return name.length > names
      ? [`  ${name}`, ...lines.map((line) => `  ${" ".repeat(names)}  ${line}`)]
      : lines.map((line, index) => `  ${(index === 0 ? name : "").padEnd(names)}  ${line}`)
  })
}

const wrapped = (text: string, width: number): ReadonlyArray<string> =>
  text.split(" ").reduce<Array<string>>((lines, word) => {
    const last = lines[lines.length - 1]!
    if (last !== "" && last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`
    return lines
  }, [""])

const environment: ReadonlyArray<Row> = [
  ["AMPLITUDE_DEV_…", "Stands in for an option: AMPLITUDE_DEV_PORT for --port, AMPLITUDE_DEV_DRY_RUN for --dry-run."],
  ["AMPLITUDE_API_KEY", "The API key of the project."],
  ["NO_COLOR", "No colours, on a terminal too."]
]

const exitStatus = ["  0 done, 1 failed, 2 wrong usage, 3 events at fault, 4 needs --yes, 130 interrupted"]

export const render = (name: string, help: Help): string => {
  const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
    lines.length === 0 ? [] : ["", title, ...lines]
  const listed = (title: string, rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
    section(title, rows.length === 0 ? [] : table(rows))
  return [
    `${help.summary}.`,
    ...section("USAGE", [`  ${name} ${help.usage}`]),
    ...listed("COMMANDS", help.commands ?? []),
    ...listed("ARGUMENTS", rowsOf(help.doc, "ARGUMENTS")),
    ...listed("OPTIONS", [
      ...rowsOf(help.doc, "OPTIONS"),
      ...help.commands === undefined
        ? []
        : [
          ["COMMAND --help", "The options of a command, and examples of it."],
          ["--version", "The version."],
          ["--completions SHELL", "A script for bash, zsh, fish or sh that completes commands and options."],
          ["--wizard", "Asks for each option of a command."]
        ] as const
    ]),
    ...section(
      "EXAMPLES",
      help.examples.flatMap(([command, what]) => [
        `  # ${what}`,
        `  npx ${name} ${command}`
      ])
    ),
    ...help.usage === "COMMAND"
      ? [...section("ENVIRONMENT", table(environment)), ...section("EXIT STATUS", exitStatus)]
      : []
  ].join("\n")
}

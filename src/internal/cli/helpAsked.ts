/** Which help a command line asks for, and how it looks. Nothing here needs the commands themselves: help is there at once. */
import { onStdout } from "./colours.js"

export const commands = ["", "dev", "send", "validate", "plan", "plan generate", "plan check"] as const

export type Command = typeof commands[number]

/** The command whose help is asked for by arguments. */
export const helpAskedFor = (args: ReadonlyArray<string>): Command | undefined => {
  if (args.length > 0 && !args.includes("--help") && !args.includes("-h")) {
    return args[0] === "plan" && args.length === 1 ? "plan" : undefined
  }
  const words = args.filter((arg) => !arg.startsWith("-"))
  return [words.slice(0, 2).join(" "), words[0] ?? ""].map((key) => commands.find((command) => command === key))
    .find((command) => command !== undefined)
}

/** What comes after `--` of `dev` is the command that it runs. */
export const splitCommand = (args: ReadonlyArray<string>): readonly [ReadonlyArray<string>, ReadonlyArray<string>] => {
  const at = args[0] === "dev" ? args.indexOf("--") : -1
  return at < 0 ? [args, []] : [args.slice(0, at), args.slice(at + 1)]
}

/** Titles are bold and comments are dim, on a terminal. */
export const styled = (help: string): string =>
  help.replace(/^[A-Z][A-Z ]+$/gm, (title) => onStdout("bold", title))
    .replace(/^ {2}(# .*)$/gm, (_, comment: string) => `  ${onStdout("dim", comment)}`)

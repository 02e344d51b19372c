/** Finds the help that a command line asks for, and styles it. It does not load the commands, so that help is fast. */
import { onStdout } from "./colours.js"

export const commands = ["", "dev", "send", "validate", "plan", "plan generate", "plan check"] as const

export type Command = typeof commands[number]

/** The command whose help the arguments ask for, or undefined. */
export const helpAskedFor = (args: ReadonlyArray<string>): Command | undefined => {
  if (args.length > 0 && !args.includes("--help") && !args.includes("-h")) {
    return args[0] === "plan" && args.length === 1 ? "plan" : undefined
  }
  const words = args.filter((arg) => !arg.startsWith("-"))
  return [words.slice(0, 2).join(" "), words[0] ?? ""].map((key) => commands.find((command) => command === key))
    .find((command) => command !== undefined)
}

/** Splits the arguments of `dev` at `--`. The second part is the command to run. */
export const splitCommand = (args: ReadonlyArray<string>): readonly [ReadonlyArray<string>, ReadonlyArray<string>] => {
  const at = args[0] === "dev" ? args.indexOf("--") : -1
  return at < 0 ? [args, []] : [args.slice(0, at), args.slice(at + 1)]
}

/** Makes titles bold and comments dim on a terminal. */
export const styled = (help: string): string =>
  help.replace(/^[A-Z][A-Z ]+$/gm, (title) => onStdout("bold", title))
    .replace(/^ {2}(# .*)$/gm, (_, comment: string) => `  ${onStdout("dim", comment)}`)

/** The failure of a command: one line that says what to do, and the exit status. */
import * as Data from "effect/Data"

/** The exit statuses of the command line. */
export const exitCodes = { done: 0, failed: 1, usage: 2, atFault: 3, needsYes: 4, interrupted: 130 } as const

/** A command that failed. An empty message is not printed. */
export class CliFailure extends Data.TaggedError("CliFailure")<{
  readonly message: string
  readonly exitCode: number
}> {}

export const failed = (message: string): CliFailure => new CliFailure({ message, exitCode: exitCodes.failed })

export const usage = (message: string): CliFailure => new CliFailure({ message, exitCode: exitCodes.usage })

/** The command found events at fault, and has printed them. */
export const atFault: CliFailure = new CliFailure({ message: "", exitCode: exitCodes.atFault })

const systemErrors: { readonly [code: string]: string | undefined } = {
  ENOENT: "there is no such file",
  EACCES: "it may not be read or written",
  EPERM: "it may not be read or written",
  EISDIR: "it is a folder: name a file",
  ENOTDIR: "a part of its path is a file",
  ENOSPC: "the disk is full",
  ESPIPE: "it is a pipe: write it to stdin of the command, and - in place of its name",
  EADDRINUSE: "the port is taken",
  Z_BUF_ERROR: "it ends in the middle of its compressed data",
  Z_DATA_ERROR: "its compressed data are damaged"
}

/** An error of the platform in words. */
export const reasonOf = (error: unknown): string => {
  const { code, message } = (typeof error === "object" && error !== null ? error : {}) as {
    readonly code?: unknown
    readonly message?: unknown
  }
  return (typeof code === "string" ? systemErrors[code] : undefined) ??
    (typeof message === "string" ? message.split("\n", 1)[0]! : String(error))
}

/** An error of the platform that writing a file met. A file that is missing is made, and its folder is not. */
export const reasonOfWriting = (error: unknown): string =>
  (error as { readonly code?: unknown } | undefined)?.code === "ENOENT"
    ? "its folder does not exist"
    : reasonOf(error)

/** The failure of an operation on a file. */
export const fileFailure: (path: string) => (error: unknown) => CliFailure = (path) => (error) =>
  failed(`${path}: ${reasonOf(error)}`)

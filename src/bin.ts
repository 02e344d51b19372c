#!/usr/bin/env node
/**
 * The entry of the command line `effect-amplitude`. It is bundled into one file, and is not a module to import.
 */
import { helpAskedFor, splitCommand, styled } from "./internal/cli/helpAsked.js"
import { helpTexts } from "./internal/cli/helpTexts.js"

const [args] = splitCommand(process.argv.slice(2))

// a reader such as `head` may close a stream early: the command does its work all the same, and its exit status says
// how it ended. Only the server has no other end.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code !== "EPIPE") process.exit(1)
    if (stream === process.stdout && args[0] === "dev") process.exit(0)
  })
}

const asked = helpAskedFor(args)
const help = asked === undefined ? undefined : helpTexts[asked]

if (help !== undefined) process.stdout.write(styled(help))
else {
  const { main } = await import("./internal/cli/app.js")
  main(process.argv)
}

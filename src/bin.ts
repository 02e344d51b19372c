#!/usr/bin/env node
/**
 * The entry of the command line `effect-amplitude`. It is bundled into one file, and is not a module to import.
 */
import { helpAskedFor, splitCommand, styled } from "./internal/cli/helpAsked.js"
import { helpTexts } from "./internal/cli/helpTexts.js"

// a reader such as `head` may close the stream early: then the process ends without an error
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))
}

const [args] = splitCommand(process.argv.slice(2))
const asked = helpAskedFor(args)
const help = asked === undefined ? undefined : helpTexts[asked]

if (help !== undefined) process.stdout.write(styled(help))
else {
  const { main } = await import("./internal/cli/app.js")
  main(process.argv)
}

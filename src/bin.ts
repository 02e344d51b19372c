#!/usr/bin/env node
/**
 * The command line `effect-amplitude`. It is bundled with everything that it needs: nothing here is for import.
 */
import { helpAskedFor, splitCommand, styled } from "./internal/cli/helpAsked.js"
import { helpTexts } from "./internal/cli/helpTexts.js"

// who reads the output has seen enough
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

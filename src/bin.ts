#!/usr/bin/env node
/**
 * The command line `effect-amplitude`. It is bundled with everything that it needs: nothing here is for import.
 */
import { main } from "./internal/cli/app.js"

main(process.argv)

/**
 * Ends a lease: what it holds goes back as it was.
 *
 * - KEYS[1]: the shard
 * - ARGV: token
 * - answers nothing
 */
import { back } from "./back.js"
import { keys } from "./keys.js"

export const giveBack: string = `#!lua flags=allow-oom
${keys}${back}
giveBack(ARGV[1])
`

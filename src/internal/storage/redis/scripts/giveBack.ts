/**
 * Ends a lease, and returns its events unchanged.
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

/**
 * Reads events.
 *
 * - KEYS[1]: the shard
 * - ARGV: positions
 * - answers the JSON of each event, or nothing for an event that does not exist
 */
import { keys } from "./keys.js"

export const read: string = `#!lua flags=no-writes
${keys}
return answersOf("HMGET", e, ARGV)
`

/**
 * Reads whether something has changed.
 *
 * - KEYS[1]: the shard
 * - ARGV: none
 * - answers a text that differs after each change, 1 if a lease or a pause has expired or else 0, and the age of the oldest
 *   event in milliseconds
 */
import { age } from "./age.js"
import { keys } from "./keys.js"

export const watch: string = `#!lua flags=no-writes
${keys}${age}
local isDue = redis.call("ZCOUNT", leases, "-inf", now) + redis.call("ZCOUNT", pause, "-inf", now) > 0
return { (redis.call("GET", n) or "0") .. " " .. (redis.call("GET", v) or "0"), isDue and 1 or 0, ageOfOldest() }
`

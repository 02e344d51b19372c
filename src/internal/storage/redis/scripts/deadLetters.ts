/**
 * Lists dead letters.
 *
 * - KEYS[1]: the shard
 * - ARGV: the id before the first one, and how many at the most
 * - answers the id and the text of each, in order
 */
import { keys } from "./keys.js"

export const deadLetters: string = `#!lua flags=no-writes
${keys}
local found = {}
for _, id in ipairs(redis.call("ZRANGEBYSCORE", dead, "(" .. ARGV[1], "+inf", "LIMIT", 0, ARGV[2])) do
  table.insert(found, id)
  table.insert(found, redis.call("HGET", d, id))
end
return found
`

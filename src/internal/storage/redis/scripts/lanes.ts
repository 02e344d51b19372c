/**
 * Lanes and how many events they hold.
 *
 * - KEYS[1]: the shard
 * - ARGV: the place of the first lane, and of the last one; or none, for the leased events of all lanes
 * - answers for each lane its name and the number
 */
import { keys } from "./keys.js"

export const lanes: string = `#!lua flags=no-writes
${keys}
if #ARGV == 0 then return redis.call("HGETALL", busy) end
local found = {}
for _, lane in ipairs(redis.call("ZRANGE", heads, ARGV[1], ARGV[2])) do
  table.insert(found, lane)
  table.insert(found, redis.call("LLEN", queue(lane)))
end
return found
`

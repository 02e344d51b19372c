/**
 * Deletes dead letters.
 *
 * - KEYS[1]: the shard
 * - ARGV: `ids` and the ids, or `older` and a number of milliseconds
 * - answers how many
 */
import { keys } from "./keys.js"

export const purge: string = `#!lua flags=allow-oom
${keys}
local count = 0
local function remove(id)
  count = count + redis.call("HDEL", d, id)
  redis.call("ZREM", dead, id)
end
if ARGV[1] == "ids" then
  for index = 2, #ARGV do remove(ARGV[index]) end
else
  for _, id in ipairs(redis.call("ZRANGE", dead, 0, -1)) do
    local dropped = string.match(redis.call("HGET", d, id), "^%d+")
    if tonumber(dropped) > now - tonumber(ARGV[2]) then break end
    remove(id)
  end
end
return count
`

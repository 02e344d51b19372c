/**
 * Lanes and how many events they hold.
 *
 * - KEYS[1]: the shard
 * - ARGV: `leased`; or `parked` or `fresh`, and the indexes of the first and the last one to read: of the lanes with parked
 *   events, or of the unread events
 * - answers for each lane its name and the number
 */
import { keys } from "./keys.js"

export const lanes: string = `#!lua flags=no-writes
${keys}
local found, counts = {}, {}
local function countAll(entries)
  for _, entry in ipairs(entries) do
    local lane = laneOf(entry)
    counts[lane] = (counts[lane] or 0) + 1
  end
end
if ARGV[1] == "leased" then
  for _, token in ipairs(redis.call("ZRANGE", leases, 0, -1)) do countAll(redis.call("LRANGE", held(token), 0, -1)) end
elseif ARGV[1] == "parked" then
  for _, lane in ipairs(redis.call("ZRANGE", heads, ARGV[2], ARGV[3])) do counts[lane] = redis.call("LLEN", parked(lane)) end
else
  countAll(redis.call("LRANGE", q, ARGV[2], ARGV[3]))
end
for lane, count in pairs(counts) do
  found[#found + 1] = lane
  found[#found + 1] = count
end
return found
`

/**
 * What waits, for a person.
 *
 * - KEYS[1]: the shard
 * - ARGV: none
 * - answers how many events there are, how many are leased, how many are paused and not leased, and the age of the oldest in
 *   milliseconds
 */
import { keys } from "./keys.js"

export const stats: string = `#!lua flags=no-writes
${keys}
local head = redis.call("ZRANGE", heads, 0, 0, "WITHSCORES")
local oldest = head[2] and tonumber(head[2]) or math.huge
local isLeased, leased, paused = {}, 0, 0
local fresh = redis.call("LINDEX", q, 0)
if fresh then oldest = math.min(oldest, tonumber(positionOf(fresh))) end
for _, token in ipairs(redis.call("ZRANGE", leases, 0, -1)) do
  for _, entry in ipairs(redis.call("LRANGE", held(token), 0, -1)) do
    local position = positionOf(entry)
    isLeased[position] = true
    leased = leased + 1
    oldest = math.min(oldest, tonumber(position))
  end
end
local states = redis.call("HGETALL", r)
for index = 1, #states, 2 do
  if not isLeased[states[index]] and tonumber(string.match(states[index + 1], "%d+$")) > now then paused = paused + 1 end
end
local age = 0
if oldest < math.huge then age = math.max(0, math.floor((micros - oldest) / 1000)) end
return { redis.call("HLEN", e), leased, paused, age }
`

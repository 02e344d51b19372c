/**
 * Counts the events of a shard for `stats`.
 *
 * - KEYS[1]: the shard
 * - ARGV: none
 * - answers how many events there are, how many are leased, how many are paused and not leased, and the age of the
 *   oldest in milliseconds
 */
import { age } from "./age.js"
import { keys } from "./keys.js"

export const stats: string = `#!lua flags=no-writes
${keys}${age}
local isLeased, leased, paused = {}, 0, 0
for _, token in ipairs(redis.call("ZRANGE", leases, 0, -1)) do
  for _, entry in ipairs(redis.call("LRANGE", held(token), 0, -1)) do
    isLeased[positionOf(entry)] = true
    leased = leased + 1
  end
end
local states = redis.call("HGETALL", r)
for index = 1, #states, 2 do
  if not isLeased[states[index]] and tonumber(string.match(states[index + 1], "%d+$")) > now then paused = paused + 1 end
end
return { redis.call("HLEN", e), leased, paused, ageOfOldest() }
`

/**
 * Leases the oldest events of lanes that are free.
 *
 * - KEYS[1]: the shard
 * - ARGV: token, end of the lease in milliseconds from now, most events, most bytes, whether the first event may be larger (0
 *   or 1), whether paused events are leased as well (0 or 1)
 * - answers for each event its position, lane, state and text, in order
 *
 * First it ends the leases whose time is over and the pauses that are. `ready` gives the lane with the oldest event, and is
 * what the lanes are merged with.
 */
import { back } from "./back.js"
import { keys } from "./keys.js"

export const lease: string = `#!lua flags=allow-oom
${keys}${back}
local token, duration, maxEvents, maxBytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local isAny, includesPaused = ARGV[5] == "1", ARGV[6] == "1"

for _, ended in ipairs(redis.call("ZRANGEBYSCORE", leases, "-inf", now)) do giveBack(ended) end
for _, lane in ipairs(redis.call("ZRANGEBYSCORE", pause, "-inf", now)) do place(lane) end

local paused = includesPaused and redis.call("ZRANGE", pause, 0, -1) or {}
for _, lane in ipairs(paused) do redis.call("ZADD", ready, redis.call("LINDEX", queue(lane), 0), lane) end

local taken, leased, lanes = {}, {}, {}
while #taken < 4 * maxEvents do
  local lane = redis.call("ZRANGE", ready, 0, 0)[1]
  if not lane then break end
  local position = redis.call("LINDEX", queue(lane), 0)
  local event = redis.call("HGET", e, position)
  local length, at = string.match(event, "^%d+ %d+ (%d+) ()")
  local size = #event - at - length + 2
  if size > maxBytes and not (isAny and #taken == 0) then break end
  maxBytes = maxBytes - size
  redis.call("LPOP", queue(lane))
  for _, field in ipairs({ position, lane, redis.call("HGET", r, position) or "", event }) do
    table.insert(taken, field)
  end
  table.insert(leased, position)
  table.insert(leased, lane)
  lanes[lane] = (lanes[lane] or 0) + 1
  local following = redis.call("LINDEX", queue(lane), 0)
  if following and (includesPaused or not isPaused(following)) then
    redis.call("ZADD", ready, following, lane)
  else
    redis.call("ZREM", ready, lane)
  end
end

for lane, count in pairs(lanes) do
  redis.call("HSET", busy, lane, count)
  place(lane)
end
for _, lane in ipairs(paused) do place(lane) end
for index = 1, #leased, 2 do redis.call("HSET", held(token), leased[index], leased[index + 1]) end
if #leased > 0 then
  redis.call("ZADD", leases, now + duration, token)
  redis.call("INCR", v)
end
return taken
`

/**
 * Leases the oldest events of lanes that are free.
 *
 * - KEYS[1]: the shard
 * - ARGV: token, end of the lease in milliseconds from now, most events, most bytes, whether the first event may be larger (0
 *   or 1), whether paused events are leased as well (0 or 1)
 * - answers the position, lane and state of each event, in order, all in one array of JSON; then the events as they are stored.
 *   Nothing where there is none.
 *
 * First it ends the leases whose time is over and the pauses that are.
 */
import { back } from "./back.js"
import { keys } from "./keys.js"
import { oldest } from "./oldest.js"

export const lease: string = `#!lua flags=allow-oom
${keys}${back}${oldest}
local token, duration, maxEvents, maxBytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local isAny, includesPaused = ARGV[5] == "1", ARGV[6] == "1"

for _, ended in ipairs(redis.call("ZRANGEBYSCORE", leases, "-inf", now)) do giveBack(ended) end
placeAgain(redis.call("ZRANGEBYSCORE", pause, "-inf", now))

local found, fields, events, leased, counts = oldestEvents(maxEvents, includesPaused), {}, { "" }, {}, {}
for first = 1, #found, 50 do
  if maxBytes < 0 then break end
  local some = {}
  for index = first, math.min(first + 49, #found) do some[#some + 1] = positionOf[found[index]] end
  local states = statesOf(some)
  for place, event in ipairs(redis.call("HMGET", e, unpack(some))) do
    local length, at = string.match(event, "^%d+ (%d+) ()")
    maxBytes = maxBytes - (#event - at - length + 2)
    if maxBytes < 0 and not (isAny and #events == 1) then break end
    local position, lane = some[place], laneOf[found[first + place - 1]]
    fields[#fields + 1] = position
    fields[#fields + 1] = lane.name
    fields[#fields + 1] = states[place] or ""
    leased[#leased + 1] = position
    leased[#leased + 1] = lane.name
    events[#events + 1] = event
    counts[lane] = (counts[lane] or 0) + 1
  end
end
if #events == 1 then return end

local lanes, firsts, numbers, areLeased = {}, {}, {}, {}
for lane, count in pairs(counts) do
  redis.call("LPOP", queue(lane.name), count)
  lanes[#lanes + 1] = lane.name
  firsts[#firsts + 1] = firstAfter(lane, count)
  areLeased[#areLeased + 1] = true
  numbers[#numbers + 1] = lane.name
  numbers[#numbers + 1] = count
end
onMany("HSET", busy, numbers)
onMany("HSET", held(token), leased)
place(lanes, firsts, areLeased)
redis.call("ZADD", leases, now + duration, token)
redis.call("INCR", v)
events[1] = cjson.encode(fields)
return events
`

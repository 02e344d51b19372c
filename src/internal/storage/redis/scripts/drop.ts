/** A Lua function that drops events that are not leased, for the scripts that make room. */
export const drop: string = `
-- The lanes by their last parked events. Only dropping the newest events needs them, which is rare.
local function lastOfLanes()
  local tails = base .. ":tails"
  for _, lane in ipairs(redis.call("ZRANGE", heads, 0, -1)) do
    redis.call("ZADD", tails, positionOf(redis.call("LINDEX", parked(lane), -1)), lane)
  end
  return tails
end

-- Takes parked events out of their lanes, the oldest or the newest first.
local function takeParked(count, isOldest)
  local entries = {}
  local ends = count > 0 and (isOldest and heads or lastOfLanes())
  while #entries < count do
    local lane = redis.call(isOldest and "ZRANGE" or "ZREVRANGE", ends, 0, 0)[1]
    if not lane then break end
    entries[#entries + 1] = redis.call(isOldest and "LPOP" or "RPOP", parked(lane))
    placeAgain({ lane })
    if not isOldest then
      local tail = redis.call("LINDEX", parked(lane), -1)
      if tail then redis.call("ZADD", ends, positionOf(tail), lane) else redis.call("ZREM", ends, lane) end
    end
  end
  if count > 0 and not isOldest then redis.call("DEL", ends) end
  return entries
end

-- Takes events from the list of unread events.
local function takeFresh(count, isOldest)
  return count > 0 and redis.call(isOldest and "LPOP" or "RPOP", q, count) or {}
end

-- Drops until \`keep\` events are left, or \`most\` are dropped, and adds to \`dropped\` the entry, the state and the JSON of
-- each. Answers how many are left: leased ones stay.
local function drop(keep, from, dropped, letter, most)
  local size, isOldest = redis.call("HLEN", e), from == "oldest"
  if size <= keep then return size end
  local count = math.min(size - keep, most)
  local entries = (isOldest and takeParked or takeFresh)(count, isOldest)
  for _, entry in ipairs((isOldest and takeFresh or takeParked)(count - #entries, isOldest)) do
    entries[#entries + 1] = entry
  end
  local positions = positionsOf(entries)
  local states, events = statesOf(positions), answersOf("HMGET", e, positions)
  for place, entry in ipairs(entries) do
    dropped[#dropped + 1] = entry
    dropped[#dropped + 1] = states[place] or ""
    dropped[#dropped + 1] = events[place]
    if letter then
      bury(letter.shard, letter.shards, entry, "BufferFull", 0, "the storage was full")
    end
  end
  forgetAll(entries)
  redis.call("INCR", v)
  return size - #entries
end

local function letterOf(shard, shards)
  return tonumber(shards) > 0 and { shard = tonumber(shard), shards = tonumber(shards) } or nil
end
`

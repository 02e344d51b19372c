/** Drops events that are not leased: for the scripts that make room. */
export const drop: string = `
-- The lanes by their last events: made where the newest are dropped, which is rare.
local function lastOfLanes()
  local tails = base .. ":tails"
  for _, lane in ipairs(redis.call("ZRANGE", heads, 0, -1)) do
    redis.call("ZADD", tails, redis.call("LINDEX", queue(lane), -1), lane)
  end
  return tails
end

-- Drops until \`keep\` events are left, and adds to \`dropped\` the lane, the state and the event of each. Answers how many
-- are left: leased ones stay.
local function drop(keep, from, dropped, letter)
  local size = redis.call("HLEN", e)
  if size <= keep then return size end
  local tails = from == "newest" and lastOfLanes()
  while size > keep do
    local lane = redis.call(tails and "ZREVRANGE" or "ZRANGE", tails or heads, 0, 0)[1]
    if not lane then break end
    local position = redis.call(tails and "RPOP" or "LPOP", queue(lane))
    local event = redis.call("HGET", e, position)
    table.insert(dropped, lane)
    table.insert(dropped, redis.call("HGET", r, position) or "")
    table.insert(dropped, event)
    if letter then
      bury(letter.shard, letter.shards, position, lane, "BufferFull", 0, "the storage was full")
    end
    local sequence, client = read(event)
    forgetAll({ position, client, sequence })
    placeAgain({ lane })
    size = size - 1
    if tails then
      local tail = redis.call("LINDEX", queue(lane), -1)
      if tail then redis.call("ZADD", tails, tail, lane) else redis.call("ZREM", tails, lane) end
    end
  end
  if tails then redis.call("DEL", tails) end
  redis.call("INCR", v)
  return size
end

local function letterOf(shard, shards)
  return tonumber(shards) > 0 and { shard = tonumber(shard), shards = tonumber(shards) } or nil
end
`

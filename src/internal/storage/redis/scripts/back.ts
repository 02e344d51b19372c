/** Gives leased events back to their lanes: for the scripts that end leases. */
export const back: string = `
-- Puts positions back in order, and answers the first. Only what was given back before can be older than one of them.
local function putBack(lane, positions)
  local key, newest = queue(lane), 0
  for _, position in ipairs(positions) do newest = math.max(newest, tonumber(position)) end
  local head = redis.call("LINDEX", key, 0)
  while head and tonumber(head) < newest do
    table.insert(positions, redis.call("LPOP", key))
    head = redis.call("LINDEX", key, 0)
  end
  table.sort(positions, function(one, other) return tonumber(one) > tonumber(other) end)
  onMany("LPUSH", key, positions)
  return positions[#positions]
end

-- Numbers of events of lanes are not leased any more. The first positions of some lanes are told.
local function unlease(counts, firstOf)
  local lanes, free, still, areLeased = {}, {}, {}, {}
  for lane in pairs(counts) do lanes[#lanes + 1] = lane end
  for index, leased in ipairs(answersOf("HMGET", busy, lanes)) do
    local lane = lanes[index]
    local left = tonumber(leased or 0) - counts[lane]
    areLeased[index] = left > 0
    if left > 0 then
      still[#still + 1] = lane
      still[#still + 1] = left
    else
      free[#free + 1] = lane
    end
  end
  onMany("HSET", busy, still)
  onMany("HDEL", busy, free)
  local firsts = answersOf("ZMSCORE", heads, lanes)
  for index, lane in ipairs(lanes) do firsts[index] = firstOf[lane] or firsts[index] end
  place(lanes, firsts, areLeased)
end

-- Puts positions of lanes back.
local function putBackAll(positionsOf)
  local counts, firstOf = {}, {}
  for lane, positions in pairs(positionsOf) do
    counts[lane] = #positions
    firstOf[lane] = putBack(lane, positions)
  end
  unlease(counts, firstOf)
end

-- Ends a lease that holds nothing.
local function endIfEmpty(token)
  if redis.call("EXISTS", held(token)) == 0 then redis.call("ZREM", leases, token) end
end

-- Gives back all that a lease holds, as it was.
local function giveBack(token)
  local positionsOf, entries = {}, redis.call("HGETALL", held(token))
  for index = 1, #entries, 2 do
    local position, lane = entries[index], entries[index + 1]
    positionsOf[lane] = positionsOf[lane] or {}
    table.insert(positionsOf[lane], position)
  end
  putBackAll(positionsOf)
  redis.call("DEL", held(token))
  redis.call("ZREM", leases, token)
  if #entries > 0 then redis.call("INCR", v) end
end
`

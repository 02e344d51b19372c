/** Takes events out of leases, and gives them back to their lanes: for the scripts that end leases. */
export const back: string = `
-- Takes the entries that are given from an argument on out of a lease. Answers those that it held, the places of the others
-- from 0, and how many of each lane it held.
local function split(token, first)
  local asked, ours, others, counts = {}, {}, {}, {}
  for index = first, #ARGV do asked[#asked + 1] = ARGV[index] end
  for place, isHeld in ipairs(answersOf("SMISMEMBER", held(token), asked)) do
    local entry = asked[place]
    if isHeld == 1 then
      local lane = laneOf(entry)
      ours[#ours + 1] = entry
      counts[lane] = (counts[lane] or 0) + 1
    else
      others[#others + 1] = place - 1
    end
  end
  onMany("SREM", held(token), ours)
  return ours, others, counts
end

-- Parks entries of a lane in order, and answers the position of the first. Only what was given back before can be older than
-- one of them.
local function putBack(lane, entries)
  local key, newest = parked(lane), ""
  for _, entry in ipairs(entries) do
    if entry > newest then newest = entry end
  end
  local head = redis.call("LINDEX", key, 0)
  while head and head < newest do
    entries[#entries + 1] = redis.call("LPOP", key)
    head = redis.call("LINDEX", key, 0)
  end
  table.sort(entries, function(one, other) return one > other end)
  onMany("LPUSH", key, entries)
  return positionOf(entries[#entries])
end

-- Numbers of events of lanes are not leased any more. The first positions of some lanes are told.
local function unlease(counts, firstOf)
  local lanes, free, still, isStill = {}, {}, {}, {}
  for lane in pairs(counts) do lanes[#lanes + 1] = lane end
  for index, leased in ipairs(answersOf("HMGET", busy, lanes)) do
    local lane = lanes[index]
    local left = tonumber(leased or 0) - counts[lane]
    if left > 0 then
      still[#still + 1] = lane
      still[#still + 1] = left
      isStill[lane] = true
    else
      free[#free + 1] = lane
    end
  end
  onMany("HSET", busy, still)
  onMany("HDEL", busy, free)
  if redis.call("EXISTS", heads) == 0 and not next(firstOf) then return end
  -- those without parked events have no place
  local withParked, firsts, areLeased = {}, {}, {}
  for index, first in ipairs(answersOf("ZMSCORE", heads, lanes)) do
    local lane = lanes[index]
    first = firstOf[lane] or first
    if first then
      withParked[#withParked + 1] = lane
      firsts[#firsts + 1] = first
      areLeased[#areLeased + 1] = isStill[lane] or false
    end
  end
  place(withParked, firsts, areLeased)
end

-- Puts entries back.
local function putBackAll(entries)
  local entriesOf, counts, firstOf = {}, {}, {}
  for _, entry in ipairs(entries) do
    local lane = laneOf(entry)
    entriesOf[lane] = entriesOf[lane] or {}
    table.insert(entriesOf[lane], entry)
  end
  for lane, itsEntries in pairs(entriesOf) do
    counts[lane] = #itsEntries
    firstOf[lane] = putBack(lane, itsEntries)
  end
  unlease(counts, firstOf)
end

-- Ends a lease that holds nothing.
local function endIfEmpty(token)
  if redis.call("EXISTS", held(token)) == 0 then redis.call("ZREM", leases, token) end
end

-- Gives back all that a lease holds, as it was.
local function giveBack(token)
  local entries = redis.call("SMEMBERS", held(token))
  putBackAll(entries)
  redis.call("DEL", held(token))
  redis.call("ZREM", leases, token)
  if #entries > 0 then redis.call("INCR", v) end
end
`

/** Takes events out of leases, and gives them back to their lanes: for the scripts that end leases. */
export const back: string = `
-- Takes the entries that are given from an argument on out of a lease. Answers those that it held, the places of the others
-- from 0, and the lanes of those that it still holds.
local function split(token, first)
  local isAsked, ours, left, others, leftLanes = {}, {}, {}, {}, {}
  for index = first, #ARGV do isAsked[ARGV[index]] = true end
  for _, entry in ipairs(redis.call("LRANGE", held(token), 0, -1)) do
    if isAsked[entry] then
      ours[#ours + 1] = entry
      isAsked[entry] = nil
    else
      left[#left + 1] = entry
      leftLanes[laneOf(entry)] = true
    end
  end
  for index = first, #ARGV do
    if isAsked[ARGV[index]] then others[#others + 1] = index - first end
  end
  if #ours > 0 then
    redis.call("DEL", held(token))
    onMany("RPUSH", held(token), left)
  end
  return ours, others, leftLanes
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

-- Events of lanes are not leased any more. Lanes that still have leased events are told, and the first positions of some.
local function unlease(lanes, stillLeased, firstOf)
  local free = {}
  for _, lane in ipairs(lanes) do
    if not stillLeased[lane] then free[#free + 1] = lane end
  end
  onMany("SREM", busy, free)
  if redis.call("EXISTS", heads) == 0 and not next(firstOf) then return end
  -- those without parked events have no place
  local withParked, firsts, areLeased = {}, {}, {}
  for index, first in ipairs(answersOf("ZMSCORE", heads, lanes)) do
    local lane = lanes[index]
    first = firstOf[lane] or first
    if first then
      withParked[#withParked + 1] = lane
      firsts[#firsts + 1] = first
      areLeased[#areLeased + 1] = stillLeased[lane] or false
    end
  end
  place(withParked, firsts, areLeased)
end

-- Puts entries back that are not in their lease any more.
local function putBackAll(entries, stillLeased)
  local entriesOf, lanes, firstOf = {}, {}, {}
  for _, entry in ipairs(entries) do
    local lane = laneOf(entry)
    if not entriesOf[lane] then
      entriesOf[lane] = {}
      lanes[#lanes + 1] = lane
    end
    table.insert(entriesOf[lane], entry)
  end
  for _, lane in ipairs(lanes) do firstOf[lane] = putBack(lane, entriesOf[lane]) end
  unlease(lanes, stillLeased, firstOf)
end

-- Ends a lease that holds nothing.
local function endIfEmpty(token)
  if redis.call("EXISTS", held(token)) == 0 then redis.call("ZREM", leases, token) end
end

-- Returns all events of a lease unchanged.
local function giveBack(token)
  local entries = redis.call("LRANGE", held(token), 0, -1)
  redis.call("DEL", held(token))
  putBackAll(entries, {})
  redis.call("ZREM", leases, token)
  if #entries > 0 then redis.call("INCR", v) end
end
`

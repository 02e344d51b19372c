/** Lua functions that take events out of leases and return them to their lanes, for the scripts that end leases. */
export const back: string = `
-- Takes entries out of a lease. The entries are the arguments from \`first\` on. Answers the entries that the lease held, the
-- indexes from 0 of the others, and the lanes of the entries that the lease still holds.
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

-- Parks entries of a lane in order, and answers the position of the first. Only entries that were returned before can be older
-- than one of them.
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

-- Updates lanes after some of their events have left a lease. \`stillLeased\` has the lanes with other leased events, and
-- \`firstOf\` the new first positions of some lanes.
local function unlease(lanes, stillLeased, firstOf)
  local free = {}
  for _, lane in ipairs(lanes) do
    if not stillLeased[lane] then free[#free + 1] = lane end
  end
  onMany("SREM", busy, free)
  if redis.call("EXISTS", heads) == 0 and not next(firstOf) then return end
  -- lanes without parked events are not in the sorted sets
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

-- Parks entries that have left their lease.
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

-- Ends a lease without events.
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

/** A Lua function that finds the parked events that can be leased, for the script `lease`. */
export const oldest: string = `
-- The entry and the lane of a position, by its number.
local entryAt, laneAt = {}, {}

-- Reads more of a lane, and adds to \`found\` the events up to \`limit\` that are not behind a paused event.
local function readMore(lane, count, limit, includesPaused, found)
  local entries = redis.call("LRANGE", parked(lane.name), #lane.entries, #lane.entries + count - 1)
  local states = includesPaused and {} or statesOf(positionsOf(entries))
  for place, entry in ipairs(entries) do
    local number, _, _, paused = tonumber(positionOf(entry)), numbersOf(states[place])
    lane.entries[#lane.entries + 1] = entry
    lane.last = number
    if paused > now or number > limit then lane.isOver = true end
    if not lane.isOver then
      found[#found + 1] = number
      entryAt[number], laneAt[number] = entry, lane
    end
  end
  if #entries < count then lane.isOver, lane.isWhole = true, true end
end

-- The oldest parked events of all lanes that can be leased, in order, as numbers. A lane is read for as long as its next event
-- can be one of them.
local function oldestParked(most, includesPaused)
  local found, lanes = {}, {}
  local names = redis.call("ZRANGE", ready, 0, most - 1)
  local limit = #names == most and tonumber(redis.call("ZSCORE", ready, names[most])) or math.huge
  for _, name in ipairs(includesPaused and redis.call("ZRANGE", pause, 0, -1) or {}) do names[#names + 1] = name end
  for index, name in ipairs(names) do lanes[index] = { name = name, entries = {}, last = 0 } end
  local count = math.ceil(most / math.max(#lanes, 1)) + 1
  local isDone
  repeat
    isDone = true
    for _, lane in ipairs(lanes) do
      if not lane.isOver and lane.last < limit then
        readMore(lane, count, limit, includesPaused, found)
        isDone = false
      end
    end
    table.sort(found)
    limit = found[most] or limit
  until isDone
  for index = #found, most + 1, -1 do found[index] = nil end
  return found
end

-- The first position of a lane once some of its parked events have left.
local function firstAfter(lane, count)
  local first = lane.entries[count + 1]
  if not first and not lane.isWhole then first = redis.call("LINDEX", parked(lane.name), 0) end
  return first and positionOf(first) or false
end
`

/**
 * Leases the oldest events of lanes that are free.
 *
 * - KEYS[1]: the shard
 * - ARGV: token, end of the lease in milliseconds from now, most events, most bytes, whether the first event may be larger (0
 *   or 1), whether paused events are leased as well (0 or 1)
 * - answers the entries in order, separated by line feeds, and their states in the same way, or one empty text if no event has a
 *   state. Without an event to lease it answers nothing. It looks at a few thousand events at most, and then answers an empty
 *   list: the next call continues.
 *
 * First it ends expired leases and pauses. Then it takes parked events, which are older than all others, and then unread
 * events. It parks an unread event whose lane is not free. A plain command reads the JSON of the events: Lua is slow with long
 * texts, since it hashes each of their bytes.
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

local taken, lanesTaken, isTaken, isFull = {}, {}, {}, false

-- Takes events in order, up to the limits. Answers how many it took.
local function take(entries)
  for index, entry in ipairs(entries) do
    maxBytes = maxBytes - lengthOf(entry) - 1
    isFull = #taken == maxEvents or maxBytes < 0 and not (isAny and #taken == 0)
    if isFull then return index - 1 end
    local lane = laneOf(entry)
    taken[#taken + 1] = entry
    if not isTaken[lane] then
      isTaken[lane] = true
      lanesTaken[#lanesTaken + 1] = lane
    end
  end
  isFull = #taken == maxEvents
  return #entries
end

-- First the parked events. \`isEmptied\` has the lanes whose parked events are all taken.
local isEmptied = {}
local numbers = oldestParked(maxEvents, includesPaused)
if #numbers > 0 then
  local entries = {}
  for index, number in ipairs(numbers) do entries[index] = entryAt[number] end
  local countOf = {}
  for index = 1, take(entries) do
    local lane = laneAt[numbers[index]]
    countOf[lane] = (countOf[lane] or 0) + 1
  end
  local lanes, firsts, areLeased = {}, {}, {}
  for lane, count in pairs(countOf) do
    redis.call("LPOP", parked(lane.name), count)
    lanes[#lanes + 1] = lane.name
    firsts[#firsts + 1] = firstAfter(lane, count)
    areLeased[#areLeased + 1] = true
    isEmptied[lane.name] = not firsts[#firsts]
  end
  place(lanes, firsts, areLeased)
end

-- Parks events behind the others of their lanes, which are not free.
local function park(entries)
  local entriesOf, inHeads = {}, {}
  for _, entry in ipairs(entries) do
    local lane = laneOf(entry)
    entriesOf[lane] = entriesOf[lane] or {}
    table.insert(entriesOf[lane], entry)
  end
  for lane, itsEntries in pairs(entriesOf) do
    if onMany("RPUSH", parked(lane), itsEntries) == #itsEntries then
      inHeads[#inHeads + 1] = positionOf(itsEntries[1])
      inHeads[#inHeads + 1] = lane
    end
  end
  onMany("ZADD", heads, inHeads)
end

-- Then the unread events.
local mostLookedAt, lookedAt = 5000, 0
while not isFull and lookedAt < mostLookedAt do
  local entries, lanes = redis.call("LRANGE", q, 0, math.max(maxEvents - #taken, 100) - 1), {}
  if #entries == 0 then break end
  for index, entry in ipairs(entries) do lanes[index] = laneOf(entry) end
  local areLeased = areBusy(lanes)
  local areParked = redis.call("EXISTS", heads) == 1 and answersOf("ZMSCORE", heads, lanes) or {}
  local free, places, behind = {}, {}, {}
  for index, lane in ipairs(lanes) do
    if not areLeased[index] and (isEmptied[lane] or not areParked[index]) then
      free[#free + 1] = entries[index]
      places[#places + 1] = index
    end
  end
  local nextFree = places[take(free) + 1] or #entries + 1
  for index = 1, nextFree - 1 do
    local lane = lanes[index]
    if areLeased[index] or (areParked[index] and not isEmptied[lane]) then behind[#behind + 1] = entries[index] end
  end
  park(behind)
  if nextFree > 1 then redis.call("LTRIM", q, nextFree - 1, -1) end
  lookedAt = lookedAt + #entries
end
if #taken == 0 then return lookedAt >= mostLookedAt and {} or nil end

onMany("SADD", busy, lanesTaken)
onMany("RPUSH", held(token), taken)
redis.call("ZADD", leases, now + duration, token)
redis.call("INCR", v)
local states = statesOf(positionsOf(taken))
for index = 1, #states do states[index] = states[index] or "" end
return { table.concat(taken, "\\n"), table.concat(states, "\\n") }
`

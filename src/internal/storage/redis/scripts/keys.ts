/**
 * The Lua functions that all scripts share: the keys, the time of the server, and the places of lanes. Each script
 * begins with this text.
 *
 * Keys, all of which begin with KEYS[1] and have its hash tag, so that they are in one slot of a cluster:
 *
 * - `n`: the position of the last event that was appended. A position is the time of the append in microseconds, or one
 *   more than the last: positions are the order of the appends. It has 16 digits.
 * - `e`: hash of position to the JSON of an event
 * - `r`: hash of position to `attempts retries paused-until`, of events for which one of them is not 0
 * - `q`: list of the unread events, which no lease has looked at, in order. Lists hold the entry of an event: a line with
 *   its position and the length of its JSON in 8 digits, and a line each with its lane, client and sequence.
 * - `q:LANE`: list of the parked events of a lane, in order: events that were returned, and events that a lease found
 *   behind a leased or paused event of their lane. All of them are older than the events in `q`.
 * - `heads`: sorted set of the lanes with parked events, by the position of the first one
 * - `ready`: sorted set of the lanes in `heads` that can be leased, by the same
 * - `pause`: sorted set of the lanes in `heads` whose first event is paused, by the end of the pause
 * - `busy`: set of the lanes with leased events. All events of a lane that are leased are in one lease.
 * - `until`: sorted set of the tokens of leases, by their end
 * - `t:TOKEN`: list of the leased entries
 * - `c:CLIENT`: set of the blocks of a client's sequences
 * - `s:BLOCK:CLIENT`: set of the sequences in a block of 512, counted from the first of the block, which takes two bytes each
 * - `d` and `dead`: hash of id to dead letter, and sorted set of the ids
 * - `v`: a counter of the changes that make events or room available, without appends
 */
export const keys: string = `
local base = KEYS[1]
local n, e, r, q, v = base .. ":n", base .. ":e", base .. ":r", base .. ":q", base .. ":v"
local heads, ready, pause = base .. ":heads", base .. ":ready", base .. ":pause"
local busy, leases = base .. ":busy", base .. ":until"
local d, dead = base .. ":d", base .. ":dead"

local time = redis.call("TIME")
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function text(number) return string.format("%.0f", number) end
-- The text of a position. All have 16 digits, so that entries sort by their positions.
local function digits(number)
  return string.format("%08d%08d", math.floor(number / 100000000), number % 100000000)
end
local function parked(lane) return base .. ":q:" .. lane end
local function held(token) return base .. ":t:" .. token end

-- Runs a command with any number of arguments, a few hundred at a time, since Lua passes a few thousand at most.
-- Returns the last answer.
local function onMany(command, key, arguments)
  local answer
  for first = 1, #arguments, 500 do
    answer = redis.call(command, key, unpack(arguments, first, math.min(first + 499, #arguments)))
  end
  return answer
end

-- The same for a command that answers a list with an item for each argument. Returns all items.
local function answersOf(command, key, arguments)
  local answers = {}
  for first = 1, #arguments, 500 do
    local last = math.min(first + 499, #arguments)
    for place, answer in ipairs(redis.call(command, key, unpack(arguments, first, last))) do
      answers[first + place - 1] = answer
    end
  end
  return answers
end

-- The parts of an entry.
local function positionOf(entry) return string.sub(entry, 1, 16) end
local function lengthOf(entry) return tonumber(string.sub(entry, 17, 24)) end
local function laneOf(entry) return string.sub(entry, 26, string.find(entry, "\\n", 26, true) - 1) end
local function clientOf(entry)
  local client, sequence = string.match(entry, "^([^\\n]*)\\n(%d+)$", string.find(entry, "\\n", 26, true) + 1)
  return client, tonumber(sequence)
end

local function positionsOf(entries)
  local positions = {}
  for index, entry in ipairs(entries) do positions[index] = positionOf(entry) end
  return positions
end

local function numbersOf(state)
  local attempts, retries, paused = string.match(state or "", "^(%d+) (%d+) (%d+)$")
  return tonumber(attempts or 0), tonumber(retries or 0), tonumber(paused or 0)
end

-- The states of events, false for an event without one. Most often no event has a state. A position can be false.
local hasStates = redis.call("EXISTS", r) == 1
local hasPauses = redis.call("EXISTS", pause) == 1
local function statesOf(positions)
  if not hasStates then return {} end
  local asked = {}
  for index, position in ipairs(positions) do asked[index] = position or "" end
  return answersOf("HMGET", r, asked)
end

-- Which lanes have leased events.
local function areBusy(lanes)
  local are = {}
  for index, isBusy in ipairs(answersOf("SMISMEMBER", busy, lanes)) do are[index] = isBusy == 1 end
  return are
end

-- Updates the sorted sets for lanes. The other lists hold, at the same index, the first position of the lane (false: none)
-- and whether the lane is leased.
local function place(lanes, firsts, areLeased)
  local states = statesOf(firsts)
  local inHeads, inReady, inPause, notHeads, notReady = {}, {}, {}, {}, {}
  for index, lane in ipairs(lanes) do
    local first, _, _, paused = firsts[index], numbersOf(states[index])
    if first then
      inHeads[#inHeads + 1] = first
      inHeads[#inHeads + 1] = lane
    else
      notHeads[#notHeads + 1] = lane
    end
    if not first or areLeased[index] then
      notReady[#notReady + 1] = lane
    elseif paused > now then
      inPause[#inPause + 1] = text(paused)
      inPause[#inPause + 1] = lane
      notReady[#notReady + 1] = lane
    else
      inReady[#inReady + 1] = first
      inReady[#inReady + 1] = lane
    end
  end
  onMany("ZREM", heads, notHeads)
  onMany("ZADD", heads, inHeads)
  onMany("ZREM", ready, notReady)
  onMany("ZADD", ready, inReady)
  if hasPauses then onMany("ZREM", pause, lanes) end
  onMany("ZADD", pause, inPause)
  hasPauses = hasPauses or #inPause > 0
end

-- Updates the sorted sets for lanes whose first events have changed.
local function placeAgain(lanes)
  local firsts = {}
  for index, lane in ipairs(lanes) do
    local first = redis.call("LINDEX", parked(lane), 0)
    firsts[index] = first and positionOf(first)
  end
  place(lanes, firsts, areBusy(lanes))
end

-- Stores states. The arguments are positions and states in turns.
local function setStates(states)
  onMany("HSET", r, states)
  hasStates = hasStates or #states > 0
end

-- The key and the value that record a sequence of a client. Most often the key is the one of the call before.
local noteClient, noteBlock, noteKey
local function noteOf(client, sequence)
  local block = math.floor(sequence / 512)
  if block ~= noteBlock or client ~= noteClient then
    noteClient, noteBlock, noteKey = client, block, base .. ":s:" .. text(block) .. ":" .. client
  end
  return noteKey, sequence - block * 512, block
end

-- Forgets events that are in no list and no lease.
local function forgetAll(entries)
  local offsets, blocks = {}, {}
  for _, entry in ipairs(entries) do
    local client, sequence = clientOf(entry)
    local key, offset, block = noteOf(client, sequence)
    local others = offsets[key]
    if others then
      others[#others + 1] = offset
    else
      offsets[key], blocks[key] = { offset }, { client, text(block) }
    end
  end
  local positions = positionsOf(entries)
  onMany("HDEL", e, positions)
  if hasStates then onMany("HDEL", r, positions) end
  for key, block in pairs(blocks) do
    onMany("SREM", key, offsets[key])
    if redis.call("EXISTS", key) == 0 then redis.call("SREM", base .. ":c:" .. block[1], block[2]) end
  end
end
`

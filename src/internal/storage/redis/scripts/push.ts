/** Appends events: for the scripts that do. */
export const push: string = `
local last = tonumber(redis.call("GET", n) or 0)
local size = redis.call("HLEN", e)

-- What is written together: positions and events in turns, the same with states, positions by lane, and notes.
local newEvents, newStates, newInLanes, newNotes = {}, {}, {}, {}
-- By key of a block: which of its sequences are noted, as far as they were asked for.
local known = {}

-- Writes what was pushed.
local function write()
  onMany("HSET", e, newEvents)
  setStates(newStates)
  for key, note in pairs(newNotes) do
    onMany("SADD", key, note.offsets)
    redis.call("SADD", base .. ":c:" .. note.client, note.block)
  end
  local lanes, firsts = {}, {}
  for lane, positions in pairs(newInLanes) do
    if onMany("RPUSH", queue(lane), positions) == #positions then
      lanes[#lanes + 1] = lane
      firsts[#firsts + 1] = positions[1]
    end
  end
  place(lanes, firsts, answersOf("HMGET", busy, lanes))
  redis.call("SET", n, text(last))
  newEvents, newStates, newInLanes, newNotes, known = {}, {}, {}, {}, {}
end

-- Learns which events are noted: clients and sequences in turns.
local function learn(events)
  local offsets = {}
  for index = 1, #events, 2 do
    local key, offset = noteOf(events[index], events[index + 1])
    offsets[key] = offsets[key] or {}
    table.insert(offsets[key], offset)
  end
  for key, asked in pairs(offsets) do
    known[key] = known[key] or {}
    for place, isThere in ipairs(answersOf("SMISMEMBER", key, asked)) do known[key][asked[place]] = isThere == 1 end
  end
end

-- Whether it was not there.
local function note(client, sequence)
  local key, offset, block = noteOf(client, sequence)
  if not known[key] or known[key][offset] == nil then learn({ client, sequence }) end
  if known[key][offset] then return false end
  known[key][offset] = true
  newNotes[key] = newNotes[key] or { client = client, block = block, offsets = {} }
  table.insert(newNotes[key].offsets, offset)
  return true
end

-- Whether an event is there already: a client can send again what it had no answer to.
local function isStored(client, sequence, lane)
  write()
  if find(client, sequence, lane) then return true end
  for _, token in ipairs(isNoted(client, sequence) and redis.call("ZRANGE", leases, 0, -1) or {}) do
    local entries = redis.call("HGETALL", held(token))
    for index = 1, #entries, 2 do
      if entries[index + 1] == lane then
        local itsSequence, itsClient = read(redis.call("HGET", e, entries[index]))
        if itsSequence == sequence and itsClient == client then return true end
      end
    end
  end
  return false
end

-- Stores an event at the end of its lane, once. It is there after write().
local function push(client, sequence, lane, state, event)
  if not note(client, sequence) and isStored(client, sequence, lane) then return end
  last, size = math.max(last + 1, micros), size + 1
  local position, positions = text(last), newInLanes[lane] or {}
  newEvents[#newEvents + 1] = position
  newEvents[#newEvents + 1] = event
  if state ~= "" then
    newStates[#newStates + 1] = position
    newStates[#newStates + 1] = state
  end
  positions[#positions + 1] = position
  newInLanes[lane] = positions
end
`

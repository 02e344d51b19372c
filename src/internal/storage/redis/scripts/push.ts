/** Lua functions that append events, for the scripts `append` and `sendAgain`. */
export const push: string = `
local last = tonumber(redis.call("GET", n) or 0)
local size = redis.call("HLEN", e)

-- The arguments of the commands that write all events at once: positions and JSON in turns, positions and states in turns,
-- entries, and the recorded sequences by their keys.
local newEvents, newStates, newEntries, newNotes = {}, {}, {}, {}
-- The recorded sequences of a block, by its key.
local known = {}

-- Writes the collected events.
local function write()
  onMany("HSET", e, newEvents)
  setStates(newStates)
  for key, note in pairs(newNotes) do
    onMany("SADD", key, note.offsets)
    redis.call("SADD", base .. ":c:" .. note.client, text(note.block))
  end
  onMany("RPUSH", q, newEntries)
  redis.call("SET", n, text(last))
  newEvents, newStates, newEntries, newNotes, known = {}, {}, {}, {}, {}
end

-- Adds an event to the ones that \`learn\` looks up.
local asked = {}
local function ask(client, sequence)
  local key, offset = noteOf(client, sequence)
  local offsets = asked[key]
  if offsets then offsets[#offsets + 1] = offset else asked[key] = { offset } end
end

-- Looks up which of the added events have a recorded sequence.
local function learn()
  for key, offsets in pairs(asked) do
    local noted = known[key] or {}
    known[key] = noted
    for place, isThere in ipairs(answersOf("SMISMEMBER", key, offsets)) do noted[offsets[place]] = isThere == 1 end
  end
  asked = {}
end

-- Whether an event is stored already: a client can send an event again after a lost answer. \`entry\` has no position.
local function isStored(client, sequence, entry)
  local key, offset = noteOf(client, sequence)
  if not known[key] or known[key][offset] == nil then
    ask(client, sequence)
    learn()
  end
  if not known[key][offset] then return false end
  write()
  local ending = string.sub(entry, 9)
  local lane = string.match(entry, "\\n([^\\n]*)")
  return findIn(parked(lane), ending) or isLeased(ending) or findIn(q, ending)
end

-- Adds an event behind all others, unless it is stored already. \`write\` stores it.
local function push(client, sequence, entry, state, event)
  if isStored(client, sequence, entry) then return end
  local key, offset, block = noteOf(client, sequence)
  known[key] = known[key] or {}
  known[key][offset] = true
  local note = newNotes[key]
  if not note then
    note = { client = client, block = block, offsets = {} }
    newNotes[key] = note
  end
  note.offsets[#note.offsets + 1] = offset
  last, size = math.max(last + 1, micros), size + 1
  local position = digits(last)
  newEvents[#newEvents + 1] = position
  newEvents[#newEvents + 1] = event
  newEntries[#newEntries + 1] = position .. entry
  if state ~= "" then
    newStates[#newStates + 1] = position
    newStates[#newStates + 1] = state
  end
end
`

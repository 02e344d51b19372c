/**
 * What the scripts share: the keys, the server's time, and where a lane belongs. Each script begins with this text.
 *
 * Keys, all of which begin with KEYS[1] and have its hash tag, so that they are in one slot of a cluster:
 *
 * - `n`: the position of the last event that was appended. Positions are the order of the appends.
 * - `e`: hash of position to event, as `sequence created length-of-client client json`
 * - `r`: hash of position to `attempts retries paused-until`, of events for which one of them is not 0
 * - `q:LANE`: list of the positions of a lane that are not leased, in order
 * - `heads`: sorted set of the lanes with such positions, by the first one
 * - `ready`: those of them that can be leased, by the same
 * - `pause`: those of them whose first event is paused, by the end of the pause
 * - `busy`: hash of lane to the number of its leased events
 * - `until`: sorted set of the tokens of leases, by their end
 * - `t:TOKEN`: hash of leased position to lane
 * - `c:CLIENT`: set of the blocks of a client's sequences
 * - `s:BLOCK:CLIENT`: set of the sequences in a block of 512, counted from its beginning: two bytes for each
 * - `d` and `dead`: hash of id to dead letter, and sorted set of the ids
 * - `v`: counts what makes events or room available, but for appends
 */
export const keys: string = `
local base = KEYS[1]
local n, e, r, v = base .. ":n", base .. ":e", base .. ":r", base .. ":v"
local heads, ready, pause = base .. ":heads", base .. ":ready", base .. ":pause"
local busy, leases = base .. ":busy", base .. ":until"
local d, dead = base .. ":d", base .. ":dead"

local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(number) return string.format("%.0f", number) end
local function queue(lane) return base .. ":q:" .. lane end
local function held(token) return base .. ":t:" .. token end

local function stateOf(position)
  local attempts, retries, paused = string.match(redis.call("HGET", r, position) or "", "^(%d+) (%d+) (%d+)$")
  return tonumber(attempts or 0), tonumber(retries or 0), tonumber(paused or 0)
end

local function isPaused(position)
  local _, _, paused = stateOf(position)
  return paused > now
end

-- Puts a lane where its first event belongs.
local function place(lane)
  local head = redis.call("LINDEX", queue(lane), 0)
  local isFree = redis.call("HEXISTS", busy, lane) == 0
  redis.call("ZREM", ready, lane)
  redis.call("ZREM", pause, lane)
  if not head then
    redis.call("ZREM", heads, lane)
    return
  end
  redis.call("ZADD", heads, head, lane)
  if not isFree then return end
  local _, _, paused = stateOf(head)
  if paused > now then redis.call("ZADD", pause, paused, lane) else redis.call("ZADD", ready, head, lane) end
end

-- Where a sequence of a client is noted.
local function noteOf(client, sequence)
  local block = math.floor(sequence / 512)
  return base .. ":s:" .. text(block) .. ":" .. client, text(sequence - block * 512), text(block)
end

local function note(client, sequence)
  local key, offset, block = noteOf(client, sequence)
  if redis.call("SADD", key, offset) == 0 then return false end
  redis.call("SADD", base .. ":c:" .. client, block)
  return true
end

local function isNoted(client, sequence)
  local key, offset = noteOf(client, sequence)
  return redis.call("SISMEMBER", key, offset) == 1
end

-- Forgets an event that is in no queue and no lease.
local function forget(position, client, sequence)
  redis.call("HDEL", e, position)
  redis.call("HDEL", r, position)
  local key, offset, block = noteOf(client, sequence)
  redis.call("SREM", key, offset)
  if redis.call("EXISTS", key) == 0 then redis.call("SREM", base .. ":c:" .. client, block) end
end

-- The sequence, the client and the JSON of an event.
local function read(event)
  local sequence, length, at = string.match(event, "^(%d+) %d+ (%d+) ()")
  local last = at + length - 1
  return tonumber(sequence), string.sub(event, at, last), string.sub(event, last + 1)
end

-- The position of an event that waits in its lane.
local function find(client, sequence, lane)
  local positions = isNoted(client, sequence) and redis.call("LRANGE", queue(lane), 0, -1) or {}
  for index = #positions, 1, -1 do
    local itsSequence, itsClient = read(redis.call("HGET", e, positions[index]))
    if itsSequence == sequence and itsClient == client then return positions[index] end
  end
end
`

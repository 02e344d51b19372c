/** Gives leased events back to their lanes: for the scripts that end leases. */
export const back: string = `
-- Puts positions back in order. Only what was given back before can be older than one of them.
local function putBack(lane, positions)
  local key = queue(lane)
  local function isOlder(one, other) return tonumber(one) < tonumber(other) end
  table.sort(positions, isOlder)
  local newest = tonumber(positions[#positions])
  local head = redis.call("LINDEX", key, 0)
  while head and tonumber(head) < newest do
    table.insert(positions, redis.call("LPOP", key))
    head = redis.call("LINDEX", key, 0)
  end
  table.sort(positions, isOlder)
  for index = #positions, 1, -1 do redis.call("LPUSH", key, positions[index]) end
end

-- A number of a lane's events are not leased any more.
local function unlease(lane, count)
  if redis.call("HINCRBY", busy, lane, -count) <= 0 then redis.call("HDEL", busy, lane) end
  place(lane)
end

-- Ends a lease that holds nothing.
local function endIfEmpty(token)
  if redis.call("EXISTS", held(token)) == 0 then redis.call("ZREM", leases, token) end
end

-- Gives back all that a lease holds, as it was.
local function giveBack(token)
  local lanes, entries = {}, redis.call("HGETALL", held(token))
  for index = 1, #entries, 2 do
    local position, lane = entries[index], entries[index + 1]
    lanes[lane] = lanes[lane] or {}
    table.insert(lanes[lane], position)
  end
  for lane, positions in pairs(lanes) do
    local count = #positions
    putBack(lane, positions)
    unlease(lane, count)
  end
  redis.call("DEL", held(token))
  redis.call("ZREM", leases, token)
  if #entries > 0 then redis.call("INCR", v) end
end
`

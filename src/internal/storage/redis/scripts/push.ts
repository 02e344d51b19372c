/** Appends an event: for the scripts that do. */
export const push: string = `
local last = tonumber(redis.call("GET", n) or 0)

-- Whether an event is there already: a client can send again what it had no answer to.
local function isStored(client, sequence, lane)
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

-- Stores an event at the end of its lane, once.
local function push(client, sequence, lane, state, json)
  if not note(client, sequence) and isStored(client, sequence, lane) then return end
  last = last + 1
  local position = text(last)
  redis.call("HSET", e, position, table.concat({ text(sequence), " ", text(now), " ", #client, " ", client, json }))
  if state ~= "" then redis.call("HSET", r, position, state) end
  if redis.call("RPUSH", queue(lane), position) == 1 then place(lane) end
end
`

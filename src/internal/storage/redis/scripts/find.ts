/** A Lua function that finds an event by its client, sequence and lane, for the scripts that append or retract events. */
export const find: string = `
local function endingOf(client, sequence, lane) return "\\n" .. table.concat({ lane, client, text(sequence) }, "\\n") end

-- Finds the entry of a list with the given ending, from the newest on.
local function findIn(list, ending)
  for last = -1, -redis.call("LLEN", list), -200 do
    local entries = redis.call("LRANGE", list, last - 199, last)
    for index = #entries, 1, -1 do
      if string.sub(entries[index], 25) == ending then return entries[index] end
    end
  end
end

local function isLeased(ending)
  for _, token in ipairs(redis.call("ZRANGE", leases, 0, -1)) do
    for _, entry in ipairs(redis.call("LRANGE", held(token), 0, -1)) do
      if string.sub(entry, 25) == ending then return true end
    end
  end
  return false
end
`

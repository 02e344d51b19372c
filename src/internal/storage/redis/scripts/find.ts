/** Finds an event by its client, sequence and lane: for the scripts that are sent again, and for those that take back. */
export const find: string = `
local function endingOf(client, sequence, lane) return "\\n" .. table.concat({ lane, client, text(sequence) }, "\\n") end

-- The entry of a list that has an ending. The newest are looked at first.
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

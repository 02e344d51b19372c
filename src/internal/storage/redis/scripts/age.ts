/** A Lua function that gives the age of the oldest event, for the scripts `stats` and `watch`. */
export const age: string = `
-- In milliseconds and at least 1, or 0 without an event. All lists are in order, so that the first entry of each is enough.
local function ageOfOldest()
  local oldest = redis.call("ZRANGE", heads, 0, 0, "WITHSCORES")[2]
  oldest = oldest and tonumber(oldest) or math.huge
  local lists = { q }
  for _, token in ipairs(redis.call("ZRANGE", leases, 0, -1)) do lists[#lists + 1] = held(token) end
  for _, list in ipairs(lists) do
    local first = redis.call("LINDEX", list, 0)
    if first then oldest = math.min(oldest, tonumber(positionOf(first))) end
  end
  return oldest < math.huge and math.max(1, math.floor((micros - oldest) / 1000)) or 0
end
`

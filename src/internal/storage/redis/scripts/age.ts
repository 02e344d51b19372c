/** The age of the oldest event: for the scripts that tell what waits. */
export const age: string = `
-- In milliseconds; 0 where there is none. Lists are in order, and those of leases too.
local function ageOfOldest()
  local oldest = redis.call("ZRANGE", heads, 0, 0, "WITHSCORES")[2]
  oldest = oldest and tonumber(oldest) or math.huge
  local lists = { q }
  for _, token in ipairs(redis.call("ZRANGE", leases, 0, -1)) do lists[#lists + 1] = held(token) end
  for _, list in ipairs(lists) do
    local first = redis.call("LINDEX", list, 0)
    if first then oldest = math.min(oldest, tonumber(positionOf(first))) end
  end
  return oldest < math.huge and math.max(0, math.floor((micros - oldest) / 1000)) or 0
end
`

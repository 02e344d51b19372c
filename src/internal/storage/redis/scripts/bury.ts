/** A Lua function that keeps a dead letter, for the scripts that drop events. */
export const bury: string = `
-- A dead letter is \`dropped code attempts length-of-lane length-of-reason length-of-message\`, then the lane, the reason, the
-- message and the JSON. Its id grows with the time, so that the ids of all shards are in the order of time.
local function bury(shard, shards, entry, reason, code, message)
  local position, lane = positionOf(entry), laneOf(entry)
  local event = redis.call("HGET", e, position)
  if not event then return end
  local last = redis.call("ZREVRANGE", dead, 0, 0)[1] or 0
  local id = math.max(now * 16, math.floor(last / shards) + 1) * shards + shard
  local attempts = numbersOf(redis.call("HGET", r, position))
  local numbers = table.concat({ text(now), code, attempts, #lane, #reason, #message }, " ")
  redis.call("HSET", d, text(id), table.concat({ numbers, " ", lane, reason, message, event }))
  redis.call("ZADD", dead, text(id), text(id))
end
`

/**
 * Gives events of a lease back to their places, changed.
 *
 * - KEYS[1]: the shard
 * - ARGV: token, pause in milliseconds from now (0: none), attempts and retries to add; then the positions
 * - answers how many the lease still held
 */
import { back } from "./back.js"
import { keys } from "./keys.js"

export const release: string = `#!lua flags=allow-oom
${keys}${back}
local token, millis, moreAttempts, moreRetries = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local lanes, count = {}, 0
for index = 5, #ARGV do
  local position = ARGV[index]
  local lane = redis.call("HGET", held(token), position)
  if lane then
    count = count + 1
    redis.call("HDEL", held(token), position)
    local attempts, retries = stateOf(position)
    attempts, retries = attempts + moreAttempts, retries + moreRetries
    if attempts + retries + millis > 0 then
      local paused = millis > 0 and now + millis or 0
      redis.call("HSET", r, position, text(attempts) .. " " .. text(retries) .. " " .. text(paused))
    else
      redis.call("HDEL", r, position)
    end
    lanes[lane] = lanes[lane] or {}
    table.insert(lanes[lane], position)
  end
end
for lane, positions in pairs(lanes) do
  local released = #positions
  putBack(lane, positions)
  unlease(lane, released)
end
endIfEmpty(token)
if count > 0 then redis.call("INCR", v) end
return count
`

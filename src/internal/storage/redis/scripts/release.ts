/**
 * Releases events of a lease with a pause and higher counts.
 *
 * - KEYS[1]: the shard
 * - ARGV: token, pause in milliseconds from now (0: none), attempts and retries to add; then the entries
 * - answers the number of events that the lease still held
 */
import { back } from "./back.js"
import { keys } from "./keys.js"

export const release: string = `#!lua flags=allow-oom
${keys}${back}
local token, millis, moreAttempts, moreRetries = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local ours, _, stillLeased = split(token, 5)
local positions, changed, fresh = positionsOf(ours), {}, {}
local states = statesOf(positions)
for place, position in ipairs(positions) do
  local attempts, retries = numbersOf(states[place])
  attempts, retries = attempts + moreAttempts, retries + moreRetries
  if attempts + retries + millis > 0 then
    table.insert(changed, position)
    table.insert(changed, text(attempts) .. " " .. text(retries) .. " " .. text(millis > 0 and now + millis or 0))
  else
    table.insert(fresh, position)
  end
end
setStates(changed)
onMany("HDEL", r, fresh)
putBackAll(ours, stillLeased)
endIfEmpty(token)
if #ours > 0 then redis.call("INCR", v) end
return #ours
`

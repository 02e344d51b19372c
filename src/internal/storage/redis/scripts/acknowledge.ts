/**
 * Removes events that have their outcome.
 *
 * - KEYS[1]: the shard
 * - ARGV: token; shard and shards for dead letters (0 shards: none are kept); reason, code and message of the drop; the number
 *   of events; then their entries, or no entries for all events of the lease
 * - answers the indexes, from 0, of the entries that the lease did not hold. Without entries, if the lease holds another number
 *   of events, the script does nothing and answers nothing.
 */
import { back } from "./back.js"
import { bury } from "./bury.js"
import { keys } from "./keys.js"

export const acknowledge: string = `#!lua flags=allow-oom
${keys}${back}${bury}
local token, shard, shards = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local ours, others, stillLeased
if #ARGV == 7 then
  ours, others, stillLeased = redis.call("LRANGE", held(token), 0, -1), {}, {}
  if #ours ~= tonumber(ARGV[7]) then return end
  redis.call("DEL", held(token))
else
  ours, others, stillLeased = split(token, 8)
end
if shards > 0 then
  for _, entry in ipairs(ours) do bury(shard, shards, entry, ARGV[4], ARGV[5], ARGV[6]) end
end
local lanes, isKnown = {}, {}
for _, entry in ipairs(ours) do
  local lane = laneOf(entry)
  if not isKnown[lane] then
    isKnown[lane] = true
    lanes[#lanes + 1] = lane
  end
end
forgetAll(ours)
unlease(lanes, stillLeased, {})
endIfEmpty(token)
if #ours > 0 then redis.call("INCR", v) end
return others
`

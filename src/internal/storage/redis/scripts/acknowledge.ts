/**
 * Removes events that have their outcome.
 *
 * - KEYS[1]: the shard
 * - ARGV: token; shard and shards for dead letters (0 shards: none are kept); reason, code and message of the drop; then for
 *   each event its position, client and sequence
 * - answers the positions that the lease still held
 */
import { back } from "./back.js"
import { bury } from "./bury.js"
import { keys } from "./keys.js"

export const acknowledge: string = `#!lua flags=allow-oom
${keys}${back}${bury}
local token, shard, shards = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local ours, lanes = {}, {}
for index = 7, #ARGV, 3 do
  local position = ARGV[index]
  local lane = redis.call("HGET", held(token), position)
  if lane then
    table.insert(ours, position)
    lanes[lane] = (lanes[lane] or 0) + 1
    redis.call("HDEL", held(token), position)
    if shards > 0 then bury(shard, shards, position, lane, ARGV[4], ARGV[5], ARGV[6]) end
    forget(position, ARGV[index + 1], tonumber(ARGV[index + 2]))
  end
end
for lane, count in pairs(lanes) do unlease(lane, count) end
endIfEmpty(token)
if #ours > 0 then redis.call("INCR", v) end
return ours
`
